"""OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab): lightness and two opponent
colours in which equal distances look about equal."""

from __future__ import annotations

import torch
from torch import Tensor

from gesso.graphs.drawing import CONES, LAB


def to_oklab(image: Tensor) -> Tensor:
    """(…, 3, H, W) of sRGB-encoded RGB in [0, 1] → L in [0, 1], a and b within about ±0.4."""
    encoded = image.clamp(0, 1)
    linear = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    cones = _mixed(linear, _matrix(CONES, image))
    return _mixed(cones ** (1 / 3), _matrix(LAB, image))


def from_oklab(lab: Tensor) -> Tensor:
    """The inverse of `to_oklab`; colours that sRGB does not have are clipped to [0, 1]."""
    cones = _mixed(lab, torch.linalg.inv(_matrix(LAB, lab))) ** 3
    linear = _mixed(cones, torch.linalg.inv(_matrix(CONES, lab))).clamp(0, 1)
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curved)


def _matrix(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


def _mixed(image: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,...jhw->...ihw", matrix, image)
