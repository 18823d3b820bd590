"""Encoder and decoder on one tile of a picture at a time, so that large pictures fit in memory.

Only the features of the whole picture are kept between the two, for their statistics: 120 bytes a
pixel for the compact encoder's four levels in bfloat16. Everything else, several times as much,
exists for one tile only. A tile is computed with the cells around it that its convolutions see: the
result equals that of the whole picture, without seams.

Positions count in cells: one cell is one position of the deepest level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Blocks, Decoder
from gesso.nn.precision import widen
from gesso.nn.strips import Striped, size_of

# About the side of a tile. With the 32 px computed besides at every side that is a third more work,
# but the widest tensors, 32 channels of 448 × 448 px in bfloat16, are 13 MB: near to a processor's
# cache, and glibc keeps them for the next ones where it maps large ones anew. A 12-megapixel photo
# took no longer than with 512 and 83 MB less; with 256 another 160 MB less and a sixth longer.
TILE_PX = 384

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


class Parts:
    """Features of pictures by level, with MARGIN_CELLS of the reflected picture at every side: none
    are held, and every part is encoded when it is asked for.

    Attributes:
        cells: rows and columns of them at the deepest level, where `blocks` end.
        levels: those that there are.
        place: where they are encoded.
    """

    def __init__(
        self,
        encoder: Encoder,
        images: Tensor | Striped,
        levels: Sequence[str],
        blocks: Blocks,
        place: torch.device,
        flat: bool = False,
    ) -> None:
        """
        Args:
            images: (B, 3, H, W), or one picture.
            flat: as much is reflected as the encoder sees, since in flat pictures the least trace
                of its zero padding shows.
        """
        around = MARGIN_CELLS + reach(blocks) if flat else SEEN_CELLS
        self._encoder, self.place, self._beyond = encoder, place, reach(blocks)
        self._seen = images if isinstance(images, Striped) else None
        self._images = images if isinstance(images, Tensor) else torch.empty(0)
        self._stride, self._hidden = 1 << len(blocks) - 1, around - MARGIN_CELLS
        self._sides = [mirrored_positions(n, self._stride, around) for n in size_of(images)]
        self.cells = [len(side) // self._stride - 2 * self._hidden for side in self._sides]
        self.levels = tuple(levels)

    def size(self, level: str) -> tuple[int, int]:
        """Rows and columns of a level."""
        scale = self._stride >> len(self._encoder.layers(level)) - 1
        return self.cells[0] * scale, self.cells[1] * scale

    def part(self, down: slice, across: slice) -> dict[str, Tensor]:
        """The features (B, C, h, w) of these rows and columns of cells."""
        spans = [self._span(*pair) for pair in zip((down, across), self._sides, strict=True)]
        pairs = zip(self._sides, spans, strict=True)
        rows, columns = (side[span.computed(self._stride)] for side, span in pairs)
        seen = self._at(rows).index_select(3, columns.to(self._images.device))
        found, parts = self._encoder(widen(seen.to(self.place)), self.levels), {}
        for level in self.levels:
            x = found[level]
            scale = x.shape[-1] // (len(columns) // self._stride)
            parts[level] = x[:, :, spans[0].wanted(scale), spans[1].wanted(scale)]
        return parts

    def _span(self, cells: slice, side: Tensor) -> Span:
        top, bottom = cells.start + self._hidden, cells.stop + self._hidden
        last = min(len(side) // self._stride, bottom + self._beyond)
        return Span(top, bottom, max(0, top - self._beyond), last)

    def _at(self, rows: Tensor) -> Tensor:
        """Rows of the images by their numbers."""
        if self._seen is None:
            return self._images.index_select(2, rows.to(self._images.device))
        first = int(rows.min())
        return self._seen.at(slice(first, int(rows.max()) + 1, 1)).index_select(2, rows - first)

    def tiles(self, margin: int = 0) -> list[tuple[slice, slice]]:
        """Rows and columns of cells of tiles that cover all but a margin, row by row."""
        found = _tiles(self.cells, margin, 0, self._stride)
        return [(slice(d.top, d.bottom), slice(a.top, a.bottom)) for d, a in found]

    def inner(self) -> Iterator[dict[str, Tensor]]:
        """The parts of all tiles without MARGIN_CELLS at every side."""
        return (self.part(*tile) for tile in self.tiles(MARGIN_CELLS))


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
    encoder's), as `Parts` has them. `blocks` end at the deepest of `levels`."""
    parts = Parts(encoder, images, levels, blocks, place, flat)
    kept: dict[str, Tensor] = {}
    for down, across in parts.tiles():
        for level, part in parts.part(down, across).items():
            height, width = parts.size(level)
            scale = height // parts.cells[0]
            if level not in kept:
                size = (len(part), height, width, part.shape[1])
                empty = part.new_empty(size, dtype=dtype or part.dtype)
                kept[level] = empty.permute(0, 3, 1, 2)
            rows, columns = (slice(s.start * scale, s.stop * scale) for s in (down, across))
            kept[level][:, :, rows, columns] = part
    return {level: kept[level] for level in levels}


def decode(
    decoder: Decoder,
    features: Mapping[str, Tensor] | Parts,
    height: int,
    width: int,
    change: Change,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Pictures (B, 3, height, width) in [0, 1] of features that have MARGIN_CELLS at every side, in
    a dtype; `change` is applied to every tile of the features before it is decoded."""
    shape, stride = cells_of(features, decoder.deepest), decoder.stride
    pictures = torch.empty(0)
    for down, across in _tiles(shape, MARGIN_CELLS, reach(decoder.blocks), stride):
        tile = decoder(_changed(decoder, features, (down, across), change))
        if not pictures.numel():
            pictures = tile.new_empty(len(tile), 3, height, width, dtype=dtype)
        tile = tile[:, :, down.wanted(stride), across.wanted(stride)]
        rows, columns = down.place(stride, MARGIN_CELLS), across.place(stride, MARGIN_CELLS)
        place = pictures[:, :, rows, columns]  # which ends where the picture does
        place.copy_(tile[:, :, : place.shape[2], : place.shape[3]].clamp(0, 1))
    return pictures


def cells_of(features: Mapping[str, Tensor] | Parts, deepest: str) -> Sequence[int]:
    """Rows and columns of features at the deepest of their levels."""
    return features.cells if isinstance(features, Parts) else features[deepest].shape[2:]


def _changed(
    decoder: Decoder,
    features: Mapping[str, Tensor] | Parts,
    tile: tuple[Span, Span],
    change: Change,
) -> dict[str, Tensor]:
    """A tile's features with all that a decoder sees around it."""
    down, across = tile
    cells, changed = cells_of(features, decoder.deepest), {}
    if isinstance(features, Parts):
        found = features.part(down.computed(1), across.computed(1))
        scales = {level: features.size(level)[1] // cells[1] for level in decoder.levels}
    else:
        found, scales = {}, {n: features[n].shape[-1] // cells[1] for n in decoder.levels}
    for level, scale in scales.items():
        rows, columns = down.computed(scale), across.computed(scale)
        if not isinstance(features, Parts):
            found[level] = features[level][:, :, rows, columns]
        changed[level] = change(level, found[level], rows, columns)
    return changed


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


def inner(features: Mapping[str, Tensor] | Parts, deepest: str) -> Iterator[dict[str, Tensor]]:
    """Features by level without the MARGIN_CELLS at every side: those that are held at once, others
    in parts."""
    if isinstance(features, Parts):
        return features.inner()
    return iter([without_margin(features, deepest)])


def _tiles(shape: Sequence[int], margin: int, beyond: int, stride: int) -> list[tuple[Span, Span]]:
    """Spans (down, across) of all tiles, row by row."""
    down, across = (spans(cells, margin, beyond, stride) for cells in shape)
    return list(product(down, across))
