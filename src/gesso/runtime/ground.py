"""Empty ground in one colour (`gesso.fitting.ground`, in numpy)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gesso.images.arrays import Pixels
from gesso.runtime.sampling import bilinear, smaller, window_sums

WINDOW, SOFT = 1 / 16, 1 / 64  # of the longer side
LEAST_PX, MOST_GROUNDS, NEAREST, MOST_PIXELS = 17, 8, 1 / 4, 800_000
LEVELS, ALIKE = 1.5 / 255, 8 / 255
LEAST_SHARE, LEAST_BORDER = 1 / 16, 1 / 6


def grounds(photo: Pixels) -> list[tuple[Pixels, Any]]:
    """Where a photo (3, H, W) is empty: the colour (3, 1) of each ground and its places (H, W)."""
    left, size = _flat_windows(photo), _window(photo)
    found = []
    for _ in range(MOST_GROUNDS):
        if not left.any():
            break
        values = photo[:, left]
        middle = (values.shape[1] - 1) // 2
        color = np.partition(values, middle, axis=1)[:, middle, None]
        alike = np.abs(photo - color[:, :, None]).max(0) <= ALIKE
        ours, left = left & alike, left & ~alike
        if _is_ground(ours):
            near = _highest(ours[None].astype(np.float32), size)[0] > 0
            found.append((color, near & alike))
    return found


def emptied(painted: Pixels, photo: Pixels) -> Pixels:
    """A painted picture (3, H, W) with every ground of its photo in one colour painted there."""
    photo = smaller(photo, MOST_PIXELS)
    found = grounds(photo)
    if not found:
        return painted
    small = smaller(painted, MOST_PIXELS)
    calm = small.copy()
    for color, places in found:
        calm[:, places] = _nearest(small[:, places], color)
    share = _softly(np.any([places for _, places in found], axis=0))
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


def _window(photo: Pixels) -> int:
    return _odd(max(LEAST_PX, WINDOW * max(photo.shape[1:])))


def _flat_windows(photo: Pixels) -> Any:
    size = _window(photo)
    block = min(size // 4 + 1, *photo.shape[1:])
    if not _flat(_blocks(photo, block) + _blocks(-photo, block)).any():
        return np.zeros(photo.shape[1:], bool)
    flat = _flat(_highest(photo, size) + _highest(-photo, size))
    return _highest(flat[None].astype(np.float32), size)[0] > 0


def _is_ground(places: Any) -> bool:
    edges = np.concatenate([places[0], places[-1], places[:, 0], places[:, -1]])
    return bool(places.mean() >= LEAST_SHARE and edges.mean() >= LEAST_BORDER)


def _softly(places: Any) -> Pixels:
    edge = _odd(SOFT * max(places.shape))
    inner = 1 - _highest(1 - places[None].astype(np.float32), edge + 2)
    pads = ((0, 0), (edge // 2,) * 2, (edge // 2,) * 2)
    share: Pixels = (window_sums(np.pad(inner, pads, mode="edge"), edge) / edge**2).astype(
        np.float32
    )
    return share


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
