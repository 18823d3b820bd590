"""Regions of a picture with a style each: masks → shares, and pictures put together by them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.errors import OptionError
from gesso.nn.masks import fitted

WIDEST_FEATHER_PX = 64  # that is blurred pixel by pixel


def check_masks(masks: int, styles: int) -> None:
    """Raises GessoError where there is not one mask a style, or one fewer."""
    if masks in (styles, styles - 1):
        return
    fewer = f", or {styles - 1} (the last style takes the rest)" if styles > 1 else ""
    raise OptionError("mask", f"{masks} given, for {styles} styles; allowed are {styles}{fewer}")


def region_shares(
    masks: Sequence[Tensor], styles: int, height: int, width: int, feather: float = 0.0
) -> tuple[Tensor, Tensor]:
    """What share of every pixel is each style's, and what share is stylized at all.

    Args:
        masks: (h, w) or (1, h, w) in [0, 1], of any size and ratio of sides: stretched to the
            picture's, with antialiasing. As many as styles, or one fewer: the last style then
            takes what the others leave.
        styles: their number K.
        height, width: of the picture in px.
        feather: width in px over which edges are softened: twice the deviation of a Gaussian.

    Returns:
        Shares (K, H, W) that sum to 1 at every pixel, and the cover (1, H, W) in [0, 1]: masks
        that sum to less than 1 leave the rest to the photo, those that sum to more are scaled.

    Raises:
        GessoError: a wrong number of masks, or tensors that are none.
    """
    check_masks(len(masks), styles)
    if not 0 <= feather < math.inf:
        raise OptionError("feather", f"{feather} px; allowed are numbers from 0")
    soft = [_softened(fitted(mask, height, width), feather) for mask in masks]
    if len(soft) < styles:
        soft.append((1 - sum(soft, torch.zeros(1, height, width))).clamp(min=0))
    stack = torch.cat(soft)
    total = stack.sum(0, keepdim=True)
    shares = torch.where(total > 0, stack / total.clamp(min=1e-12), 1 / styles)
    return shares, total.clamp(max=1)


def _softened(mask: Tensor, feather: float) -> Tensor:
    """(1, H, W), blurred by a Gaussian of deviation feather / 2, cut off at three deviations; a
    wide one is taken at a smaller scale, where it is as smooth and costs next to nothing."""
    shrink = feather / WIDEST_FEATHER_PX
    if shrink <= 1:
        return _blurred(mask, feather)
    size = [max(1, round(n / shrink)) for n in mask.shape[1:]]
    small = F.interpolate(mask.unsqueeze(0), size, mode="area")[0]
    blurred = _blurred(small, WIDEST_FEATHER_PX).unsqueeze(0)
    return F.interpolate(blurred, mask.shape[1:], mode="bilinear")[0]


def _blurred(mask: Tensor, feather: float) -> Tensor:
    reach = round(1.5 * feather)
    if reach < 1:
        return mask
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (places / (feather / 2)) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(mask.unsqueeze(0), [reach] * 4, mode="replicate")
    rows = F.conv2d(padded, kernel.reshape(1, 1, 1, -1))
    return F.conv2d(rows, kernel.reshape(1, 1, -1, 1))[0].clamp(0, 1)
