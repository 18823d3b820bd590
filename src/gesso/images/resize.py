"""Pictures at other sizes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from gesso.errors import OptionError
from gesso.images.arrays import Pixels


def target_size(size: tuple[int, int], longer: int | None) -> tuple[int, int]:
    """`size` scaled so that its longer side is `longer`; no side falls below one pixel.

    Raises:
        OptionError: `longer` is no whole number from 1.
    """
    if longer is None:
        return size
    if type(longer) is not int or longer < 1:
        raise OptionError("size", f"{longer} px is not a size; allowed are whole numbers from 1")
    scale = longer / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(image: Pixels, size: int) -> Pixels:
    """Scale (C, H, W) in [0, 1] until the longer side is `size` px; antialiased (Lanczos).

    The aspect ratio is kept, nothing is cropped, and values are clamped to [0, 1].

    Raises:
        OptionError: `size` is no whole number from 1.
    """
    height, width = target_size((image.shape[1], image.shape[2]), size)
    if (height, width) == image.shape[1:]:
        return image
    scaled = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.LANCZOS)
        for channel in image
    ]
    return np.stack([np.asarray(channel) for channel in scaled]).clip(0, 1)
