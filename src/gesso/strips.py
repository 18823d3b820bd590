"""Encoder and decoder on a few rows of a picture at a time, so that large ones fit in memory.

Between encoder and decoder are the features of the whole picture, whose statistics AdaIN needs: in
the dtype they were computed in, about 55 bytes a pixel with the compact encoder's three levels in
bfloat16. All else, ten times as much, is there for one strip of rows only. A strip is computed
with as many rows more at either side as its convolutions see: results are those of the whole.

Positions count in cells, the stride of the deepest level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.decoder import Blocks, Decoder
from gesso.encoders.base import Encoder
from gesso.functional import widen

STRIP_PIXELS = 2**20  # that are wanted of a strip: more is hardly faster and needs more memory
LEAST_ROWS = 8  # of cells, however wide the picture: every strip computes about 8 besides

# Cells of 8 px around a photo, without which the encoder's zero padding shows as a frame. Of the
# features one cell is kept, which is enough for the decoder: its padding reflects. The outermost
# 8 px are then at 40 dB from what 8 cells of both give, and were at 18 dB without.
SEEN_CELLS, MARGIN_CELLS = 3, 1

SMALLEST_SIDE = 2  # cells of a picture: as many as the decoder's reflection by one needs

Change = Callable[[str, Tensor, slice], Tensor]
"""A level, its features (B, C, rows, w), and which rows of the level they are → others of that
shape."""


@dataclass(frozen=True)
class Strip:
    """Rows of cells: `top` to `bottom` are wanted, `first` to `last` are computed for them."""

    top: int
    bottom: int
    first: int
    last: int

    def computed(self, scale: int) -> slice:
        """At a level with `scale` positions a cell."""
        return slice(self.first * scale, self.last * scale)

    def wanted(self, scale: int) -> slice:
        """Of the computed ones."""
        return slice((self.top - self.first) * scale, (self.bottom - self.first) * scale)


def strips(cells: int, margin: int, reach: int, rows: int) -> Iterator[Strip]:
    """`cells` rows without `margin` at both ends, `rows` at a time."""
    for top in range(margin, cells - margin, rows):
        bottom = min(top + rows, cells - margin)
        yield Strip(top, bottom, max(0, top - reach), min(cells, bottom + reach))


def reach(blocks: Blocks) -> int:
    """Cells beyond its own at either side that a position of an encoder of 3×3 convolutions sees;
    of the decoder that mirrors it too."""
    pixels = sum(len(block) * 2**b for b, block in enumerate(blocks))
    return math.ceil(pixels / 2 ** (len(blocks) - 1))


def rows_of_cells(columns: int, stride: int) -> int:
    """In a strip of a picture that is so many cells wide."""
    return max(LEAST_ROWS, STRIP_PIXELS // (columns * stride**2))


def mirrored_positions(pixels: int, stride: int, cells: int) -> Tensor:
    """The positions in a side of so many pixels that make it whole cells of `stride` px, at least
    SMALLEST_SIDE of them, by repeating the last, and put so many cells of its reflection at both
    ends (where it is too short for that, of its ends)."""
    whole, edge = max(SMALLEST_SIDE, math.ceil(pixels / stride)) * stride, cells * stride
    places = torch.arange(-edge, whole + edge)
    if whole > edge:
        places = whole - 1 - (whole - 1 - places.abs()).abs()
    return places.clamp(0, pixels - 1)


def encode(
    encoder: Encoder, images: Tensor, levels: Sequence[str], blocks: Blocks, place: torch.device
) -> dict[str, Tensor]:
    """Features (B, C, h, w) of images (B, 3, H, W) by level, as the encoder puts them out, with
    MARGIN_CELLS of the reflected image at every side; the deepest of `levels` is where `blocks`
    end."""
    stride, hidden = 2 ** (len(blocks) - 1), SEEN_CELLS - MARGIN_CELLS
    rows, columns = (
        mirrored_positions(n, stride, SEEN_CELLS).to(images.device) for n in images.shape[-2:]
    )
    cells, across = len(rows) // stride, len(columns) // stride
    kept: dict[str, Tensor] = {}
    for strip in strips(cells, hidden, reach(blocks), rows_of_cells(across, stride)):
        seen = images.index_select(2, rows[strip.computed(stride)]).index_select(3, columns)
        found = encoder(seen.to(place), levels)
        for level in levels:
            part = found[level]
            scale = part.shape[-1] // across
            inner = slice(hidden * scale, part.shape[-1] - hidden * scale)
            part = part[:, :, strip.wanted(scale), inner]
            if level not in kept:
                kept[level] = _empty_like(part, (cells - 2 * hidden) * scale)
            kept[level][:, :, (strip.top - hidden) * scale :][:, :, : part.shape[2]] = part
    return kept


def decode(
    decoder: Decoder, features: Mapping[str, Tensor], height: int, width: int, change: Change
) -> Tensor:
    """Pictures (B, 3, height, width) in [0, 1] of features with MARGIN_CELLS at every side, each
    strip of them changed before."""
    deepest, stride = features[decoder.deepest], decoder.stride
    batch, _, cells, across = deepest.shape
    pictures = torch.empty(batch, 3, height, width, device=deepest.device)
    edge, rows = MARGIN_CELLS * stride, rows_of_cells(across, stride)
    for strip in strips(cells, MARGIN_CELLS, reach(decoder.blocks), rows):
        changed = {}
        for level in decoder.levels:
            part = strip.computed(features[level].shape[-1] // across)
            changed[level] = change(level, features[level][:, :, part], part)
        wanted = decoder(changed)[:, :, strip.wanted(stride), edge : edge + width]
        place = pictures[:, :, strip.top * stride - edge :][:, :, : wanted.shape[2]]
        place.copy_(wanted[:, :, : place.shape[2]].clamp_(0, 1))
    return pictures


def unchanged(level: str, x: Tensor, rows: slice) -> Tensor:
    """The `Change` that is none."""
    return x


def mapped(x: Tensor, channels: tuple[Tensor, Tensor]) -> Tensor:
    """x (B, C, h, w) times the first plus the second of `channels` (B, C), in float32."""
    scale, shift = (one[:, :, None, None] for one in channels)
    return torch.addcmul(shift, widen(x), scale)


def with_margin(image: Tensor, stride: int) -> Tensor:
    """(B, C, H, W) in whole cells, with MARGIN_CELLS of its reflection at every side."""
    rows, columns = (
        mirrored_positions(n, stride, MARGIN_CELLS).to(image.device) for n in image.shape[-2:]
    )
    return image.index_select(-2, rows).index_select(-1, columns)


def without_margin(features: Mapping[str, Tensor], deepest: str) -> dict[str, Tensor]:
    """Features (B, C, h, w) by level without those MARGIN_CELLS."""
    inner = {}
    for level, x in features.items():
        edge = MARGIN_CELLS * (x.shape[-1] // features[deepest].shape[-1])
        inner[level] = x[..., edge : x.shape[-2] - edge, edge : x.shape[-1] - edge]
    return inner


def mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """`gesso.adain.mean_and_deviation` of large features: a few rows widened at a time, the sums
    in float64."""
    total = torch.zeros(x.shape[:2], dtype=torch.float64, device=x.device)
    square = total.clone()
    rows = max(1, STRIP_PIXELS // 16 // x.shape[3])
    for piece in torch.split(x, rows, 2):
        wide = widen(piece)
        total += wide.sum((2, 3))
        square += wide.square().sum((2, 3))
    count = x.shape[2] * x.shape[3]
    mean = total / count
    variance = (square / count - mean.square()).clamp_min(0)
    deviation = (variance + 1e-6).sqrt()
    return mean.to(wide.dtype), deviation.to(wide.dtype)


def _empty_like(part: Tensor, rows: int) -> Tensor:
    batch, channels, _, columns = part.shape
    return torch.empty(
        (batch, channels, rows, columns),
        dtype=part.dtype,
        device=part.device,
        memory_format=torch.channels_last,
    )
