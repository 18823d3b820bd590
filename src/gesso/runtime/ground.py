"""Empty ground in one colour (`gesso.fitting.ground`, in numpy)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gesso.images.arrays import Pixels
from gesso.runtime.sampling import bilinear, smaller, window_sums

WINDOW, SOFT = 1 / 16, 1 / 64  # of the longer side
LEAST_PX, MOST_GROUNDS, NEAREST, MOST_PIXELS = 17, 8, 1 / 4, 800_000
LEVELS, ALIKE = 1.5 / 255, 8 / 255


def ground(photo: Pixels) -> Any:
    """Where a photo (3, H, W) is empty: (H, W) bool."""
    size = _odd(max(LEAST_PX, WINDOW * max(photo.shape[1:])))
    block = min(size // 4 + 1, *photo.shape[1:])
    if not _flat(_blocks(photo, block) + _blocks(-photo, block)).any():
        return np.zeros(photo.shape[1:], bool)
    flat = _flat(_highest(photo, size) + _highest(-photo, size))
    return _highest(flat[None].astype(np.float32), size)[0] > 0


def emptied(painted: Pixels, photo: Pixels) -> Pixels:
    """A painted picture (3, H, W) with every ground of its photo in one colour painted there."""
    photo = smaller(photo, MOST_PIXELS)
    left = ground(photo)
    if not left.any():
        return painted
    small = smaller(painted, MOST_PIXELS)
    edge = _odd(SOFT * max(photo.shape[1:]))
    inner = 1 - _highest(1 - left[None].astype(np.float32), edge)
    pads = ((0, 0), (edge // 2,) * 2, (edge // 2,) * 2)
    share = (window_sums(np.pad(inner, pads, mode="edge"), edge) / edge**2).astype(np.float32)
    calm = small.copy()
    for _ in range(MOST_GROUNDS):
        if not left.any():
            break
        values = photo[:, left]
        middle = (values.shape[1] - 1) // 2
        color = np.partition(values, middle, axis=1)[:, middle, None]
        same = left & (np.abs(photo - color[:, :, None]).max(0) <= ALIKE)
        calm[:, same] = _nearest(small[:, same], color)
        left &= ~same
    size = painted.shape[1:]
    if small is not painted:
        share, calm = bilinear(share, *size), bilinear(calm, *size)
    return painted + share * (calm - painted)


def _nearest(colors: Pixels, wanted: Pixels) -> Pixels:
    """The mean (3, 1) of those among colours (3, N) that are nearest to the `wanted` (3, 1)."""
    distances = ((colors - wanted) ** 2).sum(0)
    order = distances.argsort(kind="stable")[: max(1, int(NEAREST * len(distances)))]
    mean: Pixels = colors[:, order].mean(1, keepdims=True)
    return mean


def _flat(spread: Pixels) -> Any:
    return spread.max(0) <= LEVELS


def _blocks(x: Pixels, size: int) -> Pixels:
    """The highest value in every whole block of size × size."""
    channels, height, width = x.shape
    h, w = height // size, width // size
    parts = x[:, : h * size, : w * size].reshape(channels, h, size, w, size)
    highest: Pixels = parts.max((2, 4))
    return highest


def _highest(x: Pixels, size: int) -> Pixels:
    """The highest value in the window of odd `size` around every place."""
    edge = ((0, 0), (size // 2,) * 2, (size // 2,) * 2)
    x = np.pad(x, edge, constant_values=-np.inf)
    for axis in (1, 2):
        x, reach = x.swapaxes(axis, 0), 1
        while reach < size:
            step = min(reach, size - reach)
            x = np.maximum(x[:-step], x[step:])
            reach += step
        x = x.swapaxes(axis, 0)
    return x


def _odd(size: float) -> int:
    return 2 * int(size / 2) + 1
