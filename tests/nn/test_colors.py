"""Colours moved by a linear map have the mean and covariance asked for."""

from __future__ import annotations

import torch

from gesso.nn.colors import Colors


def noisy(channels: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(channels, channels, generator=generator)
    pixels = torch.randn(channels, 40 * 40, generator=generator, dtype=torch.float32)
    return (0.2 * mixed @ pixels + torch.rand(channels, 1, generator=generator)).view(-1, 40, 40)


def test_mean_and_covariance_are_the_targets_for_two_channels_and_for_three() -> None:
    for channels in (2, 3):
        image, target = noisy(channels, 1), Colors.of(noisy(channels, 2))
        found = Colors.of(Colors.of(image).moved(image, target))
        torch.testing.assert_close(found.mean, target.mean, atol=1e-5, rtol=0)
        torch.testing.assert_close(found.covariance, target.covariance, atol=1e-5, rtol=1e-4)
