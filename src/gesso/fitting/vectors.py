"""Feature vectors of pictures, as matching sees them, and those of a style."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from gesso.fitting.recolor import StyleColors

K = TypeVar("K", int, str)


@dataclass(frozen=True)
class Vectors:
    """Vectors (N, C) of a style, and the mean (C,) of all that it has. Those of the first half were
    drawn at random: their statistics are the style's.

    Attributes:
        balance: of hypercolumns, (C,): with the mean taken off and times this all levels have the
            same root mean square length; None: it is not known.
    """

    rows: Tensor
    mean: Tensor
    balance: Tensor | None = None

    @staticmethod
    def of_columns(rows: Tensor, mean: Tensor, widths: Sequence[int]) -> Vectors:
        """Hypercolumns of levels of so many channels."""
        found = Vectors(rows, mean)
        squares = (found.drawn.float() - mean).square().mean(0)
        lengths = [
            part.sum().clamp_min(1e-12).rsqrt() for part in torch.split(squares, list(widths))
        ]
        parts = [one.expand(count) for one, count in zip(lengths, widths, strict=True)]
        return Vectors(rows, mean, torch.cat(parts))

    def centred(self, rows: Tensor) -> Tensor:
        """Rows (…, C) less the style's mean, all levels of the same weight where `balance` is
        known."""
        apart = rows - self.mean
        return apart if self.balance is None else apart * self.balance

    @property
    def drawn(self) -> Tensor:
        """The rows drawn at random."""
        return self.rows[: (len(self.rows) + 1) // 2]


class Seen(Mapping[K, Vectors]):
    """Vectors by scale or level, each of which is looked for when it is first asked for."""

    def __init__(self, names: Iterable[K], see: Callable[[K], Vectors]) -> None:
        self._names: list[K] = list(names)
        self._see: Callable[[K], Vectors] = see
        self._seen: dict[K, Vectors] = {}

    def __getitem__(self, name: K) -> Vectors:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._seen:
            self._seen[name] = self._see(name)
        return self._seen[name]

    def __iter__(self) -> Iterator[K]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class StyleVectors:
    """What is matched of a style: hypercolumns by scale (the longer side in px at which the style
    was seen, coarse to fine), and the encoder's own vectors by level, at the finest scale; colours,
    where they are known."""

    scales: Mapping[int, Vectors]
    levels: Mapping[str, Vectors]
    colors: StyleColors | None = None

    @property
    def finest(self) -> Vectors | None:
        """The hypercolumns of the finest scale; None where none are known."""
        return self.scales[max(self.scales)] if self.scales else None

    def at(self, size: int) -> Vectors:
        """The vectors that a scale is matched with: strokes keep their size in px, and a picture
        larger than the style was seen takes its finest ones."""
        return self.scales[min(self.scales, key=lambda seen: abs(math.log(seen / size)))]


def some_of(count: int, most: int, random: torch.Generator) -> Tensor:
    """Up to `most` places out of `count`, drawn with replacement."""
    return torch.randint(count, (min(most, count),), generator=random)
