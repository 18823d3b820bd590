"""Pictures as tensors: `gesso.images` for torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.errors import GessoError
from gesso.images import read
from gesso.images.arrays import LUMA, pixels
from gesso.images.read import MAX_BYTES, MAX_PIXELS, PictureLike
from gesso.images.resize import target_size

__all__ = ["LUMA", "PictureLike", "luminance", "read_image", "resize"]


def read_image(
    source: PictureLike,
    *,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Tensor:
    """The colours of a picture, (3, H, W) float32 in [0, 1], RGB, sRGB-encoded.

    Args:
        source: a path, the bytes of a picture file, a binary file object, a Pillow image, or an
            array or tensor: uint8 (H, W, 3), or floating-point (3, H, W) or (1, 3, H, W) in
            [0, 1]. A floating-point tensor keeps its device and its gradient.
        size: length of the longer side in px to scale to; None keeps the picture's own.
        max_pixels: width × height allowed, of the picture and of the result.
        max_bytes: size of the file allowed.

    Raises:
        GessoError: a file that cannot be read, or numbers that are no picture.
    """
    if isinstance(source, Tensor) and source.is_floating_point():
        pixels("image", source)  # checked as arrays are
        image = source.reshape(source.shape[-3:]).float().clamp(0, 1)
        return image if size is None else resize(image, size)
    array = read.read_image(source, size=size, max_pixels=max_pixels, max_bytes=max_bytes)
    return torch.from_numpy(array)


def resize(image: Tensor, size: int) -> Tensor:
    """Scale (3, H, W) or (B, 3, H, W) until the longer side is `size` px; antialiased bicubic.

    The aspect ratio is kept, nothing is cropped, and values are clamped to [0, 1]. Differentiable.

    Raises:
        GessoError: `size` is no whole number from 1, or `image` is not of three or four
            dimensions.
    """
    if image.ndim not in (3, 4) or 0 in image.shape:
        shape = tuple(image.shape)
        raise GessoError(f"image: shape {shape} cannot be resized; (3, H, W) or (B, 3, H, W) can")
    height, width = image.shape[-2:]
    target = target_size((height, width), size)
    if target == (height, width):
        return image.clamp(0, 1)
    batch = image if image.ndim == 4 else image[None]
    scaled = F.interpolate(batch, target, mode="bicubic", antialias=True, align_corners=False)
    return scaled.clamp(0, 1).reshape(*image.shape[:-2], *target)


def luminance(image: Tensor) -> Tensor:
    """(…, 1, H, W) of (…, 3, H, W), in [0, 1]."""
    weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device).reshape(3, 1, 1)
    return (weights * image).sum(-3, keepdim=True)
