"""The channels of features that carry something, each in units of its size.

Of a small encoder many never do: of the compact one's 256 at relu4_1 some 150. Covariances, and
what is kept of them, are those of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from gesso.nn.covariance import Moments, mean_and_covariance, times
from gesso.nn.precision import widen

SILENT = 0.01  # of the mean size of a level's channels: what is below carries nothing


@dataclass(frozen=True)
class Channels:
    """Those of a level that carry something.

    Attributes:
        heard: their indices (N,).
        size: what each of them is divided by, (N,), so that eigenvalues are of about 1, as with
            the VGG of AdaIN's and WCT's authors, which is scaled so itself.
        count: how many the level has.
    """

    heard: Tensor
    size: Tensor
    count: int

    def moments(self, x: Tensor) -> Moments:
        """μ (B, N) and covariance (B, N, N), float64, of features (B, C, h, w)."""
        return self.scaled(mean_and_covariance(x))

    def scaled(self, moments: Moments) -> Moments:
        """μ (B, N) and covariance (B, N, N) of those of all channels, as features have them."""
        mean, covariance = moments
        heard, size = self.heard, self.size.double()
        rows = covariance[:, heard][:, :, heard]
        return mean[:, heard] / size, rows / size / size[:, None]

    def of(self, x: Tensor) -> Tensor:
        """The heard channels (B, N, h, w) of features (B, C, h, w), float32."""
        seen = widen(x) if len(self.heard) == self.count else widen(x[:, self.heard])
        return seen / self.size[:, None, None]

    def mapped(self, x: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
        """Features (B, C, h, w) whose heard channels are matrix·x + shift; in float32."""
        matrix, shift = self.size[:, None] * matrix / self.size, self.size * shift
        if len(self.heard) == self.count:
            return times(matrix, x, shift)
        return self.replaced(x, times(matrix, x[:, self.heard], shift))

    def replaced(self, x: Tensor, heard: Tensor) -> Tensor:
        """Features (B, C, h, w) whose heard channels are those given, (B, N, h, w), in float32."""
        if len(self.heard) == self.count:
            return heard
        wide = widen(x).clone()
        wide[:, self.heard] = heard
        return wide


class Heard(nn.Module):
    """A module that knows which channels of some levels carry something.

    Args:
        widths: channels by level.
    """

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__()
        for level, width in widths.items():
            self.register_buffer(f"heard_{level}", torch.ones(width))

    def scale(self, level: str) -> Tensor:
        """The size (C,) of every channel."""
        raise NotImplementedError

    def channels(self, level: str) -> Channels:
        """The channels of a level that carry something."""
        heard, size = self._heard(level).nonzero()[:, 0], self.scale(level)
        return Channels(heard, size[heard], len(size))

    @torch.no_grad()
    def listen(self, level: str, features: Tensor) -> None:
        """The silent channels of a level are those of `features` (B, C, h, w) from now on."""
        size = widen(features).square().mean((0, 2, 3)).sqrt()
        self._heard(level).copy_(size > SILENT * size.mean())

    def _heard(self, level: str) -> Tensor:
        return cast(Tensor, getattr(self, f"heard_{level}"))
