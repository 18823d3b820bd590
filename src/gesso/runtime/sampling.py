"""Pictures (C, H, W) at other sizes, and means over windows, as torch's controls compute them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gesso.images.arrays import Pixels

STEEP = -0.75  # of the cubic, as torch has it


def bilinear(image: Pixels, height: int, width: int) -> Pixels:
    """(C, height, width), antialiased where it shrinks."""
    size, how = (width, height), Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(one).resize(size, how)) for one in image])


def antialiased(image: Pixels, height: int, width: int) -> Pixels:
    """(C, height, width) in [0, 1], by the antialiased cubic."""
    if (height, width) == image.shape[1:]:
        return image
    size, how = (width, height), Image.Resampling.BICUBIC
    made = np.stack([np.asarray(Image.fromarray(one).resize(size, how)) for one in image])
    return made.clip(0, 1)


def smaller(image: Pixels, pixels: int) -> Pixels:
    """With so many pixels or a few less; the ratio of sides kept."""
    scale = math.sqrt(pixels / (image.shape[1] * image.shape[2]))
    if scale >= 1:
        return image
    return bilinear(image, *(max(1, int(n * scale)) for n in image.shape[1:]))


def bicubic(image: Pixels, height: int, width: int) -> Pixels:
    """(C, height, width) of a smaller picture."""
    for axis, size in ((1, height), (2, width)):
        image = _lengthened(image, axis, size)
    return image


def _lengthened(image: Pixels, axis: int, size: int) -> Pixels:
    own = image.shape[axis]
    at = (np.arange(size) + 0.5) * (own / size) - 0.5
    first = np.floor(at).astype(np.int64)
    shape = [-1 if i == axis else 1 for i in range(3)]
    total: Pixels | None = None
    for tap in (-1, 0, 1, 2):
        weight = _cubic(np.abs(at - first - tap)).astype(np.float32).reshape(shape)
        part = np.take(image, (first + tap).clip(0, own - 1), axis) * weight
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def _cubic(x: Pixels) -> Pixels:
    near = ((STEEP + 2) * x - (STEEP + 3)) * x * x + 1
    far = ((STEEP * x - 5 * STEEP) * x + 8 * STEEP) * x - 4 * STEEP
    return np.where(x <= 1, near, far)


def area_means(image: Pixels, height: int, width: int) -> Pixels:
    """(C, height, width) of the means over areas that together cover (C, H, W)."""
    for axis, size in ((2, width), (1, height)):
        rows = image.swapaxes(0, axis)
        own = rows.shape[0]
        first = np.arange(size) * own // size
        last = -(-(np.arange(1, size + 1) * own) // size)
        total = np.cumsum(rows, 0, dtype=np.float64)
        total = np.concatenate([np.zeros_like(total[:1]), total])
        count = (last - first)[:, None, None]
        image = ((total[last] - total[first]) / count).astype(np.float32).swapaxes(0, axis)
    return image


def window_sums(image: Pixels, size: int) -> NDArray[np.float64]:
    """The sums over windows of size × size, (C, H − size + 1, W − size + 1)."""
    sums = image.astype(np.float64)
    for axis in (1, 2):
        rows = sums.swapaxes(0, axis)
        total = np.concatenate([np.zeros_like(rows[:1]), np.cumsum(rows, 0)])
        sums = (total[size:] - total[:-size]).swapaxes(0, axis)
    return sums


def window_means(image: Pixels, size: int) -> Pixels:
    """The mean over the window of odd `size` around every place, of what lies in the picture."""
    edge = ((0, 0), (size // 2,) * 2, (size // 2,) * 2)
    total = window_sums(np.pad(image, edge), size)
    count = window_sums(np.pad(np.ones_like(image[:1]), edge), size)
    return (total / count).astype(np.float32)
