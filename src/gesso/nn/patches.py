"""Style swap (Chen & Schmidt 2016): every patch of a feature map becomes the patch of a style's
that is most like it, and overlapping patches are averaged.

Likeness is the normalised cross-correlation, ⟨c, s⟩ / (|c|·|s|), of which |c| is left out: it is
the same for all of the style's patches, among which the largest is sought. The paper computes it as
a convolution with the style's patches. Here the scalar products of single places come first, and
those of patches are their sums along k × k shifts of both: the products of a place are needed by up
to k² pairs of patches, and are computed once. Nothing is ever as large as contents times styles:
blocks of the content meet some rows of the style at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.errors import GessoError
from gesso.nn.precision import widen

STYLE_PLACES = 2**11  # of a style that meet a block of a content at a time
BLOCK = 32  # places of a content along one side of a block; with STYLE_PLACES: 8 MB of products


@dataclass(frozen=True)
class Patches:
    """The patches of one feature map: size × size places each, on a grid.

    Attributes:
        features: (C, h, w).
        size: places along a patch's side.
        tops, lefts: the grid's rows and columns, ascending: where patches begin.
        on: (tops, lefts) bool: which of them count; None: all.
        keys: (C', h, w): what is compared with a content in the features' place; None: they are.
    """

    features: Tensor
    size: int
    tops: Tensor
    lefts: Tensor
    on: Tensor | None = None
    keys: Tensor | None = None

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)

    @property
    def compared(self) -> Tensor:
        """(C', h, w): what contents are compared with."""
        return self.features if self.keys is None else self.keys

    @property
    def weights(self) -> Tensor:
        """1 / |s| of every patch, (tops, lefts); 0 for one that is nothing but zeros."""
        energy = widen(self.compared).square().sum(0, keepdim=True)
        found = F.avg_pool2d(energy[None], self.size, 1)[0, 0] * self.size**2
        found = found[self.tops][:, self.lefts]
        return torch.where(found > 0, found.clamp_min(1e-30).rsqrt(), 0)

    @property
    def places(self) -> Tensor:
        """(N, size²) places, counted row by row, of the patches' parts, row by row."""
        width = self.features.shape[2]
        begins = self.tops[:, None] * width + self.lefts
        parts = torch.arange(self.size, device=begins.device)
        shifts = parts[:, None] * width + parts
        return begins.reshape(-1, 1) + shifts.reshape(1, -1)


def patches_of(
    features: Tensor,
    size: int,
    stride: float = 1,
    most: int | None = None,
    mask: Tensor | None = None,
    keys: Tensor | None = None,
) -> Patches:
    """The patches of a feature map (C, h, w).

    Args:
        size: places along a patch's side.
        stride: places from patch to patch, in both directions; need not be whole.
        most: where there would be more patches, the stride grows.
        mask: (h, w) bool: only patches within it count, or those with the most of it.
        keys: (C', h, w): see `Patches`.

    Raises:
        GessoError: a map smaller than a patch.
    """
    sides = [n - size + 1 for n in features.shape[1:]]
    if min(sides) < 1:
        height, width = features.shape[1:]
        raise GessoError(f"features of {height} × {width} places: smaller than a patch of {size}")
    if most is not None:
        while math.prod(math.ceil(n / stride) for n in sides) > max(1, most):
            stride *= 1.01
    tops, lefts = (
        (torch.arange(math.ceil(n / stride)) * stride).long().to(features.device) for n in sides
    )
    on = None
    if mask is not None:
        share = F.avg_pool2d(mask.float()[None, None], size, 1)[0, 0][tops][:, lefts]
        on = share >= share.max() - 1e-6
    return Patches(features, size, tops, lefts, on, keys)


class Bank:
    """The patches of one or more styles, to search in and to build from.

    Args:
        styles: maps of the same channels with patches of the same size; their patches are counted
            one map after the other.
    """

    def __init__(self, styles: Sequence[Patches]) -> None:
        self.styles, self.size = tuple(styles), styles[0].size
        rows, places, before = [], [], 0
        for one in styles:
            rows.append(widen(one.features).flatten(1).T)
            places.append(one.places + before)
            before += len(rows[-1])
        # Patch −1 is none: its places are the last one, which averages leave out.
        none = places[0].new_full((1, self.size**2), before)
        self._rows = torch.cat([*rows, rows[0].new_zeros(1, rows[0].shape[1])])
        self._places = torch.cat([*places, none])

    @torch.no_grad()
    def nearest(self, content: Tensor) -> Tensor:
        """The number of the patch that is most like each patch of a content's features (C, h, w):
        (h − size + 1, w − size + 1), int64. Of equals the first.

        Raises:
            GessoError: features smaller than a patch.
        """
        height, width = (n - self.size + 1 for n in content.shape[1:])
        if min(height, width) < 1:
            found = " × ".join(map(str, content.shape[1:]))
            raise GessoError(f"features of {found} places: smaller than a patch of {self.size}")
        best = torch.full((height, width), -math.inf, device=content.device)
        choice = torch.zeros(height, width, dtype=torch.long, device=content.device)
        before, size = 0, self.size
        for style in self.styles:
            for first, part in _parts(style):
                weights = part.weights
                for rows, columns in product(_blocks(height), _blocks(width)):
                    seen = content[:, rows.start : rows.stop + size - 1]
                    seen = seen[:, :, columns.start : columns.stop + size - 1]
                    score, number = _likeness(widen(seen), part, weights).flatten(2).max(2)
                    better = score > best[rows, columns]
                    best[rows, columns][better] = score[better]
                    choice[rows, columns][better] = number[better] + before + first
            before += len(style)
        return choice

    def built(
        self, choice: Tensor, rows: slice | None = None, columns: slice | None = None
    ) -> Tensor:
        """The features (C, h, w) that the patches of `choice`, as `nearest` gives it, make: every
        place is the mean of the patches that cover it. Only a part of rows and columns on
        demand."""
        edge, size = self.size - 1, self.size
        height, width = (n + edge for n in choice.shape)
        top, bottom, _ = (rows or slice(None)).indices(height)
        left, right, _ = (columns or slice(None)).indices(width)
        around = F.pad(choice, (edge,) * 4, value=-1)[top : bottom + edge, left : right + edge]
        seen = around.unfold(0, size, 1).unfold(1, size, 1).flip(2, 3).reshape(-1, size**2)
        parts = torch.arange(size**2, device=choice.device)
        none = len(self._rows) - 1
        mean = F.embedding_bag(self._places[seen, parts], self._rows, mode="mean", padding_idx=none)
        return mean.T.reshape(-1, bottom - top, right - left)

    def swapped(self, content: Tensor) -> Tensor:
        """A content's features (C, h, w) with every patch replaced: the same shape."""
        return self.built(self.nearest(content))


def _parts(style: Patches) -> list[tuple[int, Patches]]:
    """The style in some rows of patches at a time, and the number of the first patch of each."""
    apart = int(style.tops[-1] - style.tops[0]) / max(1, len(style.tops) - 1)
    rows = max(1, int(STYLE_PLACES / style.features.shape[2] / max(1.0, apart)))
    found = []
    for first in range(0, len(style.tops), rows):
        tops = style.tops[first : first + rows]
        top, bottom = int(tops[0]), int(tops[-1]) + style.size
        on = None if style.on is None else style.on[first : first + rows]
        seen = style.compared[:, top:bottom]
        part = Patches(seen, style.size, tops - top, style.lefts, on)
        found.append((first * len(style.lefts), part))
    return found


def _blocks(places: int) -> list[slice]:
    return [slice(n, min(n + BLOCK, places)) for n in range(0, places, BLOCK)]


def _likeness(content: Tensor, style: Patches, weights: Tensor) -> Tensor:
    """⟨c, s⟩ / |s| of all patches of a content (C, h, w) and a style, given its 1 / |s|:
    (h', w', tops, lefts)."""
    (_, *shape), size = content.shape, style.size
    products = content.flatten(1).T @ widen(style.features).flatten(1)
    products = products.view(*shape, *style.features.shape[1:])
    products = _diagonal(_diagonal(products, 0, size, style.tops), 1, size, style.lefts)
    products *= weights
    return products if style.on is None else products.masked_fill_(~style.on, -math.inf)


def _diagonal(x: Tensor, dim: int, size: int, begins: Tensor) -> Tensor:
    """Sums along `size` steps through dimensions `dim` and `dim + 2` at once; in the second they
    begin at `begins`."""
    count, run = x.shape[dim] - size + 1, int(begins[-1] - begins[0]) + 1
    apart = int(begins[1] - begins[0]) if len(begins) > 1 else 1
    even = bool((begins.diff() == apart).all())
    total = x.new_zeros(())
    for step in range(size):
        part = x.narrow(dim, step, count)
        if even:
            seen = part.narrow(dim + 2, int(begins[0]) + step, run)
            part = seen[:, :, ::apart] if dim == 0 else seen[..., ::apart]
        else:
            part = part.index_select(dim + 2, begins + step)
        total = total + part if step < 2 else total.add_(part)
    return total
