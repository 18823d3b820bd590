"""The style decorator (Sheng et al. 2018): both pictures' features are whitened, the content's
patches become the style's that are most like them, and the result takes on the style's colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gesso.nn.channels import Channels
from gesso.nn.covariance import Moments, colours_of, times, whitening, whole
from gesso.nn.patches import Bank, patches_of

ROWS = 64  # of a content whose patches are searched for at a time

KEPT = ("white", "on", "mean", "factor")
"""The names of what is kept of a style at a decorated level."""


@dataclass(frozen=True)
class Decorator:
    """A style at one level.

    Attributes:
        channels: of the level.
        white: the style's whitened features (N, h, w).
        on: where they count, (h, w) bool.
        mean: m (N,), which colours with `factor`.
        factor: E D^1/2 Eᵀ (N, N) of the style's covariance E D Eᵀ.
        size, stride: places along a patch's side, and from patch to patch.
    """

    channels: Channels
    white: Tensor
    on: Tensor
    mean: Tensor
    factor: Tensor
    size: int
    stride: int

    @cached_property
    def bank(self) -> Bank:
        """The style's patches."""
        return Bank([patches_of(self.white, self.size, self.stride, mask=self.on)])

    def choice(self, x: Tensor, own: Moments) -> Tensor:
        """The number of the style's patch that is most like each of a content's, x (1, C, h, w)
        with these moments: (h + size − 1, w + size − 1), from those of which only the last place
        is in x. Beyond the border x is repeated, so that as many patches cover every place."""
        edge, (height, width) = self.size - 1, x.shape[2:]
        columns = torch.arange(-edge, width + edge, device=x.device).clamp(0, width - 1)
        found = []
        for top in range(0, height + edge, ROWS):
            last = min(top + ROWS, height + edge)
            rows = torch.arange(top - edge, last, device=x.device).clamp(0, height - 1)
            seen = x.index_select(2, rows).index_select(3, columns)
            found.append(self.bank.nearest(whitened(self.channels, seen, own)[0]))
        return torch.cat(found)

    def decorated(self, x: Tensor, choice: Tensor, rows: slice, columns: slice) -> Tensor:
        """The part x (1, C, h, w) of a content at these rows and columns, made up of the patches
        that were chosen and in the style's colours."""
        edge = self.size - 1
        there = (slice(s.start + edge, s.stop + edge) for s in (rows, columns))
        white = self.bank.built(choice, *there).unsqueeze(0)
        matrix = (self.channels.size[:, None] * self.factor).unsqueeze(0)
        heard = times(matrix, white, (self.channels.size * self.mean).unsqueeze(0))
        return self.channels.replaced(x, heard)


def whitened(channels: Channels, x: Tensor, own: Moments) -> Tensor:
    """The heard channels (1, N, h, w) of features x (1, C, h, w) without their mean and
    covariance."""
    mean, covariance = own
    matrix = whitening(covariance)
    shift = -(matrix @ mean.unsqueeze(2))[..., 0]
    return times(matrix.float(), channels.of(x), shift.float())


def kept_of(channels: Channels, x: Tensor, own: Moments, on: Tensor) -> dict[str, Tensor]:
    """What is kept of a style with features x (1, C, h, w) that count where `on`, with the moments
    there."""
    white = whitened(channels, x, own)[0] * on
    mean, factor = colours_of(own)
    return dict(zip(KEPT, (white, on.float(), mean, factor), strict=True))


def decorator_of(
    channels: Channels, kept: Mapping[str, Tensor], size: int, stride: int
) -> Decorator:
    """The inverse of `kept_of`."""
    factor = whole(kept["factor"], len(channels.heard))
    on = kept["on"] > 0.5
    return Decorator(channels, kept["white"], on, kept["mean"], factor, size, stride)


def has_shapes(kept: Mapping[str, Any], channels: int) -> bool:
    """Whether these are tensors as `kept_of` makes them of a level with that many channels."""
    if not all(isinstance(kept.get(name), Tensor) for name in KEPT):
        return False
    white, on = kept["white"], kept["on"]
    return (
        white.dim() == 3
        and len(white) == channels
        and on.shape == white.shape[1:]
        and kept["mean"].shape == (channels,)
        and kept["factor"].shape == (channels * (channels + 1) // 2,)
        and bool(torch.isfinite(white).all())
    )
