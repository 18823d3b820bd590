"""The Gram matrices of a style that its card may keep, for a descent on the pixels later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gesso.encoders.levels import LEVELS

MAX_CHANNELS = 1024


@dataclass(frozen=True)
class StyleGrams:
    """Gram matrices (C, C), float32, by level, of a style seen by an encoder (its identity).

    A card stores the triangle of each, divided by its largest number, which float16 holds: 87 kB
    for the compact encoder.
    """

    encoder: str
    matrices: dict[str, Tensor]

    def packed(self) -> tuple[Tensor, dict[str, Any]]:
        """One row of numbers in [-1, 1], and what a header says of them."""
        rows, levels = [torch.zeros(0)], {}
        for level, matrix in self.matrices.items():
            channels, size = len(matrix), float(matrix.abs().max())
            row = matrix[tuple(torch.triu_indices(channels, channels))]
            rows.append(row / size if size else row)
            levels[level] = [channels, size]
        return torch.cat(rows), {"encoder": self.encoder, "levels": levels}

    @classmethod
    def unpacked(cls, row: Tensor | None, header: Any) -> StyleGrams | None:
        """The inverse of `packed`; None without either. ValueError says what does not fit."""
        if row is None and header is None:
            return None
        if row is None or not row.is_floating_point() or row.dim() != 1:
            raise ValueError("its Gram matrices are missing or malformed")
        encoder, levels = _parsed(header)
        counts = {level: n * (n + 1) // 2 for level, (n, _) in levels.items()}
        if sum(counts.values()) != len(row):
            raise ValueError("its Gram matrices have another size than its header says")
        runs = torch.split(row.float(), list(counts.values()))
        matrices = {
            level: _whole(run * size, channels)
            for run, (level, (channels, size)) in zip(runs, levels.items(), strict=True)
        }
        return cls(encoder, matrices)


def blend_grams(parts: Sequence[StyleGrams | None], shares: Sequence[float]) -> StyleGrams | None:
    """Σ share·grams: the statistics of a mixture, in which each style has that share of the area.
    None where a part has none, or that of another encoder."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    first = known[0]
    shapes = {level: matrix.shape for level, matrix in first.matrices.items()}
    for part in known:
        same = {level: matrix.shape for level, matrix in part.matrices.items()} == shapes
        if part.encoder != first.encoder or not same:
            return None
    pairs = list(zip(known, shares, strict=True))
    blended = {
        level: torch.stack([part.matrices[level] * share for part, share in pairs]).sum(0)
        for level in shapes
    }
    return StyleGrams(first.encoder, blended)


def _whole(triangle: Tensor, channels: int) -> Tensor:
    matrix = torch.zeros(channels, channels)
    rows, columns = torch.triu_indices(channels, channels)
    matrix[rows, columns] = triangle
    matrix[columns, rows] = triangle
    return matrix


def _parsed(header: Any) -> tuple[str, dict[str, tuple[int, float]]]:
    """Encoder, and channels and size of each level; ValueError for anything else."""
    try:
        encoder, levels = header["encoder"], header["levels"]
        found = {level: (channels, float(size)) for level, (channels, size) in levels.items()}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise ValueError("its header does not describe its Gram matrices") from None
    valid = isinstance(encoder, str) and list(found) == list(LEVELS)
    for channels, size in found.values():
        valid = valid and type(channels) is int and 1 <= channels <= MAX_CHANNELS
        valid = valid and math.isfinite(size) and size >= 0
    if not valid:
        raise ValueError("its header does not describe its Gram matrices")
    return encoder, found
