"""Raw tensors, and the safetensors layout they have in a file. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMPY = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8"},
    **{"I32": "<i4", "U8": "|u1", "BOOL": "|b1"},
}
_CODES = {kind: code for code, kind in _NUMPY.items()}
_ORDER = ("I64", "F64", "F32", "I32", "BF16", "F16", "U8", "BOOL")  # of the data in a file


@dataclass(frozen=True)
class Raw:
    """One tensor of a file: its type code (a key of `ITEM_SIZES`), its shape, its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray | memoryview

    @classmethod
    def of(cls, array: NDArray[Any]) -> Raw | None:
        """The numbers of an array, in row-major order; None for a type that no file has."""
        little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        code = _CODES.get(little.dtype.str)
        return None if code is None else cls(code, array.shape, little.tobytes())

    @property
    def floating(self) -> bool:
        """True if the numbers are floating point."""
        return self.dtype in ("F64", "F32", "F16", "BF16")

    def array(self) -> NDArray[Any]:
        """The numbers, in the memory of `data`; bfloat16 as float32, in memory of their own."""
        if self.dtype == "BF16":
            bits = np.frombuffer(self.data, "<u2").astype(np.uint32) << np.uint32(16)
            return bits.view(np.float32).reshape(self.shape)
        return np.frombuffer(self.data, _NUMPY[self.dtype]).reshape(self.shape)

    def finite(self) -> bool:
        """True if no number is NaN or infinite."""
        if self.dtype == "BF16":
            exponents = np.frombuffer(self.data, "<u2") & np.uint16(0x7F80)
            return not bool((exponents == 0x7F80).any())
        return not self.floating or bool(np.isfinite(self.array()).all())


def safetensors_bytes(
    tensors: Mapping[str, Raw], text: str, metadata: Mapping[str, str] | None = None
) -> bytes:
    """A file as the safetensors library lays it out: the metadata first, gesso's own before the
    others, the data by type, wide types before narrow ones, then by name; the header padded to
    whole words of 8 bytes."""
    table: dict[str, Any] = {"__metadata__": {"gesso": text, **(metadata or {})}}
    place, parts = 0, []
    for name in sorted(tensors, key=lambda name: (_ORDER.index(tensors[name].dtype), name)):
        tensor = tensors[name]
        end = place + len(tensor.data)
        offsets = [place, end]
        table[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": offsets}
        parts.append(tensor.data)
        place = end
    head = compact_json(table).encode("utf-8")
    head += b" " * (-len(head) % 8)
    return b"".join([len(head).to_bytes(8, "little"), head, *parts])


def compact_json(value: Any, *, sort_keys: bool = False) -> str:
    """JSON without spaces. Raises ValueError for NaN and infinity."""
    return json.dumps(
        value, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
