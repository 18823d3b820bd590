"""What was done to a small copy, carried over to the picture (`gesso.fitting.carry`, in numpy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gesso.images.arrays import Pixels
from gesso.runtime.sampling import bicubic, bilinear, smaller, window_means

SMALLEST_PX, WINDOW_PX = 8, 9  # of a side with detail; of the window in which it is compared
LEAST, MOST = 1e-9, 1.5


def at_size(pixels: int, image: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """`change` of (3, H, W), made in a smaller or a larger copy of so many pixels."""
    height, width = image.shape[1:]
    if pixels == height * width:
        return change(image)
    if pixels > height * width:
        share = (pixels / (height * width)) ** 0.5
        large = bicubic(image, round(share * height), round(share * width)).clip(0, 1)
        return bilinear(change(large), height, width)
    small = smaller(image, pixels)
    return carried(image, small, change(small))


def carried(image: Pixels, small: Pixels, changed: Pixels) -> Pixels:
    """(3, H, W) in [0, 1], changed as its smaller copy was, one channel at a time."""
    size, shares, out = image.shape[1:], kept(small, changed), np.empty_like(image)
    for i in range(len(image)):
        one = slice(i, i + 1)
        detail = image[one] - bicubic(small[one], *size)
        detail *= bilinear(shares[one], *size)
        detail += bicubic(changed[one], *size)
        out[one] = detail.clip(0, 1)
    return out


def kept(small: Pixels, changed: Pixels) -> Pixels:
    """How much of the finest detail is still there after the change, from −MOST to MOST."""
    before, after = _detail(small), _detail(changed)
    products = (before * after, before**2, after**2)
    both, own, new = (window_means(p, WINDOW_PX) + np.float32(LEAST) for p in products)
    share: Pixels = both / own * both**2 / (own * new)
    return share.clip(-MOST, MOST)


def _detail(image: Pixels) -> Pixels:
    height, width = image.shape[1:]
    if min(height, width) < SMALLEST_PX:
        return image
    return image - bilinear(bilinear(image, height // 2, width // 2), height, width)
