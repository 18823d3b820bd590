"""The colours of a painted picture, once its forms are done (after Kolkin et al. 2022): lightness
stays the picture's, colours keep to the style's range and to the picture's edges. In OKLab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.graphs.drawing import PASSES, STOP
from gesso.nn.colors import Colors
from gesso.nn.oklab import from_oklab, to_oklab
from gesso.nn.strips import Striped

GREY = 0.02  # a root mean square of chroma up to which a style counts as grey

Recolor = Literal["off", "own", "photo"]
"""Where colours come from: `off` leaves the picture, `own` smooths its own, `photo` moves those of
the photo to the style's (the paper's)."""


@dataclass(frozen=True)
class StyleColors:
    """A style's colours: some of its pixels (N, 3), sRGB-encoded in [0, 1], and of all of them in
    OKLab the mean (3,), the mean product (3, 3), the least and the most (3,)."""

    pixels: Tensor
    mean: Tensor
    products: Tensor
    least: Tensor
    most: Tensor

    @classmethod
    def of(cls, image: Tensor, count: int, seed: int = 0) -> StyleColors:
        """Those of (3, H, W), with up to `count` pixels drawn at random."""
        lab = to_oklab(image).flatten(1).double()
        order = torch.randperm(lab.shape[1], generator=torch.Generator().manual_seed(seed))
        pixels = image.flatten(1).T[order[:count].to(image.device)]
        parts = (lab.mean(1), lab @ lab.T / lab.shape[1], lab.amin(1), lab.amax(1))
        return cls(pixels, *(part.float() for part in parts))

    @property
    def moments(self) -> Colors:
        """Mean and covariance in OKLab."""
        mean = self.mean.cpu().double()
        return Colors(mean, self.products.cpu().double() - torch.outer(mean, mean))

    @property
    def is_grey(self) -> bool:
        """Whether the style has nearly no chroma."""
        return float(self.products.diagonal()[1:].sum()) < GREY**2


def recolored(picture: Tensor, photo: Tensor, style: StyleColors, source: Recolor) -> Tensor:
    """`picture` (1, 3, H, W), sRGB-encoded in [0, 1], with its colours set in order; `photo` is of
    the same shape.

    `own` leaves lightness as it is, so that a style of few tones takes no forms away, and keeps
    chroma within the style's range: a grey style gives a grey picture. With `photo` a nearly grey
    style gives all three channels its mean and covariance instead (the paper's).
    """
    if source == "off":
        return picture
    change = _own(style) if source == "own" else _photos(picture, photo, style)
    height = picture.shape[2]

    def at(rows: slice) -> Tensor:
        seen = slice(max(0, rows.start - PASSES), min(height, rows.stop + PASSES))
        made = change(picture[..., seen, :], photo[..., seen, :])
        return made[..., rows.start - seen.start : rows.stop - seen.start, :]

    return Striped(height, picture.shape[3], at).whole()


Change = Callable[[Tensor, Tensor], Tensor]
"""Takes some rows of a picture and of its photo; those that are `PASSES` from what was cut off
come out right."""


def _own(style: StyleColors) -> Change:
    def change(picture: Tensor, photo: Tensor) -> Tensor:
        lab = to_oklab(picture)
        light, colors = lab[:, :1], lab[:, 1:]
        colors = smoothed(_within(colors, style, [1, 2]), light)
        return from_oklab(torch.cat([light, colors], 1))

    return change


def _photos(picture: Tensor, photo: Tensor, style: StyleColors) -> Change:
    target = style.moments
    if style.is_grey:
        seen = Striped.of(picture).changed(lambda strip, _: _within(to_oklab(strip), style))
        move = Colors.of_strips(seen).mover(target)
        return lambda part, _: from_oklab(_within(move(_within(to_oklab(part), style)), style))
    own = Striped.of(photo).changed(lambda strip, _: to_oklab(strip)[:, 1:])
    turn = Colors.of_strips(own).mover(Colors(target.mean[1:], target.covariance[1:, 1:]))

    def change(picture: Tensor, photo: Tensor) -> Tensor:
        light = _within(to_oklab(picture), style)[:, :1]
        moved = smoothed(turn(to_oklab(photo)[:, 1:]), light)
        return from_oklab(_within(torch.cat([light, moved], 1), style))

    return change


def _within(lab: Tensor, style: StyleColors, channels: Sequence[int] = (0, 1, 2)) -> Tensor:
    """Channels of OKLab (1, C, H, W), clamped to the style's range."""
    least, most = (
        part.to(lab)[list(channels)].view(1, -1, 1, 1) for part in (style.least, style.most)
    )
    return torch.minimum(torch.maximum(lab, least), most)


def smoothed(colors: Tensor, light: Tensor, passes: int = PASSES) -> Tensor:
    """(1, C, H, W) averaged over 3×3 px as often as `passes` says, each neighbour by how near its
    lightness (1, 1, H, W) is: flat places become even, and edges of lightness stay edges."""
    near = torch.exp(-STOP * (_neighbours(light) - light.unsqueeze(2)).abs())
    near = near / near.sum(2, keepdim=True)
    for _ in range(passes):
        colors = (_neighbours(colors) * near).sum(2)
    return colors


def _neighbours(x: Tensor) -> Tensor:
    """(1, C, 9, H, W): every place's 3×3 neighbours; the border is repeated."""
    height, width = x.shape[-2:]
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    shifts = [padded[..., i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return torch.stack(shifts, 2)
