"""Pictures of any size, some rows at a time: what is held is a strip, and not the picture.

A photo of 100 megapixels is 300 MB as bytes and 1.2 GB as numbers, and what is done to it after
painting needs several such. All of that is done to every pixel by itself, by small maps that are
enlarged to the picture and by what was measured before; so a picture can be a function of its rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

STRIP_PIXELS = 1 << 20
"""Of a strip. Smaller pictures are one strip."""

Enlarging = Literal["bilinear", "bicubic"]


@dataclass(frozen=True)
class Striped:
    """A picture (1, C, height, width) whose rows are made when they are asked for.

    Attributes:
        at: takes rows, a slice with start, stop and step, and returns them: (1, C, n, width).
        held: the picture, where it is in memory.
        quick: whether its rows are there, as numbers or bytes, and need not be computed.
    """

    height: int
    width: int
    at: Callable[[slice], Tensor]
    held: Tensor | None = None
    quick: bool = False

    @classmethod
    def of(cls, image: Tensor) -> Striped:
        """A picture (1, C, H, W) that is held."""
        height, width = image.shape[-2:]
        return cls(height, width, lambda rows: image[..., rows, :], image, quick=True)

    @classmethod
    def of_array(cls, pixels: NDArray[Any]) -> Striped:
        """A picture of numbers (3, H, W) in [0, 1], or of bytes (H, W, 3), which become numbers
        strip by strip."""
        if pixels.dtype != np.uint8:
            return cls.of(torch.from_numpy(pixels).unsqueeze(0))

        def at(rows: slice) -> Tensor:
            levels = torch.from_numpy(np.ascontiguousarray(pixels[rows].transpose(2, 0, 1)))
            return levels.unsqueeze(0).float().div_(255)

        return cls(pixels.shape[0], pixels.shape[1], at, quick=True)

    @property
    def pixels(self) -> int:
        """How many it has."""
        return self.height * self.width

    @property
    def is_small(self) -> bool:
        """Whether it is a single strip."""
        return self.pixels <= STRIP_PIXELS

    def strips(self, step: int = 1) -> Iterator[slice]:
        """The rows of strips from top to bottom; of every `step`-th row."""
        reach = self.height if self.is_small else max(1, STRIP_PIXELS // self.width) * step
        for top in range(0, self.height, reach):
            yield slice(top, min(top + reach, self.height), step)

    def whole(self) -> Tensor:
        """The picture (1, C, height, width)."""
        if self.held is not None:
            return self.held
        first, *others = self.strips()
        strip = self.at(first)
        if not others:
            return strip
        out = strip.new_empty(1, strip.shape[1], self.height, self.width)
        out[..., first, :] = strip
        for rows in others:
            out[..., rows, :] = self.at(rows)
        return out

    def every(self, step: int, lines: int | None = None) -> Tensor:
        """Every `step`-th pixel of every `lines`-th row, by default of every `step`-th."""
        found = [self.at(rows)[..., ::step].clone() for rows in self.strips(lines or step)]
        return found[0] if len(found) == 1 else torch.cat(found, 2)

    def changed(self, change: Callable[[Tensor, slice], Tensor]) -> Striped:
        """With `change` made to strips (1, C, n, width) of these rows."""
        return Striped(self.height, self.width, lambda rows: change(self.at(rows), rows))

    def kept_small(self) -> Striped:
        """The same with its rows at hand, in float16: for those who take them many times."""
        if self.quick:
            return self
        kept = torch.empty(1, 3, self.height, self.width, dtype=torch.float16)
        for rows in self.strips():
            kept[..., rows, :] = self.at(rows)
        return narrow(kept)

    def shrunk(self, height: int, width: int, area: bool = False) -> Tensor:
        """A copy (1, C, height, width): antialiased, or means of areas. Rows are narrowed before
        they are made fewer, as torch does it."""
        parts = [
            _resized(strip, strip.shape[2], width, area) for strip in map(self.at, self.strips())
        ]
        slim = parts[0] if len(parts) == 1 else torch.cat(parts, 2)
        return _resized(slim, height, width, area)


def narrow(image: Tensor) -> Striped:
    """A picture (1, C, H, W) of half-precision numbers, whose strips are float32."""
    return Striped.of(image).changed(lambda strip, _: strip.float())


def size_of(image: Tensor | Striped) -> tuple[int, int]:
    """Height and width."""
    if isinstance(image, Striped):
        return image.height, image.width
    return image.shape[-2], image.shape[-1]


def _resized(image: Tensor, height: int, width: int, area: bool) -> Tensor:
    if area:
        return F.interpolate(image, (height, width), mode="area")
    return F.interpolate(image, (height, width), mode="bilinear", antialias=True)


def resized_rows(
    image: Tensor, height: int, width: int, rows: slice, mode: Enlarging = "bilinear"
) -> Tensor:
    """Rows (1, C, n, width) of (1, C, h, w) resized to (height, width): what `F.interpolate` makes
    of it, bilinear with antialiasing, or bicubic, which only enlarges."""
    size = (height, width)
    if image.shape[-2:] == size:
        return image[..., rows, :]
    if (rows.start, rows.stop, rows.step) == (0, height, 1):
        return F.interpolate(image, size, mode=mode, antialias=mode == "bilinear")
    weights, places = _filter(image.shape[2], height, rows, mode)
    low, high = int(places[0]), int(places[-1]) + 1
    near = image[..., low:high, :]
    wide = F.interpolate(near, (high - low, width), mode=mode, antialias=mode == "bilinear")
    return weights.to(wide) @ wide.index_select(2, (places - low).to(wide.device))


def _filter(size: int, height: int, rows: slice, mode: Enlarging) -> tuple[Tensor, Tensor]:
    """Weights (n, m), and the places (m,) that they are for, which make n of `height` rows from
    `size` of them. Bilinear leaves out what is beyond the border, bicubic repeats the last row."""
    scale = size / height
    spread = max(1.0, scale)
    reach = math.ceil(2 * spread)
    centers = (torch.arange(rows.start, rows.stop, rows.step, dtype=torch.float64) + 0.5) * scale
    places = torch.arange(int(centers[0]) - reach, int(centers[-1]) + reach + 1)
    away = ((places + 0.5) - centers[:, None]).abs() / spread
    inside = places.clamp(0, size - 1)
    if mode == "bicubic":
        return _cubic(away), inside
    weights = (1 - away).clamp_min(0) * (places == inside)
    return weights / weights.sum(1, keepdim=True), inside


def _cubic(x: Tensor, a: float = -0.75) -> Tensor:
    """The kernel that torch's bicubic has, of distances from 0."""
    near = ((a + 2) * x - (a + 3)) * x.square() + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))
