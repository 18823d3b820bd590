"""The last pass of `gesso.fitting.painting`: every level matched by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.regions import Margins, Region, Styles, regions_of
from gesso.fitting.sight import Sight
from gesso.fitting.terms import Drawn, Terms, Weights
from gesso.fitting.vectors import Vectors, some_of
from gesso.losses.columns import CELL_PX, cells, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.nn.precision import fast_dtype, widen

PLACES = 1024  # of a level, matched in a step
SHIFT_PX = 8  # the picture is moved by less than this in a step, so that no pooling grid shows


@dataclass(frozen=True)
class _Matched:
    """Places of a level that are matched with a region's style, which has this share of all."""

    level: str
    places: Tensor
    style: Vectors
    share: float


@dataclass(frozen=True)
class _Beside:
    """The places of a region's terms; `columns` are those of its hypercolumns."""

    terms: Terms
    drawn: Drawn
    columns: Tensor | None
    share: float


class Apart:
    """The loss: every level at its own resolution, at random places, which are matched anew at
    every step. Terms act beside every level: those of the style, and `structure` where the photo
    is given. Only the vectors at these places are looked at, so that a picture whose features do
    not fit into memory is seen in tiles."""

    def __init__(
        self,
        styles: Styles,
        encoder: Encoder,
        weights: Weights,
        seed: int,
        picture: Tensor,
        photo: Tensor | None = None,
    ) -> None:
        """
        Args:
            picture: (1, 3, h, w), of the pictures' size.
            photo: (1, 3, h, w), whose self-similarity is to stay.
        """
        self.random = torch.Generator().manual_seed(seed)
        self.parts: list[tuple[Region, Terms]] = []
        for region in regions_of(styles):
            finest = region.style.finest if weights.see_vectors else None
            self.parts.append((region, Terms(weights, finest, region.style.colors, self.random)))
        levels = list(self.parts[0][0].style.levels)
        self.sight = Sight.of(encoder, levels, picture)
        self.photo = photo if weights.structure else None
        self.columns = self._columns()

    def __call__(self, image: Tensor) -> Tensor:
        most = min(SHIFT_PX, *image.shape[-2:])
        down, right = (int(n) for n in torch.randint(0, most, (2,), generator=self.random))
        # Always of one size: tensors of another in every step would scatter memory.
        margins = (right, most - 1 - right, down, most - 1 - down)
        moved = F.pad(image, margins, mode="reflect")
        matched, beside = self._matched(moved, margins), self._beside(moved, margins)
        looked_at = [part.columns for part in beside if part.columns is not None]
        wanted = [(part.level, part.places) for part in matched]
        rows, columns = self.sight.seen(moved, wanted, looked_at)
        before = self._before(cells(moved), margins, looked_at)
        total = extra = image.new_zeros(())
        for part, own in zip(matched, rows, strict=True):
            total = total + _distance(widen(own), part)
        pairs = iter(zip(columns, before, strict=True))
        for terms in beside:
            seen, same = (None, None) if terms.columns is None else next(pairs)
            extra = extra + terms.share * terms.terms(moved, terms.drawn, seen, same)
        return total + len(self.sight.levels) * extra

    def _matched(self, moved: Tensor, margins: Margins) -> list[_Matched]:
        """Some places of every level and region."""
        found = []
        for level in self.sight.levels:
            grid = self.sight.grid(level, moved)
            for region, _ in self.parts:
                own = region.places(grid, margins)
                if len(own):
                    share = len(own) / (grid[0] * grid[1])
                    some = some_of(len(own), math.ceil(share * PLACES), self.random)
                    found.append(_Matched(level, own[some], region.style.levels[level], share))
        return found

    def _beside(self, moved: Tensor, margins: Margins) -> list[_Beside]:
        """Some places for every region's terms."""
        grid, found = cells(moved), []
        for region, terms in self.parts:
            own = region.places(grid, margins)
            if len(own):
                drawn = terms.drawn(moved, len(own), region, margins)
                columns = None if drawn.columns is None else own[drawn.columns].to(moved.device)
                found.append(_Beside(terms, drawn, columns, len(own) / (grid[0] * grid[1])))
        return found

    @torch.no_grad()
    def _columns(self) -> Tensor | None:
        """(h, w, C): the photo's hypercolumns; None where there are none, or it is seen in
        tiles."""
        if self.photo is None or self.sight.side is not None:
            return None
        grid = cells(self.photo)
        found = self.sight.encoder(self.photo, list(self.sight.levels))
        return hypercolumns(found, *grid)[0].view(*grid, -1)

    @torch.no_grad()
    def _before(
        self, grid: tuple[int, int], margins: Margins, looked_at: list[Tensor]
    ) -> list[Tensor] | list[None]:
        """The photo's hypercolumns at these places of a picture with margins, to the nearest
        cell."""
        if self.photo is None:
            return [None] * len(looked_at)
        height, width = cells(self.photo)
        down, right = (round(margin / CELL_PX) for margin in (margins[2], margins[0]))
        found = []
        for places in looked_at:
            row = (places // grid[1] - down).clamp(0, height - 1)
            column = (places % grid[1] - right).clamp(0, width - 1)
            found.append((row, column))
        if self.columns is not None:
            return [self.columns[row, column] for row, column in found]
        return self.sight.seen(self.photo, [], [row * width + column for row, column in found])[1]


def _distance(rows: Tensor, part: _Matched) -> Tensor:
    """That of a region's vectors (N, C) to the style's nearest ones, in its share."""
    style = part.style
    near = nearest(rows.detach(), style.rows, style.mean, fast_dtype(rows.device))
    return part.share * cosine_distance(rows - style.mean, style.rows[near] - style.mean)
