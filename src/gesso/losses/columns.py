"""Hypercolumns: one vector of all levels of an encoder for every cell of a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.nn.precision import widen

CELL_PX = 4  # side of what one hypercolumn stands for (Kolkin et al. 2022)


def cells(image: Tensor) -> tuple[int, int]:
    """Rows and columns of a picture's hypercolumns."""
    height, width = (max(2, n // CELL_PX) for n in image.shape[-2:])
    return height, width


def hypercolumns(features: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    """(B, height·width, ΣC): all levels at every cell, each divided by √C so that they weigh
    alike."""
    parts = [
        F.interpolate(widen(f), (height, width), mode="bilinear") / math.sqrt(f.shape[1])
        for f in features.values()
    ]
    return torch.cat(parts, 1).flatten(2).transpose(1, 2)


@dataclass(frozen=True)
class Corners:
    """Which places of a level the hypercolumns at some cells lie between.

    Attributes:
        places: (4·N,), of the level's grid.
        down, across: (N, 1), how far from the upper to the lower ones, and from left to right.
    """

    places: Tensor
    down: Tensor
    across: Tensor

    @classmethod
    def of(cls, at: Tensor, cells: tuple[int, int], grid: tuple[int, int]) -> Corners:
        """Those of the cells `at` (N,) of a grid of cells, in a level's grid."""
        top, bottom, down = _between(at // cells[1], cells[0], grid[0])
        left, right, across = _between(at % cells[1], cells[1], grid[1])
        pairs = [y * grid[1] + x for y in (top, bottom) for x in (left, right)]
        return cls(torch.cat(pairs), down, across)

    def mixed(self, rows: Tensor) -> Tensor:
        """(N, C): the level's part of the hypercolumns, from its vectors (4·N, C) at `places`."""
        seen = widen(rows).view(2, 2, len(self.down), rows.shape[1])
        upper, lower = torch.lerp(seen[:, 0], seen[:, 1], self.across.to(seen))
        return torch.lerp(upper, lower, self.down.to(seen)) / math.sqrt(rows.shape[1])


def _between(at: Tensor, count: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which two of `size` samples lie beside the middle of each of `count` cells (as in
    F.interpolate), and (N, 1), how far it is from the first."""
    middle = ((at + 0.5) * (size / count) - 0.5).clamp_min(0)
    first = middle.long()
    return first, (first + 1).clamp_max(size - 1), (middle - first).unsqueeze(1)
