"""Structural similarity (Wang et al. 2004, "Image quality assessment")."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.nn.pictures import luminance

WINDOW, SIGMA = 11, 1.5  # px, of the Gaussian window (section III-B)
K1, K2 = 0.01, 0.03  # of the constants that keep the quotients finite, for values in [0, 1]


def ssim(a: Tensor, b: Tensor) -> float:
    """Mean structural similarity of two pictures (3, H, W) of one size, on their luminance; 1 for
    equal ones. Windows lie wholly inside the picture; one smaller than 11 px has a window of its
    own size.

    Raises:
        ValueError: pictures of different sizes.
    """
    if a.shape != b.shape:
        raise ValueError(f"pictures of shapes {tuple(a.shape)} and {tuple(b.shape)}")
    x, y = (luminance(image.double())[0] for image in (a, b))
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x = _windowed(x * x) - mean_x**2
    variance_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return float(similarity.mean())


def _windowed(values: Tensor) -> Tensor:
    """The Gaussian mean around every position whose window fits: (H, W) → (H − 10, W − 10)."""
    rows, columns = (_gaussian(n).to(values.device) for n in values.shape)
    across = F.conv2d(values[None, None], columns.view(1, 1, 1, -1))
    return F.conv2d(across, rows.view(1, 1, -1, 1))[0, 0]


def _gaussian(side: int) -> Tensor:
    """Weights (at most 11) that sum to 1."""
    count = min(WINDOW, side)
    position = torch.arange(count, dtype=torch.float64) - (count - 1) / 2
    weights = torch.exp(-(position**2) / (2 * SIGMA**2))
    return weights / weights.sum()
