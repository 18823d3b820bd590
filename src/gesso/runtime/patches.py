"""Patches of feature maps, searched and put together (`gesso.nn.patches`, in numpy)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.errors import GessoError
from gesso.images.arrays import Pixels

SIZE = 3  # places along a patch's side
ACROSS = 128  # places of a content side by side that are searched for at once
PRODUCTS = 2**14  # of a style's places with one of these, at most

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Patches:
    """Patches of SIZE × SIZE places of one feature map, on a grid.

    Attributes:
        features: (h, w, C).
        keys: (h, w, C): what contents are compared with.
        tops, lefts: rows and columns where patches begin, ascending.
        on: (tops, lefts) bool: which of them count; None: all.
    """

    features: Pixels
    keys: Pixels
    tops: Whole
    lefts: Whole
    on: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)

    @property
    def begins(self) -> Whole:
        """The place of each patch's first part, counted row by row."""
        found: Whole = (self.tops[:, None] * self.features.shape[1] + self.lefts).ravel()
        return found

    @property
    def weights(self) -> Pixels:
        """1 / |s| of every patch, (tops, lefts); 0 for one that is nothing but zeros."""
        energy = (self.keys.astype(np.float64) ** 2).sum(2)
        found = sum(
            energy[self.tops + i][:, self.lefts + j] for i in range(SIZE) for j in range(SIZE)
        )
        shares = np.where(found > 0, 1 / np.sqrt(np.maximum(found, 1e-30)), 0)
        return shares.astype(np.float32)

    def parts(self) -> Iterator[tuple[int, Patches]]:
        """Some rows of patches at a time, and the number of the first patch of each."""
        apart = (self.tops[-1] - self.tops[0]) / max(1, len(self.tops) - 1)
        rows = max(1, int(PRODUCTS / len(self.lefts) / max(1.0, apart)))
        for first in range(0, len(self.tops), rows):
            tops = self.tops[first : first + rows]
            on = None if self.on is None else self.on[first : first + rows]
            seen = slice(tops[0], tops[-1] + SIZE)
            part = Patches(self.features[seen], self.keys[seen], tops - tops[0], self.lefts, on)
            if on is None or on.any():
                yield first * len(self.lefts), part


def patches_of(
    features: Pixels, keys: Pixels, stride: float = 1.0, mask: NDArray[np.bool_] | None = None
) -> Patches:
    """The patches of features (h, w, C) at every `stride`-th place, which need not be whole, down
    and across: only those within a mask (h, w), or with the most of it. Raises GessoError for a map
    smaller than a patch."""
    height, width = features.shape[:2]
    if min(height, width) < SIZE:
        trouble = f"smaller than a patch of {SIZE}"
        raise GessoError(f"features of {height} × {width} places: {trouble}")
    tops, lefts = (
        # In float32, as torch counts them.
        (np.arange(math.ceil((n - SIZE + 1) / stride), dtype=np.float32) * np.float32(stride))
        .astype(np.int64)
        for n in (height, width)
    )  # fmt: skip
    on = None
    if mask is not None:
        share = sum(
            mask[tops + i][:, lefts + j].astype(int) for i in range(SIZE) for j in range(SIZE)
        )
        on = np.asarray(share == np.max(share))
    return Patches(features, keys, tops, lefts, on)


class Bank:
    """The patches of one or more styles, to search in and to build from; they are counted one style
    after the other."""

    def __init__(self, styles: Sequence[Patches]) -> None:
        self.styles = tuple(styles)
        sizes = [one.features.shape[0] * one.features.shape[1] for one in styles]
        before = np.cumsum([0, *sizes])
        pairs = zip(styles, before, strict=False)
        self._begins = np.concatenate([one.begins + first for one, first in pairs])
        self._widths = np.repeat([s.features.shape[1] for s in styles], [len(s) for s in styles])
        maps = [one.features.reshape(-1, one.features.shape[2]) for one in styles]
        self._rows = maps[0] if len(maps) == 1 else np.concatenate(maps)

    def nearest(self, content: Pixels) -> Whole:
        """The number of the patch that is most like each patch of features (h, w, C): (h − SIZE +
        1, w − SIZE + 1). Of equals the first. Raises GessoError for a map smaller than a patch."""
        height, width = (n - SIZE + 1 for n in content.shape[:2])
        if min(height, width) < 1:
            raise GessoError("a picture smaller than a patch")
        found = _Found(
            np.full((height, width), -np.inf, np.float32), np.zeros((height, width), int)
        )
        before = 0
        for style in self.styles:
            for first, part in style.parts():
                _search(content, part, found, before + first)
            before += len(style)
        return found.choice

    def built(self, choice: Whole, first: int, last: int) -> Pixels:
        """The rows [first, last) of the features (h, w, C) that the patches of `choice`, as
        `nearest` gives it, make: every place is the mean of those that cover it."""
        edge, (height, width) = SIZE - 1, choice.shape
        total = np.zeros((last - first, width + edge, self._rows.shape[1]), np.float32)
        count = np.zeros((last - first, width + edge, 1), np.float32)
        for i in range(SIZE):
            top, bottom = max(first, i), min(last, height + i)
            seen = choice[top - i : bottom - i]
            begins, widths = self._begins[seen], self._widths[seen]
            for j in range(SIZE):
                place = slice(top - first, bottom - first), slice(j, j + width)
                total[place] += self._rows[begins + i * widths + j]
                count[place] += 1
        total /= count
        return total


@dataclass
class _Found:
    """The best likeness so far, and whose it is, of every patch of a content."""

    likeness: Pixels
    choice: Whole

    def take(self, row: int, across: slice, likeness: Pixels, first: int) -> None:
        """Those of patches (n, N) of a style, the first of which has this number, where they are
        more."""
        number = likeness.argmax(1)
        most = likeness[np.arange(len(number)), number]
        best, choice = self.likeness[row, across], self.choice[row, across]
        better = most > best
        best[better], choice[better] = most[better], number[better] + first


def _search(content: Pixels, style: Patches, found: _Found, first: int) -> None:
    """Scalar products of patches, as sums of those of their rows: a row of the content's meets each
    of the style's once, and is one of SIZE rows of patches."""
    live = style.keys.any((0, 1))  # a quarter of the channels is silent
    against = _strips(style.keys[..., live], style.lefts)
    for across in _blocks(found.choice.shape[1]):
        lines = (line[None, across.start : across.stop + SIZE - 1, live] for line in content)
        likeness = _likeness(_products(lines, against), style)
        for row, one in enumerate(likeness):
            found.take(row, across, one, first)


def _products(lines: Iterable[Pixels], against: Pixels) -> Iterator[Pixels]:
    """⟨c, s⟩ (n, h, lefts) of all rows of patches of a content's lines (1, w, C), one line after
    the other, and a style's (h, lefts, SIZE · C). Each is there until SIZE more were asked for."""
    columns, room = against.reshape(-1, against.shape[2]).T.copy(), np.empty((0, 0, 0), np.float32)
    for number, line in enumerate(lines):
        strips = _strips(line, np.arange(line.shape[1] - SIZE + 1))[0]
        if not number:
            room = np.empty((SIZE, len(strips), columns.shape[1]), np.float32)
        made = np.matmul(strips, columns, out=room[number % SIZE])
        yield made.reshape(len(strips), *against.shape[:2])


def _likeness(products: Iterable[Pixels], style: Patches) -> Iterator[Pixels]:
    """⟨c, s⟩ / |s| (n, N) of a content's patches, row by row, and a style's; each is there until
    the next one is asked for."""
    rows, weights = [_at(style.tops + i) for i in range(SIZE)], style.weights
    last: deque[Pixels] = deque(maxlen=SIZE)
    total: Pixels | None = None
    for one in products:
        last.append(one)
        if len(last) == SIZE:
            parts = [one[:, at] for one, at in zip(last, rows, strict=True)]
            total = np.add(parts[0], parts[1], out=total)
            np.add(total, parts[2], out=total)
            np.multiply(total, weights, out=total)
            if style.on is not None:
                total[:, ~style.on] = -np.inf
            yield total.reshape(len(total), -1)


def _strips(features: Pixels, lefts: Whole) -> Pixels:
    """(h, n, SIZE · C): what of features (h, w, C) lies in a row from each of `lefts` on."""
    return np.concatenate([features[:, lefts + i] for i in range(SIZE)], 2)


def _at(begins: Whole) -> Any:
    """These places as an index: a slice, which copies nothing, where they are evenly apart."""
    steps = np.diff(begins)
    if len(steps) and (steps != steps[0]).any():
        return begins
    return slice(int(begins[0]), int(begins[-1]) + 1, int(steps[0]) if len(steps) else 1)


def _blocks(places: int) -> list[slice]:
    count = math.ceil(places / ACROSS)
    ends = [round(n * places / count) for n in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(ends)]
