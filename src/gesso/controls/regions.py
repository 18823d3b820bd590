"""Regions of a picture with a style each: masks → shares, and pictures put together by them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.controls.options import check_masks
from gesso.errors import OptionError
from gesso.nn.masks import as_mask
from gesso.nn.strips import Striped, resized_rows

WIDEST_FEATHER_PX = 64  # that is blurred pixel by pixel


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
    shares, cover = striped_shares(masks, styles, height, width, feather)
    return shares.whole()[0], cover.whole()[0]


def striped_shares(
    masks: Sequence[Tensor], styles: int, height: int, width: int, feather: float = 0.0
) -> tuple[Striped, Striped]:
    """`region_shares` for a picture of any size: shares (1, K, H, W) and the cover (1, 1, H, W).

    Raises:
        GessoError: as `region_shares` does.
    """
    check_masks(len(masks), styles)
    if not 0 <= feather < math.inf:
        raise OptionError("feather", f"{feather} px; allowed are numbers from 0")
    soft = [_softened(_fitted(mask, height, width), feather) for mask in masks]

    def stack(rows: slice) -> Tensor:
        found = [one.at(rows) for one in soft]
        if len(found) < styles:
            found.append((1 - sum(found, torch.zeros(()))).clamp(min=0))
        return torch.cat(found, 1)

    def shares(rows: slice) -> Tensor:
        parts = stack(rows)
        total = parts.sum(1, keepdim=True)
        return torch.where(total > 0, parts / total.clamp(min=1e-12), 1 / styles)

    def cover(rows: slice) -> Tensor:
        return stack(rows).sum(1, keepdim=True).clamp(max=1)

    return Striped(height, width, shares), Striped(height, width, cover)


def _fitted(mask: Tensor, height: int, width: int) -> Striped:
    """A mask of any size and ratio of sides, stretched to a picture's."""
    found = as_mask(mask).unsqueeze(0)
    return Striped(height, width, lambda rows: resized_rows(found, height, width, rows).clamp(0, 1))


def _softened(mask: Striped, feather: float) -> Striped:
    """Blurred by a Gaussian of deviation feather / 2, cut off at three deviations; a wide one is
    taken at a smaller scale, where it is as smooth and costs next to nothing."""
    shrink = feather / WIDEST_FEATHER_PX
    if shrink <= 1:
        return _blurred(mask, feather)
    height, width = (max(1, round(n / shrink)) for n in (mask.height, mask.width))
    fewer = Striped.of(mask.shrunk(height, width, area=True))
    small = _blurred(fewer, WIDEST_FEATHER_PX).whole()
    return mask.changed(lambda _, rows: resized_rows(small, mask.height, mask.width, rows))


def _blurred(mask: Striped, feather: float) -> Striped:
    reach = round(1.5 * feather)
    if reach < 1:
        return mask
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (places / (feather / 2)) ** 2)
    kernel = kernel / kernel.sum()

    def at(rows: slice) -> Tensor:
        above, below = max(0, reach - rows.start), max(0, rows.stop + reach - mask.height)
        seen = mask.at(slice(rows.start - reach + above, rows.stop + reach - below, 1))
        padded = F.pad(seen, (reach, reach, above, below), mode="replicate")
        columns = F.conv2d(padded, kernel.reshape(1, 1, 1, -1))
        found = F.conv2d(columns, kernel.reshape(1, 1, -1, 1)).clamp(0, 1)
        return found[:, :, :: rows.step]

    return Striped(mask.height, mask.width, at)
