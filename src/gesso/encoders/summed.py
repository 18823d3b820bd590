"""Sums over the places of a picture's features, and their gradient, while no more than the features
of a tile are held.

What a descent compares with a style are such sums: Gram matrices, squared errors, and the vectors
at some places, where all others count nothing. A first pass over the tiles adds them up without a
gradient. Once that of the sums is known, a second pass computes each tile again and takes it on to
the picture (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", along a picture
instead of a network's depth). A tile is computed with all around it that its places see, from where
a pooling begins: both passes give what the whole picture would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from gesso.encoders.base import Encoder
from gesso.encoders.tiles import Span, reach
from gesso.nn import memory

LEAST_SIDE, MOST_SIDE = 192, 768  # px of a tile
KEPT = 13  # bytes for each number that a convolution puts out, until its gradient is taken


@dataclass(frozen=True)
class Tile:
    """A part of a picture.

    Attributes:
        down, across: which cells, of `stride` px each.
        encoder, levels: what sees it.
    """

    down: Span
    across: Span
    stride: int
    encoder: Encoder
    levels: tuple[str, ...]

    def of(self, image: Tensor) -> Tensor:
        """The part of (B, 3, H, W) that is computed."""
        rows, columns = (span.computed(self.stride) for span in (self.down, self.across))
        return image[..., rows, columns]

    def features(
        self, part: Tensor, levels: Sequence[str] | None = None
    ) -> dict[str, tuple[Tensor, int, int]]:
        """By level (by default all), the features (B, C, h, w) that are this tile's own, from `of`
        an image, and the row and the column of the whole at which they begin."""
        found = {}
        for level, x in self.encoder(part, list(levels or self.levels)).items():
            scale = self.stride // _stride(self.encoder, level)
            own = x[..., self.down.wanted(scale), self.across.wanted(scale)]
            found[level] = (own, self.down.top * scale, self.across.top * scale)
        return found


Part = Callable[[Tile, Tensor], Sequence[Tensor]]
"""Takes a tile, and that part `of` a picture; returns its share of each sum."""


def summed(image: Tensor, tiles: Sequence[Tile], part: Part) -> tuple[Tensor, ...]:
    """What `part` returns for the tiles of a picture (B, 3, H, W), added up. It has a first
    derivative; a second one raises RuntimeError."""
    found: tuple[Tensor, ...] = _Summed.apply(  # type: ignore[no-untyped-call]
        image, tuple(tiles), part
    )
    return found


def tiles_of(
    encoder: Encoder, levels: Sequence[str], height: int, width: int, side: int
) -> list[Tile]:
    """Tiles of up to `side` px of a picture of height × width px, row by row; they are as large as
    each other, but for the last ones."""
    stride = max(_stride(encoder, level) for level in levels)
    beyond = math.ceil(max(_reach_px(encoder, level) for level in levels) / stride)
    spans = (_spans(n, stride, beyond, side) for n in (height, width))
    return [Tile(down, across, stride, encoder, tuple(levels)) for down, across in product(*spans)]


def tile_side(
    encoder: Encoder, levels: Sequence[str], pixels: int, room: int | None, held: int
) -> int | None:
    """The side in px of the tiles in which a picture has to be seen; None: it fits whole.

    Args:
        room: the bytes that may be taken; None: as many as wanted.
        held: the bytes that are taken beside what an encoder keeps for the gradient.
    """
    each = bytes_a_pixel(encoder, levels)
    if room is None or each * pixels + held <= room:
        return None
    margin = max(_reach_px(encoder, level) for level in levels)
    side = int((max(0, room - held) / (2 * each)) ** 0.5) - 2 * margin
    return max(LEAST_SIDE, min(MOST_SIDE, side))


def bytes_a_pixel(encoder: Encoder, levels: Sequence[str]) -> int:
    """What an encoder keeps of a picture's pixel for its gradient; measured in float32."""
    sizes = [
        sum(sum(block) / 4**number for number, block in enumerate(encoder.layers(level)))
        for level in levels
    ]
    return round(KEPT * max(sizes, default=0.0))


def _stride(encoder: Encoder, level: str) -> int:
    return 1 << len(encoder.layers(level)) - 1


def _reach_px(encoder: Encoder, level: str) -> int:
    """How many px away a place of a level sees, in whole cells of its own."""
    return reach(encoder.layers(level)) * _stride(encoder, level)


def _spans(px: int, stride: int, beyond: int, side: int) -> list[Span]:
    cells = math.ceil(px / stride)
    count = math.ceil(cells / max(1, side // stride))
    size = math.ceil(cells / count)
    ends = [(top, min(top + size, cells)) for top in range(0, cells, size)]
    return [Span(a, b, max(0, a - beyond), min(cells, b + beyond)) for a, b in ends]


class _Summed(Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, tiles: Sequence[Tile], part: Part) -> tuple[Tensor, ...]:
        ctx.save_for_backward(image)
        ctx.walk, ctx.context = (tiles, part), copy_context()
        sums: list[Tensor] = []
        for tile in tiles:
            found = part(tile, tile.of(image))
            sums = [a.add_(b) for a, b in zip(sums, found, strict=True)] if sums else list(found)
        memory.give_back()  # else as much as a tile's is kept, beside what the picture takes
        return tuple(sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (image,), context = ctx.saved_tensors, ctx.context
        found: Tensor = context.run(_gradient, image, *ctx.walk, grads)
        return found, None, None


def _gradient(image: Tensor, tiles: Sequence[Tile], part: Part, grads: Sequence[Tensor]) -> Tensor:
    """That of sums which have these gradients."""
    total = torch.zeros_like(image)
    for tile in tiles:
        seen = tile.of(image).clone().requires_grad_()
        with torch.enable_grad():
            found = part(tile, seen)
        pairs = [(x, g) for x, g in zip(found, grads, strict=True) if x.requires_grad]
        if pairs:
            (own,) = torch.autograd.grad([x for x, _ in pairs], seen, [g for _, g in pairs])
            tile.of(total).add_(own)
    memory.give_back()
    return total
