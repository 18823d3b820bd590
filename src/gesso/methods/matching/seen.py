"""The vectors of paintings that a card keeps, seen when a picture is matched with them: more of
them than a card has room for, and none that no picture asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.recolor import StyleColors
from gesso.fitting.vectors import Seen, StyleVectors, Vectors
from gesso.graphs.drawing import scales
from gesso.losses.columns import cells, hypercolumns
from gesso.methods.inputs import enlarged
from gesso.methods.matching.redrawing import Painted
from gesso.methods.matching.room import levels_of
from gesso.nn.masks import places
from gesso.nn.pictures import resize
from gesso.nn.precision import compute_in, fast_dtype

ROWS = 2048  # of a scale or level. Style match of eight pairs: 270 of them 0.384, 1,024 0.376
TURNS = 4  # of 90 degrees
COLUMNS = "columns"  # the hypercolumns, among the levels

Rows = dict[str, Tensor]
"""Vectors (N, C) of each level, and of the hypercolumns."""


def vectors_of(
    paintings: Sequence[Painted],
    shares: Sequence[float],
    encoder: Encoder,
    colors: StyleColors | None,
    seed: int,
    turned: bool = False,
) -> StyleVectors:
    """The vectors of paintings in shares that sum to 1: up to ROWS of every scale and level, drawn
    at random. No more than these are held.

    Args:
        colors: of the style.
        turned: whether the paintings are also seen turned by 90, 180 and 270 degrees.
    """
    turns, levels = range(TURNS if turned else 1), levels_of(encoder)
    place = next(encoder.parameters()).device
    sizes = scales(max(max(picture.shape[1:]) for picture, _ in paintings))

    @cache
    def at(size: int) -> dict[str, Vectors]:
        images = [(enlarged(resize(one, size)).to(place), mask) for one, mask in paintings]
        views = [(*one, turn) for one in images for turn in turns]
        found = [rows_of(encoder, levels, *view) for view in views]
        parts = [share / len(turns) for share in shares for _ in turns]
        widths = [found[0][level].shape[1] for level in levels]
        drawn = {n: _drawn([rows[n] for rows in found], parts, seed) for n in found[0]}
        own = {level: Vectors(*drawn[level]) for level in levels if size == sizes[-1]}
        return own | {COLUMNS: Vectors.of_columns(*drawn[COLUMNS], widths)}

    def scale(size: int) -> Vectors:
        return at(size)[COLUMNS]

    def level(name: str) -> Vectors:
        return at(sizes[-1])[name]

    return StyleVectors(Seen(sizes, scale), Seen(levels, level), colors)


@torch.no_grad()
def rows_of(
    encoder: Encoder, levels: Sequence[str], picture: Tensor, mask: Tensor | None, turn: int = 0
) -> Rows:
    """The vectors of a picture (3, h, w), turned so many times by 90 degrees, where a mask of any
    size is on."""
    place, image = picture.device, picture.rot90(turn, (1, 2))[None].contiguous()
    with compute_in(fast_dtype(place)):
        features = encoder(image, levels)
    grids = {level: (x.shape[2], x.shape[3]) for level, x in features.items()}
    rows = {level: x[0].flatten(1).T for level, x in features.items()}
    grids[COLUMNS], rows[COLUMNS] = cells(image), hypercolumns(features, *cells(image))[0]
    if mask is None:
        return rows
    on = mask.rot90(turn)
    return {n: x[places(on, *grids[n]).flatten().to(place)] for n, x in rows.items()}


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
