"""How far pictures of different noise are from each other (Ulyanov et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from gesso.nn.precision import widen

SMALLEST = 1e-4  # root mean square difference that cannot be told from none


def nearness(images: Tensor, copies: int) -> Tensor:
    """Minus the logarithm of the distance to the nearest other picture, (B,).

    Its mean is, but for a constant and the number of pixels, minus the estimate of Kozachenko and
    Leonenko (1987) of the entropy of the pictures' distribution: what lowers it spreads them.

    Args:
        images: (B, C, H, W); the distance is the root mean square difference of their numbers.
        copies: runs of so many are compared among themselves, as of one photo; at least 2.
    """
    groups = widen(images).reshape(-1, copies, images[0].numel())
    apart = (groups[:, :, None] - groups[:, None]).square().mean(3)
    own = torch.eye(copies, dtype=torch.bool, device=images.device)
    nearest = apart.masked_fill(own, torch.inf).amin(2)
    return -0.5 * (nearest + SMALLEST**2).log().reshape(-1)
