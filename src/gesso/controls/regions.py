"""Regions of a picture with a style each: masks → shares, and pictures put together by them."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.controls.color import luminance
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.images.read import MAX_PIXELS, PictureLike, read_photo
from gesso.images.source import name_of

log = logging.getLogger(__name__)

ONE_COLOUR = 0.02  # of luminance: what compression makes of a colour
WIDEST_FEATHER_PX = 64  # that is blurred pixel by pixel


def read_mask(source: PictureLike, max_pixels: int = MAX_PIXELS) -> Tensor:
    """(H, W) in [0, 1] of a picture: its luminance; what is transparent is off. In a cut-out, which
    has transparent parts and else one colour, the colour does not count: what shows is on.

    A mask that is off everywhere is named in a warning.

    Raises:
        GessoError: a picture that cannot be read.
    """
    photo = read_photo(source, max_pixels=max_pixels)
    mask = luminance(torch.from_numpy(photo.rgb))
    if photo.alpha is not None:
        alpha = torch.from_numpy(photo.alpha)
        seen = mask[alpha > 0]
        cut_out = len(seen) > 0 and bool((alpha < 1).any())
        one_colour = cut_out and float(seen.max() - seen.min()) <= ONE_COLOUR
        mask = alpha if one_colour else mask * alpha
    if float(mask.max()) < 1 / 255:
        log.warning("%s: a mask that is off everywhere; white is on", shown(name_of(source)))
    return mask[0]


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
    fitted = [_softened(_fitted(mask, height, width), feather) for mask in masks]
    if len(fitted) < styles:
        fitted.append((1 - sum(fitted, torch.zeros(1, height, width))).clamp(min=0))
    stack = torch.cat(fitted)
    total = stack.sum(0, keepdim=True)
    shares = torch.where(total > 0, stack / total.clamp(min=1e-12), 1 / styles)
    return shares, total.clamp(max=1)


def _fitted(mask: Tensor, height: int, width: int) -> Tensor:
    if not isinstance(mask, Tensor):
        mask = _as_tensor(mask)
    mask = mask.detach().float().cpu()
    if mask.dim() == 2:
        mask = mask.unsqueeze(0)
    if mask.dim() != 3 or len(mask) != 1 or 0 in mask.shape:
        raise GessoError(f"mask: shape {tuple(mask.shape)} is none; (H, W) or (1, H, W) is")
    if not bool(torch.isfinite(mask).all()):
        raise GessoError("mask: values that are not numbers; allowed are 0 to 1")
    size = (height, width)
    if mask.shape[1:] != size:
        scaled = F.interpolate(mask.unsqueeze(0), size, mode="bilinear", antialias=True)
        mask = scaled[0]
    return mask.clamp(0, 1)


def _as_tensor(mask: Any) -> Tensor:
    try:
        return torch.tensor(mask)
    except (TypeError, ValueError, RuntimeError):
        allowed = "(H, W) in [0, 1], which gesso.read_mask makes of a file"
        raise GessoError(f"mask: a {type(mask).__name__}; allowed is {allowed}") from None


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
