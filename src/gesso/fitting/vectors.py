"""Feature vectors of pictures, as matching sees them, and what is kept of a style's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.fitting.recolor import StyleColors


@dataclass(frozen=True)
class Vectors:
    """Vectors (N, C) of a style, and the mean (C,) of all that it has. Those of the first half were
    drawn at random: their statistics are the style's."""

    rows: Tensor
    mean: Tensor

    @property
    def drawn(self) -> Tensor:
        """The rows drawn at random."""
        return self.rows[: (len(self.rows) + 1) // 2]


@dataclass(frozen=True)
class Rows:
    """Vectors of `count` places of a picture, which are looked up where they are needed: `at` takes
    places (N,) from 0 to count − 1 and returns (N, C)."""

    count: int
    at: Callable[[Tensor], Tensor]

    @staticmethod
    def of(vectors: Tensor) -> Rows:
        """Those of a tensor (N, C)."""
        return Rows(len(vectors), lambda places: vectors[places.to(vectors.device)])


@dataclass(frozen=True)
class StyleVectors:
    """What is matched of a style: hypercolumns by scale (the longer side in px at which the style
    was seen, coarse to fine), and the encoder's own vectors by level, at the finest scale; colours,
    where they are known."""

    scales: Mapping[int, Vectors]
    levels: Mapping[str, Vectors]
    colors: StyleColors | None = None

    def at(self, size: int) -> Vectors:
        """The vectors that a scale is matched with: strokes keep their size in px, and a picture
        larger than the style was seen takes its finest ones."""
        return self.scales[min(self.scales, key=lambda seen: abs(math.log(seen / size)))]


def some_of(count: int, most: int, random: torch.Generator) -> Tensor:
    """Up to `most` places out of `count`, drawn with replacement."""
    return torch.randint(count, (min(most, count),), generator=random)
