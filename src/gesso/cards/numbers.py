"""A card's numbers as one row, its names and shapes as one line, its Gram matrices as triangles.

All tensors of a card are stored as one row of numbers and their names and shapes as one line of
the header: with an entry each, the 30 tensors of an instance-norm card (3,200 numbers, 6.4 kB in
float16) would cost nearly half as much again as the numbers themselves. Needs no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gesso.disk.header import MAX_TENSORS, brief, valid_name, valid_shape
from gesso.disk.raw import Raw
from gesso.encoders.levels import LEVELS

Array = NDArray[np.float32]

MAX_CHANNELS = 1024

_LARGEST = 2.0**128
_NO_GRAMS = "its header does not describe its Gram matrices"

M = TypeVar("M")


@dataclass(frozen=True)
class Grams(Generic[M]):
    """Gram matrices (C, C), float32, by level, of a style seen by an encoder (its identity)."""

    encoder: str
    matrices: dict[str, M]


PlainGrams = Grams[Array]


def joined(tensors: Mapping[str, NDArray[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """All numbers in one row of `dtype`, tensors in the order of their names.

    Raises:
        ValueError: too many tensors, a name or type no card has, or numbers that are not finite
            or that `dtype` cannot hold.
    """
    if len(tensors) > MAX_TENSORS:
        raise ValueError(f"{len(tensors)} tensors, allowed are {MAX_TENSORS}")
    runs = [np.zeros(0, dtype)]
    for name in sorted(tensors):
        tensor = tensors[name]
        if not valid_name(name):
            raise ValueError(f"{brief(name)!r} is not a tensor name")
        if not np.issubdtype(tensor.dtype, np.floating):
            raise ValueError(f"tensor {name} is {tensor.dtype}, allowed is floating point")
        if not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name} holds NaN or infinity")
        with np.errstate(over="ignore"):
            run = tensor.astype(dtype).reshape(-1)
        if not np.isfinite(run).all():
            kind = np.dtype(dtype)
            raise ValueError(f"tensor {name} exceeds the range of {kind}; float32 can hold it")
        runs.append(run)
    return np.concatenate(runs)


def split(row: Raw | None, shapes: Mapping[str, list[int]]) -> dict[str, Array]:
    """The inverse of `joined`, in float32, each tensor in memory of its own.

    Raises:
        ValueError: what does not fit.
    """
    values = row_of(row)
    promised = sum(math.prod(shape) for shape in shapes.values())
    if promised != len(values):
        raise ValueError(f"{len(values)} numbers, its header promises {promised}")
    tensors: dict[str, Array] = {}
    place = 0
    for name, shape in shapes.items():
        end = place + math.prod(shape)
        tensors[name] = values[place:end].astype(np.float32).reshape(shape)
        place = end
    return tensors


def row_of(raw: Raw | None) -> NDArray[Any]:
    """The numbers of a row in float16 or float32. Raises ValueError for anything else."""
    if raw is None or raw.dtype not in ("F16", "F32") or len(raw.shape) != 1:
        raise ValueError("it has no row of numbers in float16 or float32")
    return raw.array()


def layout(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Names and shapes as they follow in the row of numbers: "a.bias 3,a.weight 3x16x9x9,b"."""
    shapes = {name: "x".join(map(str, tensors[name].shape)) for name in sorted(tensors)}
    return ",".join(f"{name} {shape}" if shape else name for name, shape in shapes.items())


def parsed_layout(text: Any) -> dict[str, list[int]]:
    """The inverse of `layout`. Raises ValueError for a text that it does not write."""
    parts = text.split(",") if isinstance(text, str) and text else []
    if not isinstance(text, str) or len(parts) > MAX_TENSORS:
        raise ValueError("its header lists no tensors, or too many")
    shapes: dict[str, list[int]] = {}
    for part in parts:
        name, _, sides = part.partition(" ")
        shape = [int(side) for side in sides.split("x")] if sides else []
        if not valid_name(name) or name in shapes or not valid_shape(shape):
            raise ValueError(f"its header lists a malformed tensor, {brief(part, 40)}")
        shapes[name] = shape
    return shapes


def packed_grams(grams: PlainGrams) -> tuple[Array, dict[str, Any]]:
    """The upper triangles in one row of numbers in [-1, 1], and what the header says of them.

    Each triangle is divided by a power of two, so nothing is lost but what float16 rounds: 87 kB
    for the compact encoder.

    Raises:
        ValueError: other levels than `LEVELS`, or numbers that are not finite.
    """
    if set(grams.matrices) != set(LEVELS):
        raise ValueError(f"Gram matrices of other levels than {', '.join(LEVELS)}")
    rows, levels = [], {}
    for level in LEVELS:
        matrix = grams.matrices[level]
        size = _power_of_two(float(np.abs(matrix).max()))
        triangle = matrix[np.triu_indices(len(matrix))]
        rows.append((triangle / np.float64(size or 1.0)).astype(np.float32))
        levels[level] = [len(matrix), size]
    return np.concatenate(rows), {"encoder": grams.encoder, "levels": levels}


def unpacked_grams(row: Raw | None, header: Any) -> PlainGrams | None:
    """The inverse of `packed_grams`; None without either. Raises ValueError for what does not
    fit."""
    if row is None and header is None:
        return None
    if row is None or row.dtype not in ("F16", "F32") or len(row.shape) != 1:
        raise ValueError("its Gram matrices are missing or malformed")
    encoder, levels = _parsed(header)
    counts = {level: n * (n + 1) // 2 for level, (n, _) in levels.items()}
    values = row.array()
    if sum(counts.values()) != len(values):
        raise ValueError("its Gram matrices have another size than its header says")
    matrices, place = {}, 0
    for level, (channels, size) in levels.items():
        run = values[place : place + counts[level]]
        wide = run.astype(np.float64) * size
        if np.abs(wide).max() > np.finfo(np.float32).max:
            raise ValueError("its Gram matrices hold numbers beyond float32")
        matrices[level] = _whole(wide.astype(np.float32), channels)
        place += counts[level]
    return PlainGrams(encoder, matrices)


def _power_of_two(value: float) -> float:
    """The least power of two that is not below a `value` ≥ 0; 0 for 0."""
    if not math.isfinite(value):
        raise ValueError("its Gram matrices hold NaN or infinity")
    mantissa, exponent = math.frexp(value)
    return math.ldexp(1.0, exponent - (mantissa == 0.5)) if value else 0.0


def _whole(triangle: Array, channels: int) -> Array:
    matrix = np.zeros((channels, channels), np.float32)
    rows, columns = np.triu_indices(channels)
    matrix[rows, columns] = triangle
    matrix[columns, rows] = triangle
    return matrix


def _parsed(header: Any) -> tuple[str, dict[str, tuple[int, float]]]:
    """Encoder, and channels and size of each level. Raises ValueError for anything else."""
    try:
        encoder, levels = header["encoder"], header["levels"]
        found = {level: (channels, size) for level, (channels, size) in levels.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(_NO_GRAMS) from None
    valid = isinstance(encoder, str) and list(found) == list(LEVELS)
    for channels, size in found.values():
        valid = valid and type(channels) is int and 1 <= channels <= MAX_CHANNELS
        valid = valid and type(size) in (int, float) and 0 <= size <= _LARGEST
    if not valid:
        raise ValueError(_NO_GRAMS)
    return encoder, {level: (channels, float(size)) for level, (channels, size) in found.items()}
