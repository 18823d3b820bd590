"""How descents see pictures of one size: whole, or in tiles where these do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.summed import Tile, summed, tile_side, tiles_of
from gesso.losses.columns import Corners, cells
from gesso.nn import memory
from gesso.nn.precision import widen

HELD = 110
"""Bytes a pixel of what a descent holds beside the encoder's: the picture and the photo, the bands,
their gradients and Adam's two means."""

Wanted = tuple[str, Tensor]
"""A level, and places (N,) of its grid, counted row by row."""


@dataclass(frozen=True)
class Sight:
    """An encoder's levels, in tiles of `side` px; None: of the whole picture."""

    encoder: Encoder
    levels: tuple[str, ...]
    side: int | None = None

    @classmethod
    def of(cls, encoder: Encoder, levels: Sequence[str], picture: Tensor, more: int = 0) -> Sight:
        """The one for pictures of the size of (…, H, W), by the memory that may be taken, of which
        a descent holds so many more bytes a pixel than usual."""
        pixels = picture.shape[-2] * picture.shape[-1]
        how = (encoder, levels, pixels)
        side = tile_side(*how, memory.allowed(), (HELD + more) * pixels)
        if side is not None:
            memory.give_back()
            side = tile_side(*how, memory.allowed(), (HELD + more) * pixels)
        return cls(encoder, tuple(levels), side)

    def grid(self, level: str, image: Tensor) -> tuple[int, int]:
        """Rows and columns of a level of an image (…, H, W)."""
        return self.encoder.grid(level, image.shape[-2], image.shape[-1])

    def seen(
        self, image: Tensor, wanted: Sequence[Wanted], columns: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Of an image (1, 3, H, W) the vectors (N, C) that are wanted, and for each of `columns`,
        places (N,) of its grid of `cells`, the hypercolumns (N, ΣC) there."""
        corners = [self._corners(image, places) for places in columns]
        every = [*wanted]
        for found in corners:
            every += [(level, c.places) for level, c in zip(self.levels, found, strict=True)]
        rows = self._rows(image, every)
        own = [next(rows) for _ in wanted]
        return own, [torch.cat([c.mixed(next(rows)) for c in found], 1) for found in corners]

    def _corners(self, image: Tensor, places: Tensor) -> list[Corners]:
        """For every level what the hypercolumns at `places` (N,) lie between."""
        grids = (self.grid(level, image) for level in self.levels)
        return [Corners.of(places, cells(image), grid) for grid in grids]

    def _rows(self, image: Tensor, wanted: Sequence[Wanted]) -> Iterator[Tensor]:
        if self.side is None:
            return _picked(self.encoder(image, list(self.levels)), wanted)
        height, width = image.shape[-2:]
        tiles = tiles_of(self.encoder, self.levels, height, width, self.side)
        return iter(summed(image, tiles, partial(self._of_tile, image, wanted)))

    def _of_tile(
        self, image: Tensor, wanted: Sequence[Wanted], tile: Tile, part: Tensor
    ) -> list[Tensor]:
        """What is wanted, with zeros for all places but the tile's own."""
        found, rows = tile.features(part), []
        for level, places in wanted:
            x, top, left = found[level]
            width, places = self.grid(level, image)[1], places.to(x.device)
            row, column = places // width - top, places % width - left
            inside = (row >= 0) & (row < x.shape[2]) & (column >= 0) & (column < x.shape[3])
            own = widen(x[0, :, row[inside], column[inside]].T)
            rows.append(own.new_zeros(len(places), x.shape[1]).index_put((inside,), own))
        return rows


def _picked(found: dict[str, Tensor], wanted: Sequence[Wanted]) -> Iterator[Tensor]:
    rows, last = torch.empty(0), ""
    for level, places in wanted:
        if level != last:  # those of one level share its gradient
            rows, last = found[level][0].flatten(1).T, level
        yield rows[places.to(rows.device)]
