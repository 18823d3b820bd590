"""The last pass of `gesso.fitting.painting`: every level matched by itself."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.regions import Margins, Styles, regions_of
from gesso.fitting.terms import Terms, Weights
from gesso.fitting.vectors import Rows, Vectors, some_of
from gesso.losses.columns import CELL_PX, cells, columns_at, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.losses.terms import Features
from gesso.nn.precision import fast_dtype, widen

PLACES = 1024  # of a level, matched in a step
SHIFT_PX = 8  # the picture is moved by less than this in a step, so that no pooling grid shows


class Apart:
    """The loss: every level at its own resolution, at random places, which are matched anew at
    every step. Terms act beside every level: those of the style, and `structure` where the photo
    is given."""

    def __init__(
        self,
        styles: Styles,
        encoder: Encoder,
        weights: Weights,
        seed: int,
        photo: Tensor | None = None,
    ) -> None:
        """
        Args:
            photo: (1, 3, h, w), of the pictures' size, whose self-similarity is to stay.
        """
        self.encoder, self.random = encoder, torch.Generator().manual_seed(seed)
        self.parts = []
        for region in regions_of(styles):
            finest = region.style.finest if weights.see_vectors else None
            self.parts.append((region, Terms(weights, finest, region.style.colors, self.random)))
        self.levels = list(region.style.levels)
        self.photo = None if photo is None or not weights.structure else self._columns(photo)

    def __call__(self, image: Tensor) -> Tensor:
        most = min(SHIFT_PX, *image.shape[-2:])
        down, right = (int(n) for n in torch.randint(0, most, (2,), generator=self.random))
        # Always of one size: tensors of another in every step would scatter memory.
        margins = (right, most - 1 - right, down, most - 1 - down)
        moved = F.pad(image, margins, mode="reflect")
        found, total = self.encoder(moved, self.levels), image.new_zeros(())
        for level, features in found.items():
            rows, grid = features[0].flatten(1).T, (features.shape[2], features.shape[3])
            for region, _ in self.parts:
                own = region.places(grid, margins)
                total = total + self._matched(rows, own, region.style.levels[level])
        return total + len(found) * self._beside(moved, found, margins)

    def _matched(self, rows: Tensor, own: Tensor, style: Vectors) -> Tensor:
        """The distance of some of a region's own places of a picture's vectors (N, C), in its
        share of the places."""
        if not len(own):
            return rows.new_zeros((), dtype=torch.float32)
        share = len(own) / len(rows)
        some = own[some_of(len(own), math.ceil(share * PLACES), self.random)]
        seen = widen(rows[some.to(rows.device)])
        near = nearest(seen.detach(), style.rows, style.mean, fast_dtype(rows.device))
        return share * cosine_distance(seen - style.mean, style.rows[near] - style.mean)

    def _beside(self, moved: Tensor, found: Features, margins: Margins) -> Tensor:
        """The terms, each region's in its share."""
        grid, total = cells(moved), moved.new_zeros(())
        see_vectors = self.parts[0][1].weights.see_vectors
        for region, terms in self.parts:
            own = region.places(grid, margins)
            if len(own):
                columns = self._now(found, grid, own) if see_vectors else None
                beside = terms(moved, columns, region, margins, self._before(grid, margins, own))
                total = total + len(own) / (grid[0] * grid[1]) * beside
        return total

    def _now(self, found: Features, grid: tuple[int, int], own: Tensor) -> Rows:
        """The picture's hypercolumns at these places of its grid."""
        own = own.to(next(iter(found.values())).device)
        return Rows(len(own), lambda some: columns_at(found, *grid, own[some.to(own.device)]))

    @torch.no_grad()
    def _columns(self, photo: Tensor) -> Tensor:
        """(h, w, C): its hypercolumns."""
        grid = cells(photo)
        return hypercolumns(self.encoder(photo, self.levels), *grid)[0].view(*grid, -1)

    def _before(self, grid: tuple[int, int], margins: Margins, own: Tensor) -> Rows | None:
        """The photo's hypercolumns at these places of a picture with margins, to the nearest
        cell."""
        photo = self.photo
        if photo is None:
            return None
        down, right = (round(margin / CELL_PX) for margin in (margins[2], margins[0]))
        row = (own // grid[1] - down).clamp(0, photo.shape[0] - 1).to(photo.device)
        column = (own % grid[1] - right).clamp(0, photo.shape[1] - 1).to(photo.device)
        return Rows(len(own), lambda some: photo[row[some], column[some]])
