"""What was done to a small copy of a picture, carried over to the picture itself.

What the small copy cannot show of a photo, its finest detail, belongs in the large picture where
the change kept it, at outlines, and nowhere else: it would show as photographic texture, and as
noise, below soft paint. How much was kept is measured on the finest detail that the copy can show:
in every window, the share of it that what was made has in common with the copy (after the local
affine models of He et al. 2013, "Guided Image Filtering", on a band instead of the whole picture).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.fitting.pyramid import bands
from gesso.nn.strips import Striped, resized_rows
from gesso.reports import look

WINDOW_PX = 9  # of the small copy, in which detail is compared
LEAST = 1e-9  # energy of detail that cannot be told from none
LOOKED_AT = 2_000_000  # pixels of a copy for who watches
MOST = 1.5  # times the photo's detail: outlines may get stronger, but no halo


def at_most(pixels: int, image: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`change` of a picture (1, 3, H, W) in [0, 1]; one of more than so many pixels is changed in a
    smaller copy, and what changed there is `carried` over."""
    if image.shape[-2] * image.shape[-1] <= pixels:
        return change(image)
    small = smaller(image, pixels)
    return carried(image, small, change(small))


def coarse_to_fine(copies: Sequence[Striped], change: Callable[[int, Striped], Striped]) -> Striped:
    """What `change`, which takes the number of a copy and where to begin, makes of the last of some
    copies of a picture, each larger than the one before: each begins with what was made of the one
    before, `carried` over."""
    before = picture = copies[0]
    for number, copy in enumerate(copies):
        begun = carried_over(copy, before.whole(), picture.whole()) if number else copy
        before, picture = copy, change(number, begun)
        look(partial(_copied, picture))
    return picture


def _copied(picture: Striped) -> Tensor:
    return smaller_copy(picture, LOOKED_AT).clone()


def smaller(image: Tensor, pixels: int) -> Tensor:
    """(1, 3, H, W) with so many pixels or a few less; the ratio of sides kept."""
    if image.shape[-2] * image.shape[-1] <= pixels:
        return image
    return smaller_copy(Striped.of(image), pixels)


def smaller_copy(picture: Striped, pixels: int) -> Tensor:
    """(1, 3, h, w) of a picture, with so many pixels or a few less, or with all it has."""
    scale = math.sqrt(pixels / picture.pixels)
    if scale >= 1:
        return picture.whole()
    height, width = (max(1, int(n * scale)) for n in (picture.height, picture.width))
    return picture.shrunk(height, width)


@torch.no_grad()
def carried(image: Tensor, small: Tensor, changed: Tensor) -> Tensor:
    """A picture (1, 3, H, W) in [0, 1], changed as its `smaller` copy was: (1, 3, H, W) in [0, 1].

    Where nothing changed it stays as it is, and where all changed by the same, so does it. Detail
    that the copy cannot show is kept as far as `kept` says.
    """
    return carried_over(Striped.of(image), small, changed).whole()


@torch.no_grad()
def carried_over(picture: Striped, small: Tensor, changed: Tensor) -> Striped:
    """`carried`, for a picture of any size: strips are made when they are asked for."""
    shares = kept(small, changed)

    def change(image: Tensor, rows: slice) -> Tensor:
        size = (picture.height, picture.width)
        detail = image - resized_rows(small, *size, rows, "bicubic")
        detail *= resized_rows(shares, *size, rows)
        return detail.add_(resized_rows(changed, *size, rows, "bicubic")).clamp_(0, 1)

    return picture.changed(change)


def kept(small: Tensor, changed: Tensor) -> Tensor:
    """How much of a picture's finest detail is still there after a change, from (1, 3, h, w) before
    and after: (1, 3, h, w), from −MOST (turned over) through 0 (nothing) to 1 (all) and MOST.

    That is the slope by which the detail after depends on the detail before in a window, times the
    share of it that is so explained: detail of the change's own is no reason to keep any.
    """
    before, after = bands(small, 1)[0], bands(changed, 1)[0]
    both, own, new = (_windowed(p) + LEAST for p in (before * after, before**2, after**2))
    return (both / own * both.square() / (own * new)).clamp(-MOST, MOST)


def _windowed(x: Tensor) -> Tensor:
    edge = WINDOW_PX // 2
    for window, around in (((WINDOW_PX, 1), (edge, 0)), ((1, WINDOW_PX), (0, edge))):
        x = F.avg_pool2d(x, window, 1, around, count_include_pad=False)
    return x
