"""The strict reader of safetensors headers: everything is checked before anything is allocated.

The safetensors library accepts duplicate keys (the last wins), leading spaces, any string as a
tensor name, and headers of 100 MB with more than a million tensors, which take it over a minute.
Here the header is read and judged first; the library then reads only files that passed.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from gesso.disk.atomic import StrPath, shown
from gesso.errors import GessoError

MAX_HEADER_BYTES = 1_000_000
MAX_TENSORS = 10_000
MAX_DIMENSIONS = 8
MAX_JSON_DEPTH = 16
MAX_JSON_PARTS = 150_000  # brackets and commas; 10,000 tensors of 8 dimensions take 140,000
ITEM_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}

_LARGEST_TENSOR = 2**40  # numbers; keeps strides within 64 bits even for empty tensors
_NAME = re.compile(r"\w+(?:[.:-]\w+)*", re.ASCII)
_LONGEST_NAME = 200
_ENTRY_KEYS = {"dtype", "shape", "data_offsets"}
_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a WebP picture or another RIFF file"),
    (b"PK\x03\x04", "a zip archive (perhaps a PyTorch pickle, which gesso does not open)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"version https://git-lfs", "a Git LFS pointer (the file itself was not fetched)"),
    (b"<!", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
)


@dataclass(frozen=True)
class Entry:
    """Where one tensor lies: data type code, shape and byte range within the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def floating(self) -> bool:
        """True if the numbers are floating point."""
        return self.dtype in ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class Layout:
    """A checked header: the tensors in file order, the text metadata, and the bytes it came from.

    `head` is the 8-byte length and the header; `size` is that of the whole file in bytes.
    """

    entries: dict[str, Entry]
    metadata: dict[str, str]
    head: bytes
    size: int


def read_layout(path: StrPath, file: io.BufferedIOBase) -> Layout:
    """Read and check the header of a safetensors file open at its start; `path` is for messages.

    Checked: at most 1 MB of header and 10,000 tensors, no leading spaces, valid JSON without
    duplicate keys, tensor names of words joined by ``.``, ``:`` or ``-``, the data types of
    `ITEM_SIZES`, and byte ranges that fit the shapes and cover the data without overlap or hole.

    Raises:
        GessoError: another kind of file, a damaged one, or one beyond the limits.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(64)
    length = int.from_bytes(start[:8], "little")
    if len(start) < 10 or start[8:9] != b"{" or length > 100 * MAX_HEADER_BYTES:
        _refuse_other_format(path, start)
    file.seek(0)
    head = file.read(8 + min(length, MAX_HEADER_BYTES))
    try:
        return parse_layout(head, size)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def parse_layout(head: bytes, size: int) -> Layout:
    """Check a header given with its 8-byte length, of a file of `size` bytes (see `read_layout`).

    Raises:
        ValueError: why it was refused.
    """
    length = int.from_bytes(head[:8], "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"header of {length} bytes, allowed are {MAX_HEADER_BYTES}")
    if len(head) < 8 + length:
        raise ValueError(f"cut off after {size} bytes, within its header")
    if head[8:9] != b"{":
        raise ValueError("a header that does not begin with a brace")
    table = parse_json(head[8 : 8 + length].decode("utf-8"))
    metadata = _checked_metadata(table.pop("__metadata__", {}))
    entries = _checked_entries(table, size - 8 - length)
    return Layout(entries, metadata, head[: 8 + length], size)


def damaged(path: StrPath, why: str) -> GessoError:
    """The error for a file that is no longer what was written."""
    return GessoError(f"{shown(path)}: file damaged: {brief(why, 120)}")


def brief(value: object, longest: int = 60) -> str:
    """`value` as a short printable text for a one-line message, whatever a file put into it."""
    text = "".join(c if c.isprintable() else "?" for c in str(value))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def valid_name(name: str) -> bool:
    """True if `name` may name a tensor: ASCII words joined by ``.``, ``:`` or ``-``."""
    reserved = name == "__metadata__"
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None and not reserved


def valid_shape(value: object) -> bool:
    """True if `value`, from JSON, is a shape: up to 8 sides ≥ 0 of a tensor that can exist."""
    if not isinstance(value, list) or not _naturals(value) or len(value) > MAX_DIMENSIONS:
        return False
    return bool(math.prod(max(side, 1) for side in value) <= _LARGEST_TENSOR)


def parse_json(text: str) -> dict[str, Any]:
    """Parse a JSON object, refusing duplicate keys, NaN, infinity, odd text and deep nesting.

    Raises:
        ValueError: why the text was refused.
    """
    if sum(text.count(sign) for sign in "{[,") > MAX_JSON_PARTS:
        raise ValueError("JSON of too many parts")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("JSON that is not an object")
    _check_texts(value)
    return value


def _refuse_other_format(path: StrPath, start: bytes) -> NoReturn:
    if not start:
        raise GessoError(f"{shown(path)}: an empty file, expected a safetensors file")
    found = next((name for magic, name in _MAGIC if start.startswith(magic)), "")
    short = not any(start[3:8])  # a header below 16 MB, rather than a pickle's opcodes
    if not found and start[:1] == b"\x80" and 2 <= start[1] <= 5 and not short:
        found = "a Python pickle, which gesso does not open"
    if not found:
        found = "not a safetensors file, or a damaged one"
    raise GessoError(f"{shown(path)}: {found}; expected a safetensors file")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in the header")
    return result


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{brief(text, 20)} in the header, which is not finite")
    return value


def _check_texts(value: Any, depth: int = 1) -> None:
    """Refuse deep nesting and texts that cannot be printed or written back."""
    if depth > MAX_JSON_DEPTH:
        raise ValueError("JSON nested too deeply")
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict):
        "".join(value).encode("utf-8")  # lone surrogates raise
    for child in children:
        if isinstance(child, str):
            child.encode("utf-8")
        elif isinstance(child, (dict, list)):
            _check_texts(child, depth + 1)


def _checked_metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("metadata that is not text")
    return metadata


def _checked_entries(table: dict[str, Any], data_bytes: int) -> dict[str, Entry]:
    if len(table) > MAX_TENSORS:
        raise ValueError(f"{len(table)} tensors, allowed are {MAX_TENSORS}")
    entries = {name: _checked_entry(name, raw) for name, raw in table.items()}
    position = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != position:
            kind = "overlaps another" if entry.begin < position else "leaves a hole before it"
            raise ValueError(f"tensor {name} {kind}")
        position = entry.end
    if position != data_bytes:
        raise ValueError(f"{data_bytes} bytes of data, its header promises {position}")
    return entries


def _checked_entry(name: str, raw: Any) -> Entry:
    if not valid_name(name):
        raise ValueError(f"{brief(name)!r} is not a tensor name")
    if not isinstance(raw, dict) or raw.keys() != _ENTRY_KEYS:
        raise ValueError(f"tensor {brief(name)} lacks dtype, shape or data_offsets")
    dtype, shape, offsets = raw["dtype"], raw["shape"], raw["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_SIZES:
        allowed = ", ".join(ITEM_SIZES)
        raise ValueError(f"tensor {brief(name)} has type {brief(dtype, 20)}, allowed are {allowed}")
    if not (valid_shape(shape) and _naturals(offsets) and len(offsets) == 2):
        raise ValueError(f"tensor {brief(name)} has a malformed shape or place")
    if offsets[1] - offsets[0] != math.prod(shape) * ITEM_SIZES[dtype]:
        raise ValueError(f"tensor {brief(name)} has a byte range that does not fit its shape")
    return Entry(dtype, tuple(shape), offsets[0], offsets[1])


def _naturals(value: Any) -> bool:
    """True if `value` is a list of integers ≥ 0 (`True` is no integer here)."""
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
