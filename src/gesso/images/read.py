"""Picture files → arrays. Only here are 0–255, EXIF orientation, profiles and alpha dealt with.

A picture is a float32 array (3, H, W): sRGB-encoded RGB in [0, 1]. Its transparency, where it has
any, is a second one (1, H, W), 0 transparent to 1 opaque. `docs/images.md` states every rule.
`gesso.nn.pictures` is the same for tensors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from gesso.errors import GessoError
from gesso.images import apart, exif
from gesso.images.arrays import Pixels, is_array, pixels
from gesso.images.decode import MAX_PIXELS, check_pixels, decoded, one_line
from gesso.images.profiles import float_grey, grey_to_srgb, keyed_alpha, to_srgb
from gesso.images.quiet import quiet_pillow
from gesso.images.resize import resize, target_size
from gesso.images.source import MAX_BYTES, Source

__all__ = ["MAX_BYTES", "MAX_PIXELS", "Photo", "PictureLike", "read_image", "read_photo"]

PictureLike = Source | Image.Image | Any
"""A path, a picture file's bytes, a binary file object, a Pillow image, or an array or tensor:
uint8 (H, W, 3), or floating-point (3, H, W) in [0, 1]."""

_PATH_OR_BYTES = (str, os.PathLike, bytes, bytearray, memoryview)
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
    """A picture that was read.

    Attributes:
        rgb: (3, H, W) float32 in [0, 1], sRGB-encoded, upright, not multiplied by alpha. White
            where alpha is 0: files store anything there, and it is not part of the picture.
        alpha: (1, H, W) float32 in [0, 1], or None when the file has no transparency.
        exif: the file's EXIF block without orientation and thumbnail, b"" if there is none. It is
            written only when given to `write_image(..., metadata=photo.exif)`.
    """

    rgb: Pixels
    alpha: Pixels | None = None
    exif: bytes = b""


def read_image(
    source: PictureLike,
    *,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Pixels:
    """The colours of a picture, (3, H, W) float32 in [0, 1]: `read_photo(...).rgb`."""
    return read_photo(source, size=size, max_pixels=max_pixels, max_bytes=max_bytes).rgb


def read_photo(
    source: PictureLike,
    *,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    frame: int | None = None,
) -> Photo:
    """Read a JPEG, PNG, WebP, AVIF, HEIF, TIFF, BMP, GIF or JPEG 2000.

    Args:
        source: a path, the bytes of a file or a file object, whose format is known by its
            bytes, whatever its name; a Pillow image; or an array or tensor, uint8 (H, W, 3) or
            floating-point (3, H, W) in [0, 1].
        size: length of the longer side in px to scale to, down or up, without cropping and with
            antialiasing; None keeps the picture's own size.
        max_pixels: width × height allowed, of the picture and of the result.
        max_bytes: size of the file allowed.
        frame: which picture of an animation or of several pages, from 0; None: the first (in a
            HEIF the main one), with a logged warning that names the file if there are others.

    Raises:
        GessoError: one line that names the file, if it is missing, too large, of another format,
            damaged or truncated; nothing is ever filled in for pixels a file does not hold. For
            arrays, a line that says what is allowed.
    """
    if is_array(source):
        return Photo(_scaled(pixels("image", source), size, max_pixels))
    target_size((1, 1), size)  # a size that makes no sense is refused before anything is read
    decoders = apart.current()
    if decoders is not None and _is_file(source):
        limits: dict[str, Any] = {"max_pixels": max_pixels, "max_bytes": max_bytes}
        return received(*decoders.ask("photo", source, size=size, frame=frame, **limits))
    with _loaded(source, size, max_pixels, max_bytes, frame) as image:
        target = target_size(image.size, size)
        check_pixels(source, target, max_pixels)
        upright, block = _orientation(image), exif.cleaned(image.info.get("exif"))
        flat = _flat(image)
        if flat.size != target:
            # Pillow weights colours by alpha here, so that what is hidden does not bleed out.
            flat = flat.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if upright is not None:
            flat = flat.transpose(upright)
        icc = image.info.get("icc_profile")
        if flat.mode == "F":
            return Photo(grey_to_srgb(np.asarray(flat), icc), None, block)
        return Photo(*_colour_and_alpha(flat, icc), block)


def _is_file(source: PictureLike) -> TypeGuard[Source]:
    return isinstance(source, _PATH_OR_BYTES) or hasattr(source, "read")


def received(head: Mapping[str, Any], parts: Sequence[bytearray]) -> Photo:
    """The photo that the answer of `gesso.images.apart.Decoders` to "photo" holds."""
    block, *arrays = parts
    shapes = [shape for shape in (head["shape"], head["alpha"]) if shape is not None]
    found = [np.frombuffer(a, np.float32).reshape(s) for a, s in zip(arrays, shapes, strict=True)]
    return Photo(found[0], found[1] if len(found) > 1 else None, bytes(block))


@contextmanager
def _loaded(
    source: PictureLike, size: int | None, max_pixels: int, max_bytes: int, frame: int | None
) -> Iterator[Image.Image]:
    """Yield a Pillow image whose pixels are there; what Pillow raises becomes one line."""
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", "") or "the picture"
        check_pixels(name, source.size, max_pixels)
        with quiet_pillow(max_pixels), one_line(name, source.format or source.mode, max_pixels):
            if frame is not None:
                source.seek(frame)
            source.load()
            yield source
    elif _is_file(source):
        draft = partial(_draft, size=size)
        limits: dict[str, Any] = {"max_pixels": max_pixels, "max_bytes": max_bytes}
        with decoded(source, **limits, frame=frame, prepare=draft) as image:
            yield image
    else:
        allowed = "a path, bytes, a binary file, a Pillow image, an array or a tensor"
        raise GessoError(f"image: {type(source).__name__} is no picture; allowed is {allowed}")


def _scaled(image: Pixels, size: int | None, max_pixels: int) -> Pixels:
    height, width = image.shape[1:]
    check_pixels("image", (width, height), max_pixels)
    check_pixels("image", target_size((width, height), size), max_pixels)
    return image if size is None else resize(image, size)


def _draft(image: ImageFile, size: int | None) -> None:
    """Let libjpeg decode at 1/2, 1/4 or 1/8, never below twice what is wanted: up to 4× faster."""
    if size is not None and image.format in ("JPEG", "MPO"):
        width, height = target_size(image.size, 2 * size)
        if width < image.size[0]:
            image.draft(None, (width, height))


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """What turns the picture upright; EXIF that cannot be read is no reason to refuse a photo."""
    if image.format == "TIFF":  # Pillow has already done it
        return None
    try:
        return _UPRIGHT.get(image.getexif().get(exif.ORIENTATION, 1))
    except Exception:
        return None


def _flat(image: Image.Image) -> Image.Image:
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


def _colour_and_alpha(flat: Image.Image, icc: bytes | None) -> tuple[Pixels, Pixels | None]:
    if flat.mode not in ("LA", "RGBA"):
        return _array(to_srgb(flat, icc)), None
    rgb = _array(to_srgb(flat.convert(flat.mode[:-1]), icc))
    alpha = _array(flat.getchannel("A"))
    rgb[:, alpha[0] == 0] = 1.0
    return rgb, alpha


def _array(image: Image.Image) -> Pixels:
    """An 8-bit picture of mode L or RGB as float32 (C, H, W) in [0, 1]."""
    values = np.asarray(image).reshape(image.height, image.width, -1)
    channels = np.empty((values.shape[2], *values.shape[:2]), np.float32)
    for c, channel in enumerate(channels):  # in one pass each: half the time of permute and divide
        np.divide(values[..., c], np.float32(255), out=channel)
    return channels
