"""Loss term against flicker: what is nearly the same photo becomes nearly the same picture.

No video is needed for it, and no flow: two frames of one thing are a photo, and the same photo
moved by some px, with other noise and in another light (after Zheng et al. 2016, "Improving the
robustness of deep neural networks via stability training").
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NOISE = 0.03  # deviation at most; 8 steps of 255
LIGHT = 0.05  # by which share of it the light changes at most
SHIFT = 8  # px; by less the photo is moved, of any grid that a network has


def disturbed(photos: Tensor, generator: torch.Generator) -> Tensor:
    """Photos (B, 3, H, W) with noise, and in another light, each by an amount of its own."""
    amounts = torch.rand(2, len(photos), 1, 1, 1, generator=generator)
    noise = torch.randn(photos.shape, generator=generator)
    light, grain = 1 + LIGHT * (2 * amounts[0] - 1), NOISE * amounts[1]
    return (photos * light.to(photos) + (grain * noise).to(photos)).clamp(0, 1)


def unsteadiness(
    paint: Callable[[Tensor, tuple[int, int]], Tensor],
    photos: Tensor,
    pictures: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Mean squared difference, (B,), of the pictures of photos and of the same photos disturbed.

    Args:
        paint: makes pictures of photos which it moves down and right by so many px, and back.
        photos, pictures: (B, 3, H, W) in [0, 1].
    """
    down, right = torch.randint(SHIFT, (2,), generator=generator).tolist()
    again = paint(disturbed(photos, generator), (down, right))
    return (again - pictures).square().mean((1, 2, 3))
