"""Sliced Wasserstein distance of the patches of two pictures, over a pyramid (Rabin et al. 2011,
"Wasserstein Barycenter and Its Application to Texture Mixing"; patches, pyramid and number of
levels as in Karras et al. 2018, "Progressive Growing of GANs"). No network sees anything here."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.fitting.pyramid import resized

SIDE_PX = 7  # of a patch (Karras et al.)
SMALLEST_PX = 16  # longer side of the coarsest level (Karras et al.)
DIRECTIONS = 128  # a patch is projected on (Karras et al.: in each of their four repetitions)
MOST_PATCHES = 16384  # of a level, evenly spread
QUANTILES = 1024  # of a direction's projections that are compared
FAINTEST = 1 / 255  # a level's least unit: one step of 8 bits
SEED = 0

Slices = Sequence[Tensor]
"""Sorted projections (DIRECTIONS, QUANTILES) of the patches of every level, the finest first."""


@torch.inference_mode()
def slices(image: Tensor) -> Slices:
    """What is compared of a picture (3, H, W) in [0, 1]."""
    directions = _directions().to(image.device)
    return [_sorted(level, directions) for level in levels(image)]


def sliced_distances(picture: Slices, style: Slices) -> list[float]:
    """The distance of every level, the finest first: the mean over directions of the Wasserstein-1
    distance of the projections, in units of the root mean square of both pictures' projections, so
    that all levels weigh alike: about 1 where one picture has what the other lacks altogether. Both
    have one longer side."""
    found = []
    for ours, theirs in zip(picture, style, strict=True):
        unit = torch.stack([ours, theirs]).square().mean().sqrt()
        found.append(float((ours - theirs).abs().mean() / unit.clamp_min(FAINTEST)))
    return found


def levels(image: Tensor) -> list[Tensor]:
    """The bands (1, 3, h, w) of a picture's Laplacian pyramid, the finest first, and what is left
    of it at about 16 px. Pictures of one longer side have as many levels."""
    found, rest = [], image.unsqueeze(0)
    for _ in range(round(math.log2(max(1, max(image.shape[-2:]) / SMALLEST_PX)))):
        height, width = rest.shape[-2:]
        half = resized(rest, max(1, height // 2), max(1, width // 2))
        found.append(rest - resized(half, height, width))
        rest = half
    return [*found, rest]


def _directions() -> Tensor:
    """(DIRECTIONS, 3, 7, 7) of length 1."""
    drawn = torch.randn(
        DIRECTIONS, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(SEED)
    )
    return F.normalize(drawn.flatten(1), dim=1).view_as(drawn)


def _sorted(level: Tensor, directions: Tensor) -> Tensor:
    """Sorted projections of the patches of a level, brought to one length. A level smaller than a
    patch has its border repeated."""
    height, width = (max(0, SIDE_PX - n) for n in level.shape[-2:])
    level = F.pad(level, (width // 2, -(-width // 2), height // 2, -(-height // 2)), "replicate")
    count = (level.shape[-2] - SIDE_PX + 1) * (level.shape[-1] - SIDE_PX + 1)
    stride = max(1, round((count / MOST_PATCHES) ** 0.5))
    found = F.conv2d(level, directions, stride=stride)[0].flatten(1).cpu().numpy()
    in_order = torch.from_numpy(np.sort(found, axis=1))  # ten times as fast as torch's
    return F.interpolate(in_order.unsqueeze(0), QUANTILES, mode="linear")[0]
