"""Statistics of a whole picture, gathered while its tiles are computed one after the other.

Instance norm needs them of every layer, and each layer's depend on those of the layers before. So
the tiles are computed once for every norm, up to that norm, and the last time to the end: with all
statistics known, a tile is what the whole picture would be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NoReturn

import torch
from torch import Tensor

ALIGNED = 4  # px, a multiple of which networks take
LEAST_PX = 256  # computed along a side: else a margin could not be told from a scale


class Unknown(Exception):
    """Raised within a tile at the first norm whose statistics are still being gathered."""


@dataclass(frozen=True)
class Side:
    """A tile along one side of a picture: px [first, last) are computed, [top, bottom) wanted."""

    first: int
    last: int
    top: int
    bottom: int
    size: int

    @property
    def computed(self) -> slice:
        """Of the picture."""
        return slice(self.first, self.last, 1)

    @property
    def wanted(self) -> slice:
        """Of the computed px."""
        return slice(self.top - self.first, self.bottom - self.first)

    def inner(self, positions: int) -> slice:
        """Which of a layer's positions the wanted px have, at some scale, with a margin at both
        ends if there is one; at the picture's borders all up to the end."""
        length = math.ceil((self.last - self.first) / ALIGNED) * ALIGNED
        scale = 1 << max(0, round(math.log2(length / positions)))
        margin = (positions - length // scale) // 2
        start = 0 if self.top == 0 else (self.top - self.first) // scale + margin
        stop = (self.bottom - self.first) // scale + margin
        return slice(start, positions if self.bottom == self.size else stop)


def sides(size: int, side: int, reach: int) -> list[Side]:
    """Tiles of `side` px along a side of `size`, each computed with at least `reach` px around it,
    and of no less than LEAST_PX; both are multiples of ALIGNED."""
    latest = max(0, size - LEAST_PX) // ALIGNED * ALIGNED
    found = []
    for top in range(0, size, side):
        bottom, first = min(top + side, size), max(0, min(top - reach, latest))
        last = min(size, max(bottom + reach, first + LEAST_PX))
        found.append(Side(first, last, top, bottom, size))
    return found


@dataclass
class Gathered:
    """What is known of a picture's norms, in the order a network takes them.

    Attributes:
        known: mean and variance (1, 1, C) each.
    """

    known: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    _sums: tuple[Tensor, Tensor] | None = None
    _count: int = 0
    _tile: tuple[Side, Side] | None = None
    _place: int = 0

    @contextmanager
    def of(self, tile: tuple[Side, Side]) -> Iterator[None]:
        """Norms inside are those of a tile (down, across). Raises Unknown from the first one whose
        statistics are gathered."""
        self._tile, self._place = tile, 0
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def settled(self) -> bool:
        """Once all tiles were computed: whether they were so to the end. If not, one norm more is
        known now."""
        if self._sums is None:
            return True
        mean, square = (one / self._count for one in self._sums)
        self.known.append((mean, (square - mean * mean).clamp_min(0)))
        self._sums, self._count = None, 0
        return False

    def next(self) -> tuple[Tensor, Tensor] | None:
        """Mean and variance of the norm at hand; None where they are to be gathered."""
        if self._place == len(self.known):
            return None
        self._place += 1
        return self.known[self._place - 1]

    def inner(self, x: Tensor) -> Tensor:
        """The part (1, n, C) of a layer (1, H, W, C) that is the tile's own."""
        assert self._tile is not None
        rows, columns = (s.inner(n) for s, n in zip(self._tile, x.shape[1:3], strict=True))
        return x[:, rows, columns].flatten(1, 2)

    def add(self, total: Tensor, square: Tensor, count: int) -> NoReturn:
        """Count the sums (1, 1, C) of a part. Raises Unknown, always."""
        own = torch.zeros_like(total) if self._sums is None else self._sums[0]
        others = torch.zeros_like(square) if self._sums is None else self._sums[1]
        self._sums, self._count = (own + total, others + square), self._count + count
        raise Unknown


_current: ContextVar[Gathered | None] = ContextVar("gathered", default=None)


def current() -> Gathered | None:
    """What norms take their statistics from; None: from their own input."""
    return _current.get()
