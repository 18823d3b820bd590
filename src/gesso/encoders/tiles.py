"""Encoder and decoder on one tile of a picture at a time, so that large pictures fit in memory.

Only the features of the whole picture are kept between the two, for their statistics: 120 bytes a
pixel for the compact encoder's four levels in bfloat16. Everything else, several times as much,
exists for one tile only. A tile is computed with the cells around it that its convolutions see: the
result equals that of the whole picture, without seams.

Positions count in cells: one cell is one position of the deepest level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Blocks, Decoder
from gesso.nn.precision import widen

# About the side of a tile. With the 32 px computed besides at every side that is a third more work,
# but the widest tensors, 32 channels of 448 × 448 px in bfloat16, are 13 MB: near to a processor's
# cache, and glibc keeps them for the next ones where it maps large ones anew. A 12-megapixel photo
# took no longer than with 512 and 83 MB less; with 256 another 160 MB less and a sixth longer.
TILE_PX = 384
POSITIONS = 2**14  # positions of features that are widened at a time

# Cells of 8 px around a photo, without which the encoder's zero padding shows as a frame. Of the
# features one cell is kept, which is enough for the decoder: its padding reflects. The outermost
# 8 px are then at 40 dB from what 8 cells of both give, and were at 18 dB without.
SEEN_CELLS, MARGIN_CELLS = 3, 1

SMALLEST_SIDE = 2  # cells of a picture: as many as the decoder's reflection by one needs


@dataclass(frozen=True)
class Span:
    """One tile along one side: cells [first, last) are computed, [top, bottom) of them kept."""

    top: int
    bottom: int
    first: int
    last: int

    def computed(self, scale: int) -> slice:
        """Slice that is computed of a level with `scale` positions a cell."""
        return slice(self.first * scale, self.last * scale)

    def wanted(self, scale: int) -> slice:
        """Slice of the computed positions that is kept."""
        return slice((self.top - self.first) * scale, (self.bottom - self.first) * scale)

    def place(self, scale: int, hidden: int) -> slice:
        """Slice of the output this tile fills, once the picture's first `hidden` cells are
        dropped."""
        return slice((self.top - hidden) * scale, (self.bottom - hidden) * scale)


Change = Callable[[str, Tensor, slice, slice], Tensor]
"""(level, its features (B, C, h, w) in one tile, the tile's rows and columns at that level) →
features of the same shape."""


def spans(cells: int, margin: int, beyond: int, stride: int) -> list[Span]:
    """Tiles along a side of `cells` cells, without `margin` of them at both ends: equal parts of
    about TILE_PX, each computed with the `beyond` cells around it."""
    wanted = cells - 2 * margin
    size = math.ceil(wanted / max(1, round(wanted * stride / TILE_PX)))
    tops = range(margin, cells - margin, size)
    ends = [min(top + size, cells - margin) for top in tops]
    pairs = zip(tops, ends, strict=True)
    return [Span(a, b, max(0, a - beyond), min(cells, b + beyond)) for a, b in pairs]


def reach(blocks: Blocks) -> int:
    """Cells to either side that one position of an encoder of 3×3 convolutions sees, or one of the
    decoder that mirrors it."""
    pixels = sum(len(block) << b for b, block in enumerate(blocks))
    return math.ceil(pixels / (1 << len(blocks) - 1))


def mirrored_positions(pixels: int, stride: int, cells: int) -> Tensor:
    """Index map that pads a side of `pixels` px to whole cells of `stride` px, at least
    SMALLEST_SIDE of them, by repeating its last pixel, and adds `cells` cells of reflection at both
    ends. A side too short to be reflected has its ends repeated."""
    whole, edge = max(SMALLEST_SIDE, math.ceil(pixels / stride)) * stride, cells * stride
    places = torch.arange(-edge, whole + edge)
    if whole > edge:
        places = whole - 1 - (whole - 1 - places.abs()).abs()
    return places.clamp(0, pixels - 1)


def encode(
    encoder: Encoder,
    images: Tensor,
    levels: Sequence[str],
    blocks: Blocks,
    place: torch.device,
    flat: bool = False,
    dtype: torch.dtype | None = None,
) -> dict[str, Tensor]:
    """Features (B, C, h, w) of images (B, 3, H, W) by level, in a dtype (by default the
    encoder's), with MARGIN_CELLS of the reflected image at every side. `blocks` end at the deepest
    of `levels`. For `flat` images as much is reflected as the encoder sees, since in them the least
    trace of its zero padding shows."""
    around = MARGIN_CELLS + reach(blocks) if flat else SEEN_CELLS
    stride, hidden = 1 << len(blocks) - 1, around - MARGIN_CELLS
    sides = [mirrored_positions(n, stride, around) for n in images.shape[-2:]]
    shape = [len(side) // stride for side in sides]
    kept: dict[str, Tensor] = {}
    for down, across in _tiles(shape, hidden, reach(blocks), stride):
        pairs = zip(sides, (down, across), strict=True)
        rows, columns = (side[span.computed(stride)].to(images.device) for side, span in pairs)
        seen = images.index_select(2, rows).index_select(3, columns)
        for level, found in encoder(seen.to(place), levels).items():
            scale = found.shape[-1] // (len(columns) // stride)
            if level not in kept:
                height, width = ((n - 2 * hidden) * scale for n in shape)
                size = (len(found), height, width, found.shape[1])
                empty = found.new_empty(size, dtype=dtype or found.dtype)
                kept[level] = empty.permute(0, 3, 1, 2)
            part = found[:, :, down.wanted(scale), across.wanted(scale)]
            kept[level][:, :, down.place(scale, hidden), across.place(scale, hidden)] = part
    return {level: kept[level] for level in levels}


def decode(
    decoder: Decoder, features: Mapping[str, Tensor], height: int, width: int, change: Change
) -> Tensor:
    """Pictures (B, 3, height, width) in [0, 1] of features that have MARGIN_CELLS at every side;
    `change` is applied to every tile of the features before it is decoded."""
    deepest, stride = features[decoder.deepest], decoder.stride
    batch, _, *shape = deepest.shape
    pictures = torch.empty(batch, 3, height, width, device=deepest.device)
    for down, across in _tiles(shape, MARGIN_CELLS, reach(decoder.blocks), stride):
        changed = {}
        for level in decoder.levels:
            scale = features[level].shape[-1] // shape[1]
            rows, columns = down.computed(scale), across.computed(scale)
            changed[level] = change(level, features[level][:, :, rows, columns], rows, columns)
        tile = decoder(changed)[:, :, down.wanted(stride), across.wanted(stride)]
        rows, columns = down.place(stride, MARGIN_CELLS), across.place(stride, MARGIN_CELLS)
        place = pictures[:, :, rows, columns]  # which ends where the picture does
        place.copy_(tile[:, :, : place.shape[2], : place.shape[3]].clamp(0, 1))
    return pictures


def unchanged(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
    """The `Change` that leaves features as they are."""
    return x


def mapped(x: Tensor, channels: tuple[Tensor, Tensor]) -> Tensor:
    """x (B, C, h, w) times the first plus the second of `channels` (B, C), in float32."""
    scale, shift = (one[:, :, None, None] for one in channels)
    return torch.addcmul(shift, widen(x), scale)


def with_margin(image: Tensor, stride: int) -> Tensor:
    """The image (B, C, H, W) in whole cells, with MARGIN_CELLS of its reflection at every side."""
    rows, columns = (
        mirrored_positions(n, stride, MARGIN_CELLS).to(image.device) for n in image.shape[-2:]
    )
    return image.index_select(-2, rows).index_select(-1, columns)


def without_margin(features: Mapping[str, Tensor], deepest: str) -> dict[str, Tensor]:
    """Features (B, C, h, w) by level, with the MARGIN_CELLS at every side cut off."""
    inner = {}
    for level, x in features.items():
        edge = MARGIN_CELLS * (x.shape[-1] // features[deepest].shape[-1])
        inner[level] = x[..., edge : x.shape[-2] - edge, edge : x.shape[-1] - edge]
    return inner


def mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """μ and σ of every channel, (B, C) each, of large features (B, C, h, w), with 1e-6 added to the
    variance: a few rows are widened at a time, and the sums are float64."""
    total = torch.zeros(x.shape[:2], dtype=torch.float64, device=x.device)
    square = total.clone()
    rows = max(1, POSITIONS // x.shape[3])
    for piece in torch.split(x, rows, 2):
        wide = widen(piece)
        total += wide.sum((2, 3))
        square += wide.square().sum((2, 3))
    count = x.shape[2] * x.shape[3]
    mean = total / count
    variance = (square / count - mean.square()).clamp_min(0)
    deviation = (variance + 1e-6).sqrt()
    return mean.to(wide.dtype), deviation.to(wide.dtype)


def _tiles(shape: Sequence[int], margin: int, beyond: int, stride: int) -> list[tuple[Span, Span]]:
    """Spans (down, across) of all tiles, row by row."""
    down, across = (spans(cells, margin, beyond, stride) for cells in shape)
    return list(product(down, across))
