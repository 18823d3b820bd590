"""A photo's light and shade, given back to a drawn picture (`gesso.fitting.shading`, in numpy)."""

from __future__ import annotations

import numpy as np

from gesso.graphs.drawing import COUNT, FINEST
from gesso.images.arrays import Pixels
from gesso.runtime.carry import SMALLEST_PX
from gesso.runtime.sampling import bilinear


def shaded(picture: Pixels, photo: Pixels, share: float) -> Pixels:
    """(3, H, W) in [0, 1] whose lightness has gone `share` of the way to that of a photo of its
    size, in all bands of detail of more than `FINEST`; hues stay."""
    if not share:
        return picture
    missing = np.float32(share) * (photo.mean(0, keepdims=True) - picture.mean(0, keepdims=True))
    kept, least = bands(missing), FINEST * max(picture.shape[1:])
    found = np.zeros_like(kept[-1])  # what is left, and larger than all bands, is the painting's
    for number, band in reversed(list(enumerate(kept[:-1]))):
        found = bilinear(found, *band.shape[1:])
        found = found + band if 2 ** (number + 1) >= least else found
    return (picture + found).clip(0, 1)


def bands(image: Pixels) -> list[Pixels]:
    """Up to COUNT bands of detail of (C, H, W), the finest first, and what is left."""
    found = []
    for _ in range(COUNT):
        height, width = image.shape[1:]
        if min(height, width) < SMALLEST_PX:
            break
        half = bilinear(image, height // 2, width // 2)
        found.append(image - bilinear(half, height, width))
        image = half
    return [*found, image]
