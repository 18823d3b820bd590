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
