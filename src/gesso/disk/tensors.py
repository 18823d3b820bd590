"""Tensors with a JSON header in one safetensors file, written atomically and hash-checked.

A gesso file is a safetensors file whose metadata holds one text, "gesso": a JSON object with the
file's SHA-256, a format version, its kind ("card", "weights", "checkpoint", …) and the writer's
fields. The hash is taken over the whole file with the hash's own 64 digits read as zeros, so a
change of any byte is noticed. See docs/file-formats.md.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from gesso.disk.atomic import StrPath, atomic_write, open_regular, sha256_file, shown
from gesso.disk.header import (
    Layout,
    brief,
    damaged,
    parse_json,
    parse_layout,
    read_layout,
    valid_name,
)
from gesso.errors import GessoError

FORMAT = 1
MAX_BYTES = 2**30

_PREFIX = b'{"__metadata__":{"gesso":"{\\"sha256\\":\\"'  # how the header of every file begins
_SLOT = 8 + len(_PREFIX)
_NO_DIGEST = "0" * 64
_DTYPES = {
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
}
_KINDS = {"card": "a style card", "weights": "weights", "checkpoint": "a training checkpoint"}

Expected = Mapping[str, "tuple[int, ...] | Tensor"]


def save_file(path: StrPath, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """Write `tensors` and `header` to `path` atomically; equal input gives equal bytes.

    `header` is what JSON can hold and must name its "kind"; "format" and "sha256" are set here.
    Tensors may be float64/32/16, bfloat16, int64/32, uint8 or bool, on any device, in any memory
    order.

    Returns:
        The file's SHA-256 as in its header: what a card of a part of a network calls its base.

    Raises:
        GessoError: a value that is not finite, a name, type or size the reader would refuse, or a
            path that cannot be written. The previous file is intact then.
    """
    blob = _serialized(path, tensors, header)
    atomic_write(path, blob)
    return blob[_SLOT : _SLOT + 64].decode("ascii")


def load_file(
    path: StrPath,
    *,
    kind: str | None = None,
    expected: Expected | None = None,
    what: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a gesso file: its tensors (on the CPU, in their stored types) and its header.

    Args:
        path: the file.
        kind: the kind it must be of; None takes any.
        expected: the exact set of names, each with its shape, or with a tensor like it (such as
            `module.state_dict()`): then whether it is floating point has to agree too.
        what: what `expected` describes, in words for the message: "a MetaStyle start of width 16".
        max_bytes: the largest file to read.

    Raises:
        GessoError: missing, damaged or foreign file, another kind or architecture, values that
            are not finite. One line that says what was expected and what was found.
    """
    with open_regular(path) as file:
        layout = read_layout(path, file)
        header = _checked_header(path, layout)
        complaint = _complaint(layout, header, kind, expected, what)
        if layout.size > max_bytes:
            problem = complaint or f"{layout.size} bytes, allowed are {max_bytes}"
            raise GessoError(f"{shown(path)}: {problem}")
        file.seek(0)
        data = file.read(layout.size)
    if not data.startswith(layout.head) or _digest([data]) != header["sha256"]:
        raise damaged(path, "its contents do not match its SHA-256")
    if complaint:
        raise GessoError(f"{shown(path)}: {complaint}")
    tensors = _deserialized(path, data)
    _check_finite(path, tensors, "cannot be used")
    return tensors, header


def read_header(path: StrPath, *, verify: bool = True) -> dict[str, Any]:
    """Read the header of a gesso file without loading its tensors.

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


def load_foreign(path: StrPath, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Read tensors from a safetensors file that is not gesso's own, such as VGG weights.

    The header is checked as strictly as that of a gesso file; nothing vouches for the numbers but
    that they are finite. Only the tensors in `names` are read (None: all), in their stored types.

    Raises:
        GessoError: missing, damaged or other file, a name it lacks, values that are not finite.
    """
    with open_regular(path) as file:
        layout = read_layout(path, file)
    wanted = list(layout.entries) if names is None else list(names)
    _require_names(path, wanted, layout.entries)
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            # Copies: the library's tensors may live in the mapped file, which can change.
            tensors = {name: opened.get_tensor(name).clone() for name in wanted}
    except (SafetensorError, OSError, RuntimeError) as error:
        raise damaged(path, str(error)) from error
    _check_finite(path, tensors, "cannot be used")
    return tensors


def load_verified_pth(path: StrPath, sha256: str, names: Iterable[str]) -> dict[str, Tensor]:
    """Read the tensors `names` from a published PyTorch state dict, as float32 on the CPU.

    Such files are pickles. This one is opened only when its SHA-256 is `sha256` (64 digits), that
    is when it is the very file its publisher made, and then by PyTorch's restricted unpickler,
    which runs no code. It is the only place in gesso that reads a pickle.

    Raises:
        GessoError: another file than expected (it is not opened), or a name it lacks.
    """
    found = sha256_file(path)
    if found != sha256.lower():
        raise GessoError(
            f"{shown(path)}: SHA-256 {found[:12]}…, expected {sha256[:12]}…: damaged or another "
            "file, not opened"
        )
    try:
        mapped = zipfile.is_zipfile(path)  # then only the wanted tensors leave the disk
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # the hash was right, so this is a bug or a full memory
        raise GessoError(f"{shown(path)}: cannot be read: {brief(error, 100)}") from error
    wanted = list(names)
    _require_names(path, wanted, state)
    tensors = {name: state[name].detach().to(torch.float32, copy=True) for name in wanted}
    _check_finite(path, tensors, "cannot be used")
    return tensors


def _serialized(path: StrPath, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> bytes:
    """The bytes of a gesso file; they have passed the reader's own checks."""
    packed = {name: _packed(path, name, tensors[name]) for name in sorted(tensors)}
    _check_finite(path, packed, "not written")
    fields = {key: value for key, value in header.items() if key != "sha256"} | {"format": FORMAT}
    if not isinstance(fields.get("kind"), str) or not fields["kind"]:
        raise GessoError(f"{shown(path)}: not written: its header lacks a kind")
    try:
        rest = json.dumps(
            fields, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        text = f'{{"sha256":"{_NO_DIGEST}",{rest[1:]}'
        parse_json(text)
        blob = save_safetensors(packed, metadata={"gesso": text})
        head = parse_layout(blob[: 8 + int.from_bytes(blob[:8], "little")], len(blob)).head
    except ValueError as error:
        raise GessoError(f"{shown(path)}: not written: {brief(error, 120)}") from error
    if not head[8:].startswith(_PREFIX):
        raise RuntimeError("the safetensors library no longer puts the metadata first")
    return blob[:_SLOT] + _digest([blob]).encode("ascii") + blob[_SLOT + 64 :]


def _packed(path: StrPath, name: str, tensor: Tensor) -> Tensor:
    """A contiguous copy on the CPU that shares memory with nothing."""
    if not valid_name(name):
        raise GessoError(f"{shown(path)}: not written: {brief(name)!r} is not a tensor name")
    if tensor.dtype not in _DTYPES or tensor.layout != torch.strided:
        kind = f"{tensor.dtype}, {tensor.layout}"
        raise GessoError(f"{shown(path)}: not written: tensor {name} is of type {kind}")
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _check_finite(path: StrPath, tensors: Mapping[str, Tensor], trouble: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise GessoError(f"{shown(path)}: {trouble}: tensor {name} holds NaN or infinity")


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


def _complaint(
    layout: Layout,
    header: Mapping[str, Any],
    kind: str | None,
    expected: Expected | None,
    what: str | None,
) -> str:
    """What is wrong with the file for this reader, in one line; empty if nothing."""
    found = _described(header, len(layout.entries))
    wanted = what or _KINDS.get(kind or "", f"a file of kind {kind}" if kind else "a gesso file")
    if kind is not None and header["kind"] != kind:
        return f"expected {wanted}, found {found}"
    differences = _differences(layout, expected or {}) if expected is not None else []
    if not differences:
        return ""
    return (
        f"expected {wanted} ({len(expected or {})} tensors), found {found}; "
        f"{len(differences)} differ, the first: {differences[0]}"
    )


def _described(header: Mapping[str, Any], count: int) -> str:
    kind = str(header["kind"])
    text = _KINDS.get(kind, f"a file of kind {brief(kind, 20)}")
    if isinstance(header.get("method"), str):
        text += f" of {brief(header['method'], 30)}"
    config = header.get("config")
    if isinstance(config, dict) and type(config.get("width")) is int:
        text += f" of width {brief(config['width'], 20)}"
    return f"{text} ({count} tensors)"


def _differences(layout: Layout, expected: Expected) -> list[str]:
    differences = []
    for name, like in expected.items():
        shape = tuple(like.shape) if isinstance(like, Tensor) else tuple(like)
        entry = layout.entries.get(name)
        if entry is None:
            differences.append(f"{brief(name)} is missing")
        elif entry.shape != shape:
            differences.append(f"{brief(name)} is {list(entry.shape)}, expected {list(shape)}")
        elif isinstance(like, Tensor) and like.is_floating_point() != entry.floating:
            differences.append(f"{brief(name)} is of type {entry.dtype}, expected {like.dtype}")
    unexpected = [name for name in layout.entries if name not in expected]
    return differences + [f"{brief(name)} is not expected" for name in unexpected]


def _require_names(path: StrPath, wanted: list[str], present: object) -> None:
    if not isinstance(present, Mapping):
        raise GessoError(f"{shown(path)}: expected named tensors, found {type(present).__name__}")
    missing = [name for name in wanted if name not in present]
    if missing:
        example = brief(next(iter(present), ""), 40)
        raise GessoError(
            f"{shown(path)}: expected {len(wanted)} tensors, {len(missing)} of them missing, the "
            f"first: {brief(missing[0], 40)}; found {len(present)} tensors, such as {example}"
        )


def _deserialized(path: StrPath, data: bytes) -> dict[str, Tensor]:
    try:
        return load_safetensors(data)
    except (SafetensorError, RuntimeError, ValueError, AssertionError) as error:
        raise damaged(path, str(error)) from error
