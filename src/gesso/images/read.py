"""Picture files ↔ tensors. Alone knows 0–255, EXIF orientation, colour profiles and alpha.

A picture is a float32 tensor (3, H, W): sRGB-encoded RGB in [0, 1]. Its transparency, where it has
any, is a second one (1, H, W), 0 transparent to 1 opaque. `docs/images.md` states every rule.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image
from PIL.ImageFile import ImageFile
from torch import Tensor
from torch.nn import functional as F

from gesso.errors import GessoError
from gesso.images.decode import (
    DECODER_ERRORS,
    MAX_BYTES,
    MAX_PIXELS,
    check_pixels,
    decoded,
)
from gesso.images.folders import list_images
from gesso.images.formats import SUFFIXES
from gesso.images.profiles import float_grey, grey_to_srgb, keyed_alpha, to_srgb
from gesso.images.write import WRITE_SUFFIXES, thumbnail_bytes, write_image

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "WRITE_SUFFIXES",
    "Photo",
    "list_images",
    "read_image",
    "read_photo",
    "resize",
    "thumbnail_bytes",
    "write_image",
]

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Photo:
    """A picture read from a file.

    Attributes:
        rgb: (3, H, W) float32 in [0, 1], sRGB-encoded, upright, not multiplied by alpha. White
            where alpha is 0: files store anything there, and it is not part of the picture.
        alpha: (1, H, W) float32 in [0, 1], or None when the file has no transparency.
        exif: the file's EXIF block without orientation and thumbnail, b"" if there is none. It is
            written only when handed to `write_image(..., metadata=photo.exif)`.
    """

    rgb: Tensor
    alpha: Tensor | None = None
    exif: bytes = b""


def read_image(
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Tensor:
    """The colours of a picture file, (3, H, W) float32 in [0, 1]: `read_photo(...).rgb`."""
    return read_photo(path, size=size, max_pixels=max_pixels, max_bytes=max_bytes).rgb


def read_photo(
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Photo:
    """Read a JPEG, PNG, WebP, AVIF, HEIF, TIFF, BMP or GIF (the first frame of an animation).

    Args:
        path: the file; its format is told from its bytes, whatever its name.
        size: length of the longer side in px to scale to, down or up, without cropping and with
            antialiasing; None keeps the picture's own size.
        max_pixels: width × height allowed, of the file and of the result.
        max_bytes: size of the file allowed.

    Raises:
        GessoError: one line that names the file, if it is missing, too large, of another format,
            damaged or truncated; nothing is ever filled in for pixels a file does not hold.
    """
    if size is not None and size < 1:
        raise GessoError(f"size: {size} px is not a size; allowed are whole numbers from 1")
    draft = partial(_draft, size=size)
    with decoded(path, max_pixels=max_pixels, max_bytes=max_bytes, prepare=draft) as image:
        target = _target(image.size, size)
        check_pixels(path, target, max_pixels)
        upright, exif = _orientation(image), _exif(image)
        flat = _flat(image)
        if flat.size != target:
            # Pillow weights colours by alpha here, so that what is hidden does not bleed out.
            flat = flat.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if upright is not None:
            flat = flat.transpose(upright)
        icc = image.info.get("icc_profile")
        if flat.mode == "F":
            return Photo(torch.from_numpy(grey_to_srgb(np.asarray(flat), icc)), None, exif)
        return Photo(*_colour_and_alpha(flat, icc), exif)


def _target(size: tuple[int, int], longer: int | None) -> tuple[int, int]:
    """`size` scaled so that its longer side is `longer`; no side falls below one pixel."""
    if longer is None:
        return size
    scale = longer / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _draft(image: ImageFile, size: int | None) -> None:
    """Lets libjpeg decode at 1/2, 1/4 or 1/8, never below twice what is wanted: up to 4× faster."""
    if size is not None and image.format in ("JPEG", "MPO"):
        width, height = _target(image.size, 2 * size)
        if width < image.size[0]:
            image.draft(None, (width, height))


def _orientation(image: ImageFile) -> Image.Transpose | None:
    """What turns the picture upright; EXIF that cannot be read is no reason to refuse a photo."""
    if image.format == "TIFF":  # Pillow has already done it
        return None
    try:
        return _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except DECODER_ERRORS:
        return None


def _exif(image: ImageFile) -> bytes:
    """The EXIF block, rewritten: only what Pillow understands, no orientation, no thumbnail."""
    block = image.info.get("exif")
    if not isinstance(block, bytes):
        return b""
    try:
        exif = Image.Exif()
        exif.load(block)
        exif.pop(_ORIENTATION, None)
        return exif.tobytes() if len(exif) else b""
    except DECODER_ERRORS:
        return b""


def _flat(image: ImageFile) -> Image.Image:
    """Mode L, LA, RGB, RGBA, CMYK (8 bits a channel) or F (grey in [0, 1]) of the same picture."""
    grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")
    key = image.info.get("transparency")
    if image.mode == "I;16" and key is not None:
        return keyed_alpha(image)
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        return keyed_alpha(image)
    if image.has_transparency_data:
        return image.convert("LA" if grey else "RGBA")
    if image.mode.startswith("I") or image.mode == "F":
        return float_grey(image)
    if image.mode == "CMYK":
        return image
    return image.convert("L" if grey else "RGB")


def _colour_and_alpha(flat: Image.Image, icc: bytes | None) -> tuple[Tensor, Tensor | None]:
    if flat.mode not in ("LA", "RGBA"):
        return _tensor(to_srgb(flat, icc)), None
    rgb = _tensor(to_srgb(flat.convert(flat.mode[:-1]), icc))
    alpha = _tensor(flat.getchannel("A"))
    return rgb.masked_fill_(alpha == 0, 1.0), alpha


def _tensor(image: Image.Image) -> Tensor:
    """An 8-bit picture of mode L or RGB as a float tensor (C, H, W) in [0, 1]."""
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    channels = np.empty((pixels.shape[2], *pixels.shape[:2]), np.float32)
    for c, channel in enumerate(channels):  # in one pass each: half the time of permute and divide
        np.divide(pixels[..., c], np.float32(255), out=channel)
    return torch.from_numpy(channels)


def resize(image: Tensor, size: int) -> Tensor:
    """Scale (3, H, W) or (B, 3, H, W) until the longer side is `size` px; antialiased bicubic.

    The aspect ratio is kept, nothing is cropped, and values are clamped to [0, 1]. Differentiable.

    Raises:
        GessoError: `size` is below 1, or `image` is not of three or four dimensions.
    """
    if size < 1:
        raise GessoError(f"size: {size} px is not a size; allowed are whole numbers from 1")
    if image.ndim not in (3, 4) or 0 in image.shape:
        shape = tuple(image.shape)
        raise GessoError(f"image: shape {shape} cannot be resized; (3, H, W) or (B, 3, H, W) can")
    height, width = image.shape[-2:]
    target = _target((height, width), size)
    if target == (height, width):
        return image.clamp(0, 1)
    batch = image if image.ndim == 4 else image[None]
    scaled = F.interpolate(batch, target, mode="bicubic", antialias=True, align_corners=False)
    return scaled.clamp(0, 1).reshape(*image.shape[:-2], *target)
