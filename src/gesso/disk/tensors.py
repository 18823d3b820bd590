"""Numbers with a JSON header in one safetensors file, written atomically and hash-checked.

A gesso file is a safetensors file whose metadata holds one text, "gesso": a JSON object with the
file's SHA-256, a format version, its kind ("card", "weights", "checkpoint", …) and the writer's
fields. The hash is taken over the whole file with the hash's own 64 digits read as zeros, so a
change of any byte is noticed. See docs/file-formats.md. Needs no torch; `gesso.nn.checkpoint` is
the same for tensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from numpy.typing import NDArray

from gesso.disk.atomic import StrPath, atomic_write, open_regular, shown
from gesso.disk.expected import Like, complaint_of
from gesso.disk.header import (
    Layout,
    brief,
    damaged,
    parse_json,
    parse_layout,
    read_layout,
    valid_name,
)
from gesso.disk.raw import Raw, compact_json, safetensors_bytes
from gesso.errors import GessoError

FORMAT = 1
MAX_BYTES = 2**30

_PREFIX = b'{"__metadata__":{"gesso":"{\\"sha256\\":\\"'  # how the header of every file begins
_SLOT = 8 + len(_PREFIX)
_NO_DIGEST = "0" * 64


def write_file(
    path: StrPath,
    tensors: Mapping[str, Raw | NDArray[Any]],
    header: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Write `tensors` and `header` to `path` atomically; equal input gives equal bytes.

    `header` is what JSON can hold and must name its "kind"; "format" and "sha256" are set here.
    `metadata` is what stands beside it for other programs; gesso reads none of it.
    Arrays may be float64/32/16, int64/32, uint8 or bool, in any memory order; bfloat16 is `Raw`.

    Returns:
        The file's SHA-256 as in its header: what a card of a part of a network calls its base.

    Raises:
        GessoError: a value that is not finite, a name, type or size the reader would refuse, or a
            path that cannot be written. The previous file is intact then.
    """
    blob = _serialized(path, tensors, header, metadata or {})
    atomic_write(path, blob)
    return blob[_SLOT : _SLOT + 64].decode("ascii")


def read_file(
    path: StrPath,
    *,
    kind: str | None = None,
    expected: Mapping[str, Like] | None = None,
    what: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[dict[str, Raw], dict[str, Any]]:
    """Read a gesso file: its tensors, each in memory of its own, and its header.

    Args:
        path: the file.
        kind: the kind it must be of; None takes any.
        expected: the exact set of names, and what each tensor has to be.
        what: what `expected` describes, in words for the message: "a MetaStyle start of width 16".
        max_bytes: the largest file to read.

    Raises:
        GessoError: missing, damaged or foreign file, another kind or architecture, values that
            are not finite. One line that says what was expected and what was found.
    """
    with open_regular(path) as file:
        layout = read_layout(path, file)
        header = _checked_header(path, layout)
        complaint = complaint_of(layout, header, kind, expected, what)
        if layout.size > max_bytes:
            problem = complaint or f"{layout.size} bytes, allowed are {max_bytes}"
            raise GessoError(f"{shown(path)}: {problem}")
        file.seek(0)
        data = file.read(layout.size)
    if not data.startswith(layout.head) or _digest([data]) != header["sha256"]:
        raise damaged(path, "its contents do not match its SHA-256")
    if complaint:
        raise GessoError(f"{shown(path)}: {complaint}")
    numbers = memoryview(data)[len(layout.head) :]
    tensors = {
        name: Raw(entry.dtype, entry.shape, bytearray(numbers[entry.begin : entry.end]))
        for name, entry in layout.entries.items()
    }
    check_finite(path, tensors, "cannot be used")
    return tensors, header


def read_header(path: StrPath, *, verify: bool = True) -> dict[str, Any]:
    """Read the header of a gesso file without its tensors.

    `verify` compares the whole file with its hash, reading it in pieces.

    Raises:
        GessoError: missing, damaged or foreign file.
    """
    with open_regular(path) as file:
        layout = read_layout(path, file)
        header = _checked_header(path, layout)
        pieces = chain([layout.head], iter(lambda: file.read(2**20), b""))
        if verify and _digest(pieces) != header["sha256"]:
            raise damaged(path, "its contents do not match its SHA-256")
    return header


def read_foreign(path: StrPath, names: Iterable[str] | None = None) -> dict[str, Raw]:
    """Read tensors from a safetensors file that is not gesso's own, such as VGG weights.

    The header is checked as strictly as that of a gesso file; nothing vouches for the numbers but
    that they are finite. Only the tensors in `names` are read (None: all), each into memory of
    its own.

    Raises:
        GessoError: missing, damaged or other file, a name it lacks, values that are not finite.
    """
    tensors = {}
    with open_regular(path) as file:
        layout = read_layout(path, file)
        wanted = list(layout.entries) if names is None else list(names)
        require_names(path, wanted, layout.entries)
        for name in wanted:
            entry = layout.entries[name]
            file.seek(len(layout.head) + entry.begin)
            data = bytearray(entry.end - entry.begin)
            if file.readinto(data) != len(data):
                raise damaged(path, f"cut off within tensor {name}")
            tensors[name] = Raw(entry.dtype, entry.shape, data)
    check_finite(path, tensors, "cannot be used")
    return tensors


def check_finite(path: StrPath, tensors: Mapping[str, Raw], trouble: str) -> None:
    """Raises GessoError, which says `trouble`, for a number that is NaN or infinite."""
    for name, tensor in tensors.items():
        if not tensor.finite():
            raise GessoError(f"{shown(path)}: {trouble}: tensor {name} holds NaN or infinity")


def require_names(path: StrPath, wanted: list[str], present: object) -> None:
    """Raises GessoError unless `present` is a mapping with all of the names `wanted`."""
    if not isinstance(present, Mapping):
        raise GessoError(f"{shown(path)}: expected named tensors, found {type(present).__name__}")
    missing = [name for name in wanted if name not in present]
    if missing:
        example = brief(next(iter(present), ""), 40)
        raise GessoError(
            f"{shown(path)}: expected {len(wanted)} tensors, {len(missing)} of them missing, the "
            f"first: {brief(missing[0], 40)}; found {len(present)} tensors, such as {example}"
        )


def _serialized(
    path: StrPath,
    tensors: Mapping[str, Raw | NDArray[Any]],
    header: Mapping[str, Any],
    metadata: Mapping[str, str],
) -> bytes:
    """The bytes of a gesso file; they have passed the reader's own checks."""
    raws = {name: _raw(path, name, tensors[name]) for name in sorted(tensors)}
    check_finite(path, raws, "not written")
    fields = {key: value for key, value in header.items() if key != "sha256"} | {"format": FORMAT}
    if not isinstance(fields.get("kind"), str) or not fields["kind"]:
        raise GessoError(f"{shown(path)}: not written: its header lacks a kind")
    try:
        text = f'{{"sha256":"{_NO_DIGEST}",{compact_json(fields, sort_keys=True)[1:]}'
        parse_json(text)
        blob = safetensors_bytes(raws, text, metadata)
        parse_layout(blob[: 8 + int.from_bytes(blob[:8], "little")], len(blob))
    except ValueError as error:
        raise GessoError(f"{shown(path)}: not written: {brief(error, 120)}") from error
    return blob[:_SLOT] + _digest([blob]).encode("ascii") + blob[_SLOT + 64 :]


def _raw(path: StrPath, name: str, tensor: Raw | NDArray[Any]) -> Raw:
    if not valid_name(name):
        raise GessoError(f"{shown(path)}: not written: {brief(name)!r} is not a tensor name")
    found = tensor if isinstance(tensor, Raw) else Raw.of(tensor)
    if found is None:
        kind = getattr(tensor, "dtype", "")
        raise GessoError(f"{shown(path)}: not written: tensor {name} is of type {kind}")
    return found


def _digest(pieces: Iterable[bytes]) -> str:
    """SHA-256 of a file given in pieces, with its own 64 digits read as zeros."""
    stream = iter(pieces)
    first = next(stream)  # holds at least the header
    digest = hashlib.sha256(first[:_SLOT] + _NO_DIGEST.encode("ascii"))
    digest.update(memoryview(first)[_SLOT + 64 :])
    for piece in stream:
        digest.update(piece)
    return digest.hexdigest()


def _checked_header(path: StrPath, layout: Layout) -> dict[str, Any]:
    if not layout.head[8:].startswith(_PREFIX):
        raise GessoError(
            f"{shown(path)}: a safetensors file without gesso's header; not a gesso file, "
            "or a damaged one"
        )
    try:
        header = parse_json(layout.metadata["gesso"])
    except ValueError as error:
        raise damaged(path, str(error)) from error
    version, kind, digest = header.get("format"), header.get("kind"), header["sha256"]
    if type(version) is int and version > FORMAT:
        raise GessoError(
            f"{shown(path)}: format {brief(version, 20)}, this gesso reads up to {FORMAT}; "
            "it was written by a newer gesso, or is damaged"
        )
    known = type(version) is int and version == FORMAT and isinstance(digest, str)
    if not (known and isinstance(kind, str) and kind):
        raise damaged(path, "its header lacks format or kind")
    return header
