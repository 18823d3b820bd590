"""Pictures drawn with patches of paintings: encoder, search, decoder (`gesso.methods.style_swap`
and `gesso.encoders.tiles`, without torch)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.images.arrays import Pixels
from gesso.runtime.colors import lacking
from gesso.runtime.patches import Bank, Patches, Whole, patches_of
from gesso.runtime.sampling import area_means, bicubic, bilinear
from gesso.runtime.sessions import Network

SEEN_CELLS, MARGIN_CELLS, SMALLEST_SIDE = 3, 1, 2  # see `gesso.encoders.tiles`
STRIP_PX = 120_000  # of a picture at once: 15 MB in the widest layers

Painting = tuple[Pixels, Pixels | None]
"""A picture (3, h, w), and (h', w'), where the style is; None: everywhere."""


class Swap:
    """Two networks between which features become a style's patches. Features (h, w, C) of pictures
    have MARGIN_CELLS of the reflected picture at every side.

    Attributes:
        stride: px of a place of the features.
    """

    def __init__(self, encoder: Network, decoder: Network, about: dict[str, Any]) -> None:
        self._encoder, self._decoder = encoder, decoder
        self.stride: int = about["stride"]
        self._sees, self._decodes = about["reach"]

    def bank(
        self, paintings: Sequence[Painting], shares: Sequence[float], stride: float, blur: float
    ) -> Bank:
        """The patches of paintings, as many fewer of each as its share is smaller than the largest;
        they are looked for by what is left of a painting in a copy whose sides are `blur` times
        shorter."""
        pairs = zip(paintings, shares, strict=True)
        return Bank([self._patches(*p, stride * (max(shares) / s) ** 0.5, blur) for p, s in pairs])

    def _patches(self, picture: Pixels, mask: Pixels | None, stride: float, blur: float) -> Patches:
        features = self._inner(picture)
        keys = self._inner(blurred(picture, blur)) if blur > 1 else features
        on = None if mask is None else places(mask, *features.shape[:2])
        return patches_of(features, keys, stride, on)

    def redrawn(
        self, picture: Pixels, banks: Sequence[Bank], regions: Pixels | None = None
    ) -> Pixels:
        """A picture (3, H, W) in [0, 1], drawn with patches: each bank's in its shares (K, h, w) of
        the picture, which sum to 1; None: there is one bank."""
        features = self.encoded(picture)
        choices = [bank.nearest(features) for bank in banks]
        cells, size = features.shape[:2], picture.shape[1:]
        del features  # of which nothing is left
        shares = None if regions is None else self._shares(regions, size, cells)

        def made(first: int, last: int) -> Pixels:
            parts = [b.built(choice, first, last) for b, choice in zip(banks, choices, strict=True)]
            return parts[0] if shares is None else mixed(parts, shares[:, first:last])

        return self._decoded(made, cells, *size)

    def _shares(self, regions: Pixels, size: Sequence[int], cells: Sequence[int]) -> Pixels:
        """Those of every place of features with a margin, (K, h, w, 1)."""
        if regions.shape[1:] != tuple(size):
            regions = area_means(regions, *size)
        rows, columns = (mirrored(n, self.stride, MARGIN_CELLS) for n in size)
        return area_means(regions[:, rows][:, :, columns], *cells)[..., None]

    def encoded(self, picture: Pixels) -> Pixels:
        """The features of (3, H, W) in [0, 1]."""
        around = MARGIN_CELLS + self._sees if lacking(picture) else SEEN_CELLS
        rows, columns = (mirrored(n, self.stride, around) for n in picture.shape[1:])
        hidden, found = around - MARGIN_CELLS, []
        inner = slice(hidden, len(columns) // self.stride - hidden)
        cells = len(rows) // self.stride
        for top, bottom in self._strips(hidden, cells - hidden, len(columns)):
            first, last = max(0, top - self._sees), min(cells, bottom + self._sees)
            seen = picture[:, rows[first * self.stride : last * self.stride]][:, :, columns]
            part = self._encoder.run({"image": seen[None]})["features"][0]
            found.append(part[top - first : bottom - first, inner])
        return np.concatenate(found)

    def _decoded(
        self, made: Callable[[int, int], Pixels], cells: Sequence[int], height: int, width: int
    ) -> Pixels:
        """The picture (3, height, width) in [0, 1] of features, of which `made` gives some rows."""
        picture, edge = np.empty((3, height, width), np.float32), MARGIN_CELLS * self.stride
        ends = MARGIN_CELLS, cells[0] - MARGIN_CELLS
        for top, bottom in self._strips(*ends, cells[1] * self.stride):
            first, last = max(0, top - self._decodes), min(cells[0], bottom + self._decodes)
            part = self._decoder.run({"features": made(first, last)[None]})["picture"][0]
            rows = slice((top - MARGIN_CELLS) * self.stride, (bottom - MARGIN_CELLS) * self.stride)
            place = picture[:, rows]  # which ends where the picture does
            seen = part[:, (top - first) * self.stride :, edge : edge + width]
            place[:] = seen[:, : place.shape[1]]
        return picture

    def _strips(self, first: int, last: int, width: int) -> list[tuple[int, int]]:
        """Rows of cells [first, last) of a picture of so many px across, some at a time."""
        count = math.ceil((last - first) * self.stride * width / STRIP_PX)
        ends = [first + round(n * (last - first) / count) for n in range(count + 1)]
        return [(a, b) for a, b in pairwise(ends) if b > a]

    def _inner(self, picture: Pixels) -> Pixels:
        """A style's features, without the margin."""
        edge = slice(MARGIN_CELLS, -MARGIN_CELLS)
        return np.ascontiguousarray(self.encoded(picture)[edge, edge])


def mixed(parts: Sequence[Pixels], shares: Pixels) -> Pixels:
    """Features in their shares."""
    total = np.zeros_like(parts[0])
    for part, share in zip(parts, shares, strict=True):
        total += share * part
    return total


def mirrored(pixels: int, stride: int, cells: int) -> Whole:
    """The places of a side of `pixels` px, repeated to whole cells and reflected at both ends
    (`gesso.encoders.tiles.mirrored_positions`)."""
    whole, edge = max(SMALLEST_SIDE, math.ceil(pixels / stride)) * stride, cells * stride
    found = np.arange(-edge, whole + edge)
    if whole > edge:
        found = whole - 1 - np.abs(whole - 1 - np.abs(found))
    return found.clip(0, pixels - 1)


def blurred(picture: Pixels, times: float) -> Pixels:
    """(3, H, W), as a copy shows it whose sides are so many times shorter."""
    height, width = picture.shape[1:]
    small = bilinear(picture, *(max(1, round(n / times)) for n in (height, width)))
    return bicubic(small, height, width).clip(0, 1)


def places(mask: Pixels, height: int, width: int) -> NDArray[np.bool_]:
    """(height, width): where a mask (h, w) is on (`gesso.nn.masks.places`)."""
    cells = area_means(mask[None], height, width)[0]
    return np.asarray(cells >= cells.max() / 2)
