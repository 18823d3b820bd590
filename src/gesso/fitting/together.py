"""The loss of one scale of `gesso.fitting.painting`: all levels matched together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.summed import bytes_a_pixel
from gesso.errors import GessoError
from gesso.fitting.regions import Region, Styles, regions_of
from gesso.fitting.terms import Terms, Weights
from gesso.losses.columns import CELL_PX, cells, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.nn import memory
from gesso.nn.precision import compute_dtype, fast_dtype


def check_fits(encoder: Encoder, levels: Sequence[str], height: int, width: int) -> None:
    """Raises GessoError, one line, for a scale that takes more memory than may be taken: all of its
    places are matched at every step, so it is seen whole."""
    room, each = memory.allowed(), bytes_a_pixel(encoder, levels)
    if compute_dtype(torch.empty(0)) != torch.float32:
        each //= 2
    need = each * height * width
    if room is not None and need > room:
        raise GessoError(
            f"{width} × {height} px drawn by steps need {need / 1e9:.1f} GB; {room / 1e9:.1f} GB "
            "may be taken; a smaller size or paint_size helps"
        )


class Together:
    """A scale's loss: the distance to the style's vectors that the query's are nearest to, and the
    terms beside it. The picture is moved by no or one cell in each step, so that no pooling grid
    shows."""

    def __init__(
        self,
        query: Tensor,
        photo: Tensor,
        styles: Styles,
        size: int,
        encoder: Encoder,
        weights: Weights,
        random: torch.Generator,
    ) -> None:
        regions = regions_of(styles)
        self.encoder, self.levels, self.random = encoder, list(regions[0].style.levels), random
        self.parts: list[tuple[Region, Tensor, Terms, Tensor | None]] = []
        with torch.no_grad():
            columns = self._columns(query)
            photos = self._columns(photo) if weights.structure else None
        for region in regions:
            rows, vectors = region.of(columns, cells(query)), region.style.at(size)
            if len(rows):
                found = nearest(rows, vectors.rows, vectors.mean, fast_dtype(rows.device))
                own = None if photos is None else region.of(photos, cells(query))
                terms = Terms(weights, vectors, region.style.colors, random, photo)
                self.parts.append((region, vectors.rows[found], terms, own))

    def _columns(self, image: Tensor, down: int = 0, right: int = 0) -> Tensor:
        """The picture's hypercolumns, seen moved by these cells."""
        height, width = cells(image)
        moved = F.pad(image, (right * CELL_PX, 0, down * CELL_PX, 0), mode="reflect")
        features = self.encoder(moved, self.levels)
        columns = hypercolumns(features, height + down, width + right)[0]
        return columns.view(height + down, width + right, -1)[down:, right:].flatten(0, 1)

    def __call__(self, image: Tensor) -> Tensor:
        down, right = (int(n) for n in torch.randint(0, 2, (2,), generator=self.random))
        columns, total = self._columns(image, down, right), image.new_zeros(())
        for region, target, terms, before in self.parts:
            rows = region.of(columns, cells(image))
            loss = cosine_distance(rows, target)
            drawn, seen, same = terms.drawn(image, len(rows), region), None, None
            if drawn.columns is not None:
                some = drawn.columns.to(rows.device)
                seen, same = rows[some], None if before is None else before[some]
            loss = loss + terms(image, drawn, seen, same)
            total = total + len(rows) / len(columns) * loss
        return total
