"""The last pass of `gesso.fitting.painting`: every level matched by itself."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.regions import Margins, Styles, regions_of
from gesso.fitting.terms import Terms, Weights
from gesso.fitting.vectors import Vectors, some_of
from gesso.losses.columns import CELL_PX, cells, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.losses.terms import Features
from gesso.nn.precision import fast_dtype

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
            finest = next(reversed(list(region.style.scales.values())), None)
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
            rows, grid = features.float()[0].flatten(1).T, (features.shape[2], features.shape[3])
            for region, _ in self.parts:
                own = region.of(rows, grid, margins)
                total = total + self._matched(own, region.style.levels[level], len(rows))
        return total + len(found) * self._beside(moved, found, margins)

    def _matched(self, rows: Tensor, style: Vectors, count: int) -> Tensor:
        """The distance of some of a region's vectors, in its share of `count` places."""
        if not len(rows):
            return rows.new_zeros(())
        share = len(rows) / count
        rows = rows[some_of(len(rows), math.ceil(share * PLACES), self.random).to(rows.device)]
        near = nearest(rows.detach(), style.rows, style.mean, fast_dtype(rows.device))
        return share * cosine_distance(rows - style.mean, style.rows[near] - style.mean)

    def _beside(self, moved: Tensor, found: Features, margins: Margins) -> Tensor:
        """The terms, each region's in its share."""
        grid, total = cells(moved), moved.new_zeros(())
        columns = hypercolumns(found, *grid)[0] if self.parts[0][1].see_vectors else None
        places = torch.arange(grid[0] * grid[1])
        for region, terms in self.parts:
            share = len(region.of(places, grid, margins)) / len(places)
            if share:
                own = None if columns is None else region.of(columns, grid, margins)
                before = self._before(grid, margins)
                before = None if before is None else region.of(before, grid, margins)
                total = total + share * terms(moved, own, region, margins, before)
        return total

    @torch.no_grad()
    def _columns(self, photo: Tensor) -> Tensor:
        """(h, w, C): its hypercolumns."""
        grid = cells(photo)
        return hypercolumns(self.encoder(photo, self.levels), *grid)[0].view(*grid, -1)

    def _before(self, grid: tuple[int, int], margins: Margins) -> Tensor | None:
        """The photo's hypercolumns at the places of a picture with margins, to the nearest cell."""
        if self.photo is None:
            return None
        lines = [
            (torch.arange(n) - round(margin / CELL_PX)).clamp(0, most - 1)
            for n, margin, most in zip(
                grid, (margins[2], margins[0]), self.photo.shape, strict=False
            )
        ]
        return self.photo[lines[0]][:, lines[1]].flatten(0, 1)
