"""Several styles in one picture: which of its places is matched with the vectors of which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.fitting.vectors import StyleVectors

Margins = tuple[int, int, int, int]
"""By how many px a picture was continued by reflection: left, right, top, bottom, as `F.pad`."""

NONE: Margins = (0, 0, 0, 0)


@dataclass(frozen=True)
class Regions:
    """Several styles in one picture.

    Attributes:
        styles: K of them, all seen by one encoder.
        shares: (K, H, W) that sum to 1 at every pixel: the chances that a place goes to each.
        seed: of these chances; hard masks leave none to it.
    """

    styles: Sequence[StyleVectors]
    shares: Tensor
    seed: int = 0

    def owners(self, height: int, width: int, margins: Margins = NONE) -> Tensor:
        """(height·width,): the number of each place's style, in a picture of the size of `shares`
        with such margins."""
        wider = F.pad(self.shares.unsqueeze(0), margins, mode="reflect")
        cells = F.adaptive_avg_pool2d(wider, (height, width))[0].cumsum(0)
        drawn = torch.rand(height, width, generator=torch.Generator().manual_seed(self.seed))
        return (cells[:-1] <= drawn.to(cells)).sum(0).flatten()


Styles = StyleVectors | Regions
"""What a picture is matched with."""


@dataclass(frozen=True)
class Region:
    """One style and its places: all of a picture, or those that `whole` gives it."""

    style: StyleVectors
    whole: Regions | None = None
    number: int = 0

    def of(self, rows: Tensor, grid: tuple[int, int], margins: Margins = NONE) -> Tensor:
        """Of rows (height·width, C), a grid's, those of its own places; (0, C) where it has none
        that large."""
        if self.whole is None:
            return rows
        return rows[self.places(grid, margins).to(rows.device)]

    def places(self, grid: tuple[int, int], margins: Margins = NONE) -> Tensor:
        """(N,): the numbers of its own places among a grid's."""
        if self.whole is None:
            return torch.arange(grid[0] * grid[1])
        own = self.whole.owners(*grid, margins) == self.number
        return own.nonzero()[:, 0]


def regions_of(styles: Styles) -> list[Region]:
    """Each style with its places."""
    if not isinstance(styles, Regions):
        return [Region(styles)]
    return [Region(style, styles, number) for number, style in enumerate(styles.styles)]


def sized(styles: Styles, picture: Tensor) -> Styles:
    """The same with shares of the size of a picture (…, H, W)."""
    if not isinstance(styles, Regions):
        return styles
    height, width = picture.shape[-2:]
    return replace(styles, shares=F.adaptive_avg_pool2d(styles.shares, (height, width)))


def put_together(styles: Styles, pictures: Sequence[Tensor]) -> Tensor:
    """(1, 3, H, W) of one picture (1, 3, H, W) for each style, in their shares."""
    whole = sized(styles, pictures[0])
    if not isinstance(whole, Regions):
        return pictures[0]
    return (torch.cat(list(pictures)) * whole.shares.unsqueeze(1)).sum(0, keepdim=True)
