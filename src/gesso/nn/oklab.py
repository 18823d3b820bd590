"""OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab): lightness and two opponent
colours in which equal distances look about equal."""

from __future__ import annotations

import torch
from torch import Tensor

# Linear sRGB → cone responses, and their cube roots → L, a, b (the page's, for sRGB's white).
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def to_oklab(image: Tensor) -> Tensor:
    """(…, 3, H, W) of sRGB-encoded RGB in [0, 1] → L in [0, 1], a and b within about ±0.4."""
    encoded = image.clamp(0, 1)
    linear = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    cones = _mixed(linear, _matrix(_CONES, image))
    return _mixed(cones ** (1 / 3), _matrix(_LAB, image))


def from_oklab(lab: Tensor) -> Tensor:
    """The inverse of `to_oklab`; colours that sRGB does not have are clipped to [0, 1]."""
    cones = _mixed(lab, torch.linalg.inv(_matrix(_LAB, lab))) ** 3
    linear = _mixed(cones, torch.linalg.inv(_matrix(_CONES, lab))).clamp(0, 1)
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curved)


def _matrix(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


def _mixed(image: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,...jhw->...ihw", matrix, image)
