"""Empty ground: places where a photo shows nothing, such as the white behind a product.

Matching finds a place of the style for every place of a photo, and so paints waves or a sky into
emptiness. There only a colour of what it painted is kept: the one nearest to the photo's.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Ground = Literal["calm", "painted"]
"""Whether empty places get one colour or stay as painted."""

WINDOW = 1 / 16  # of the longer side: what is flat in a smaller window is a part of something
LEAST_PX = 17  # and never a smaller window than this
LEVELS = 1.5 / 255  # lowest to highest value in a window; no photographed place is as flat
ALIKE = 8 / 255  # ground within this of a colour is one ground
MOST_GROUNDS = 8
NEAREST = 1 / 4  # of a ground's painted places, whose mean colour it gets
SOFT = 1 / 64  # of the longer side: width of the ground's edge


def ground(photo: Tensor) -> Tensor:
    """Where a photo (1, 3, H, W) is empty: (1, 1, H, W), 1 there and 0 elsewhere."""
    size = _odd(max(LEAST_PX, WINDOW * max(photo.shape[-2:])))
    spread = _highest(photo, size) + _highest(-photo, size)
    flat = (spread.amax(1, keepdim=True) <= LEVELS).to(photo.dtype)
    return _highest(flat, size)


@torch.no_grad()
def emptied(painted: Tensor, photo: Tensor) -> Tensor:
    """A painted picture (1, 3, H, W) with every ground of its photo in one colour painted there;
    what surrounds the grounds stays, with a soft edge."""
    left = ground(photo)
    if not left.any():
        return painted
    edge = _odd(SOFT * max(photo.shape[-2:]))
    inner = 1 - _highest(1 - left, edge)
    share = F.avg_pool2d(F.pad(inner, (edge // 2,) * 4, mode="replicate"), edge, 1)
    calm = painted.clone()
    for _ in range(MOST_GROUNDS):
        if not left.any():
            break
        places = left[0, 0] > 0
        color = photo[0, :, places].median(1).values
        same = (photo[0] - color[:, None, None]).abs().amax(0) <= ALIKE
        calm[0, :, same & places] = _nearest(painted[0, :, same & places], color[:, None])
        left = left * ~same
    return torch.lerp(painted, calm, share)


def _nearest(colors: Tensor, wanted: Tensor) -> Tensor:
    """The mean (3, 1) of those among colours (3, N) that are nearest to the `wanted` (3, 1)."""
    distances = (colors - wanted).square().sum(0)
    order = distances.argsort()[: max(1, int(NEAREST * len(distances)))]
    return colors[:, order].mean(1, keepdim=True)


def _highest(x: Tensor, size: int) -> Tensor:
    """The highest value in the window of odd `size` around every place."""
    return F.max_pool2d(x, size, 1, size // 2)


def _odd(size: float) -> int:
    return 2 * int(size / 2) + 1
