"""Perceptual losses as pure functions of feature maps and pictures. Every divisor is stated, since
loss weights only carry over between codebases that share divisors and input range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from gesso.encoders.levels import LEVELS
from gesso.nn.gram import gram
from gesso.nn.precision import widen

Features = Mapping[str, Tensor]
"""Feature maps (B, C, H, W) by level."""

Encode = Callable[[Tensor, Sequence[str]], Features]
"""An encoder: pictures (B, 3, H, W) in [0, 1] and levels → their features."""

Seen = Callable[[int, Sequence[str]], Features]
"""How often styles (S, 3, H, W) are shrunk and levels → their features then."""


def gram_matrix(features: Tensor) -> Tensor:
    """(B, C, H, W) → (B, C, C): F Fᵀ divided by C·H·W (Johnson et al. 2016), float32."""
    batch, channels, height, width = features.shape
    f = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    return gram(f) / (channels * height * width)


def grams(features: Features, levels: Sequence[str] = LEVELS) -> dict[str, Tensor]:
    """The Gram matrix (B, C, C) of each level."""
    return {level: gram_matrix(features[level]) for level in levels}


def channel_statistics(features: Tensor) -> Tensor:
    """(B, C, H, W) → (B, 2·C): every channel's mean, then every channel's standard deviation
    (divisor H·W), in float32. (Li et al. 2017, "Demystifying neural style transfer".)"""
    f = widen(features.permute(0, 2, 3, 1).reshape(features.shape[0], -1, features.shape[1]))
    mean = f.mean(1)
    variance = f.square().mean(1) - mean.square()
    return torch.cat([mean, (variance.clamp_min(0) + 1e-6).sqrt()], 1)


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, per image: (B, C, H, W) → (B,)."""
    down = (image[..., 1:, :] - image[..., :-1, :]).square().mean((1, 2, 3))
    right = (image[..., :, 1:] - image[..., :, :-1]).square().mean((1, 2, 3))
    return down + right


def saturation(raw: Tensor) -> Tensor:
    """How far values before the sigmoid leave [−4, 4] (0.018 to 0.982 after it), squared, per
    image: (B, C, H, W) → (B,). Outside that range the sigmoid passes on no gradient, and a
    blown-out patch would stay white whatever the style."""
    return (raw.abs() - 4).clamp_min(0).square().mean((1, 2, 3))


def mean_squared_error(a: Tensor, b: Tensor) -> Tensor:
    """Mean over all but the first axis: (B, …) → (B,), in float32."""
    return _sum_of_squares(widen(a) - widen(b)) / a[0].numel()


def relative_squared_error(a: Tensor, b: Tensor) -> Tensor:
    """‖a − b‖² / ‖b‖² over all but the first axis: (B, …) → (B,); free of units and scale."""
    error = _sum_of_squares(widen(a) - widen(b))
    return error / _sum_of_squares(widen(b)).clamp_min(1e-12)


def _sum_of_squares(x: Tensor) -> Tensor:
    """Per image; x is not flattened first, which would copy a channels_last map."""
    return x.square().sum(tuple(range(1, x.dim())))


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of weighted terms, each (B,)."""
    return torch.stack(list(terms.values())).sum(0)


def beyond_range(raw: Tensor) -> Tensor:
    """How far values leave [0, 1], squared, per image: (B, C, H, W) → (B,)."""
    return (raw - raw.clamp(0, 1)).square().mean((1, 2, 3))
