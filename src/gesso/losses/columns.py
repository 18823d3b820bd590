"""Hypercolumns: one vector of all levels of an encoder for every cell of a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping

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


def columns_at(features: Mapping[str, Tensor], height: int, width: int, places: Tensor) -> Tensor:
    """(N, ΣC): the hypercolumns of the first picture at `places` (N,) of height × width cells
    alone, as `hypercolumns` has them: for a thousand places a small part of the work."""
    row, column = places // width, places % width
    parts = []
    for feature in features.values():
        channels, h, w = feature.shape[1:]
        top, bottom, down = _between(row, height, h)
        left, right, across = _between(column, width, w)
        corners = torch.cat([y * w + x for y in (top, bottom) for x in (left, right)])
        seen = widen(feature[0].flatten(1).T[corners]).view(2, 2, len(places), channels)
        upper, lower = torch.lerp(seen[:, 0], seen[:, 1], across)
        parts.append(torch.lerp(upper, lower, down) / math.sqrt(channels))
    return torch.cat(parts, 1)


def _between(at: Tensor, count: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which two of `size` samples lie beside the middle of each of `count` cells (as in
    F.interpolate), and (N, 1), how far it is from the first."""
    middle = ((at + 0.5) * (size / count) - 0.5).clamp_min(0)
    first = middle.long()
    return first, (first + 1).clamp_max(size - 1), (middle - first).unsqueeze(1)
