"""The vectors of paintings that a card keeps, seen when a picture is matched with them: more of
them than a card has room for, and none that no picture asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.painting import scales
from gesso.fitting.recolor import StyleColors
from gesso.fitting.vectors import Seen, StyleVectors, Vectors
from gesso.losses.columns import cells, hypercolumns
from gesso.methods.inputs import enlarged
from gesso.methods.matching.redrawing import Painted
from gesso.methods.matching.room import levels_of
from gesso.nn.masks import places
from gesso.nn.pictures import resize
from gesso.nn.precision import compute_in, fast_dtype

ROWS = 2048  # of a scale or level. Style match of eight pairs: 270 of them 0.384, 1,024 0.376
TURNS = 4  # of 90 degrees


def vectors_of(
    paintings: Sequence[Painted],
    shares: Sequence[float],
    encoder: Encoder,
    colors: StyleColors | None,
    seed: int,
    turned: bool = False,
) -> StyleVectors:
    """The vectors of paintings in shares that sum to 1: up to ROWS of every scale and level, drawn
    at random.

    Args:
        colors: of the style.
        turned: whether the paintings are also seen turned by 90, 180 and 270 degrees.
    """
    turns = range(TURNS if turned else 1)
    views = [_View(*painted, encoder, turn) for painted in paintings for turn in turns]
    parts = [share / len(turns) for share in shares for _ in turns]
    # No encoder yet has other widths at another scale or in another painting.
    sizes = scales(max(max(picture.shape[1:]) for picture, _ in paintings))

    def scale(size: int) -> Vectors:
        rows, mean = _drawn([view.columns(size) for view in views], parts, seed)
        return Vectors.of_columns(rows, mean, views[0].widths)

    def level(name: str) -> Vectors:
        return Vectors(*_drawn([view.level(name) for view in views], parts, seed))

    return StyleVectors(Seen(sizes, scale), Seen(levels_of(encoder), level), colors)


class _View:
    """A painting as an encoder sees it, turned."""

    def __init__(self, picture: Tensor, mask: Tensor | None, encoder: Encoder, turn: int) -> None:
        self.levels, self.mask = levels_of(encoder), None if mask is None else mask.rot90(turn)
        self.size = max(picture.shape[1:])

        @cache
        def features(size: int) -> tuple[tuple[int, int], Mapping[str, Tensor]]:
            place = next(encoder.parameters()).device
            image = enlarged(resize(picture, size)).to(place).rot90(turn, (1, 2))[None].contiguous()
            with torch.no_grad(), compute_in(fast_dtype(place)):
                return cells(image), encoder(image, self.levels)

        self._features: Callable[[int], tuple[tuple[int, int], Mapping[str, Tensor]]] = features

    @property
    def widths(self) -> list[int]:
        """The channels of each level."""
        return [f.shape[1] for f in self._features(self.size)[1].values()]

    def columns(self, size: int) -> Tensor:
        """(N, C): the hypercolumns at a scale, of where the style is."""
        grid, found = self._features(size)
        return self._own(hypercolumns(found, *grid)[0], *grid)

    def level(self, name: str) -> Tensor:
        """(N, C): a level's vectors at the finest scale, of where the style is."""
        found = self._features(self.size)[1][name]
        return self._own(found[0].flatten(1).T, found.shape[2], found.shape[3])

    def _own(self, rows: Tensor, height: int, width: int) -> Tensor:
        if self.mask is None:
            return rows
        return rows[places(self.mask, height, width).flatten().to(rows.device)]


def _drawn(found: Sequence[Tensor], parts: Sequence[float], seed: int) -> tuple[Tensor, Tensor]:
    """Rows out of sets (N, C) in these parts, in any order, and the mean of all."""
    random = torch.Generator().manual_seed(seed)
    some = []
    for rows, part in zip(found, parts, strict=True):
        order = torch.randperm(len(rows), generator=random)[: max(1, round(part * ROWS))]
        some.append(rows[order.to(rows.device)].float())
    drawn = torch.cat(some)
    order = torch.randperm(len(drawn), generator=random).to(drawn.device)
    means = [rows.float().mean(0) * part for rows, part in zip(found, parts, strict=True)]
    return drawn[order], torch.stack(means).sum(0)
