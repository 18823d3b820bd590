"""Picture files → arrays. Only here are 0–255, EXIF orientation, profiles and alpha dealt with.

A picture is a float32 array (3, H, W): sRGB-encoded RGB in [0, 1]. Its transparency, where it has
any, is a second one (1, H, W), 0 transparent to 1 opaque. `docs/images.md` states every rule.
`gesso.nn.pictures` is the same for tensors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from gesso.errors import GessoError
from gesso.images import apart, exif
from gesso.images.arrays import Pixels, as_numbers, is_array, pixels
from gesso.images.decode import MAX_PIXELS, check_pixels, decoded, one_line
from gesso.images.profiles import float_grey, grey_to_srgb, keyed_alpha, to_srgb
from gesso.images.quiet import quiet_pillow
from gesso.images.resize import resize, target_size
from gesso.images.source import MAX_BYTES, Source

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "Levels",
    "Photo",
    "PictureLike",
    "read_image",
    "read_levels",
    "read_photo",
]

PictureLike = Source | Image.Image | Any
"""A path, a picture file's bytes, a binary file object, a Pillow image, or an array or tensor:
uint8 (H, W, 3), or floating-point (3, H, W) in [0, 1]."""

_PATH_OR_BYTES = (str, os.PathLike, bytes, bytearray, memoryview)
STRIP_PIXELS = 1 << 22  # whose colours are converted at a time
# How an upright array (H, W, …) is seen as the pixels of a file lie, by EXIF orientation.
_AS_STORED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
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


@dataclass(frozen=True)
class Levels:
    """A picture that was read, in a quarter of the memory that a `Photo` takes.

    Attributes:
        rgb: (H, W, 3) uint8; of a picture with more than 256 levels (3, H, W) float32 in [0, 1].
        alpha: (H, W, 1) uint8, or None; colours are white where it is 0.
        exif: as in `Photo`.
    """

    rgb: NDArray[Any]
    alpha: NDArray[np.uint8] | None = None
    exif: bytes = b""

    @property
    def photo(self) -> Photo:
        """The same in numbers."""
        rgb = self.rgb if self.rgb.dtype == np.float32 else as_numbers(self.rgb)
        return Photo(rgb, None if self.alpha is None else as_numbers(self.alpha), self.exif)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        shape = self.rgb.shape[:2] if self.rgb.dtype == np.uint8 else self.rgb.shape[1:]
        return shape[0], shape[1]


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
    limits: dict[str, Any] = {"max_pixels": max_pixels, "max_bytes": max_bytes}
    return read_levels(source, size=size, frame=frame, **limits).photo


def read_levels(
    source: PictureLike,
    *,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    frame: int | None = None,
) -> Levels:
    """Read as `read_photo` does, but keep bytes where the file has no more than bytes."""
    if is_array(source):
        return Levels(_scaled(pixels("image", source), size, max_pixels))
    target_size((1, 1), size)  # a size that makes no sense is refused before anything is read
    decoders = apart.current()
    if decoders is not None and _is_file(source):
        limits: dict[str, Any] = {"max_pixels": max_pixels, "max_bytes": max_bytes}
        return received(*decoders.ask("photo", source, size=size, frame=frame, **limits))
    with _loaded(source, size, max_pixels, max_bytes, frame) as image:
        target = target_size(image.size, size)
        check_pixels(source, target, max_pixels)
        orientation, block = _orientation(image), exif.cleaned(image.info.get("exif"))
        icc = image.info.get("icc_profile")
        flat = image
        if image.mode.startswith("I") or image.mode == "F":
            flat = _flat(image)
        if flat.size != target:
            # Pillow weights colours by alpha here, so that what is hidden does not bleed out.
            flat = _flat(flat).resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if flat.mode == "F":
            out = _empty(flat, orientation, 0, np.float32)
            _AS_STORED[orientation](out)[...] = np.asarray(flat)
            return Levels(grey_to_srgb(out, icc), None, block)
        return Levels(*_colour_and_alpha(flat, orientation, icc), block)


def _is_file(source: PictureLike) -> TypeGuard[Source]:
    return isinstance(source, _PATH_OR_BYTES) or hasattr(source, "read")


def received(head: Mapping[str, Any], parts: Sequence[bytearray]) -> Levels:
    """The picture that the answer of `gesso.images.apart.Decoders` to "photo" holds."""
    block, rgb, *alpha = parts
    return Levels(
        np.frombuffer(rgb, head["type"]).reshape(head["shape"]),
        np.frombuffer(alpha[0], np.uint8).reshape(*head["shape"][:2], 1) if alpha else None,
        bytes(block),
    )


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


def _orientation(image: Image.Image) -> int:
    """EXIF's, 1 to 8; EXIF that cannot be read is no reason to refuse a photo."""
    if image.format == "TIFF":  # Pillow has already turned it upright
        return 1
    try:
        found = image.getexif().get(exif.ORIENTATION, 1)
        return found if found in _AS_STORED else 1
    except Exception:
        return 1


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


def _colour_and_alpha(
    image: Image.Image, orientation: int, icc: bytes | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """RGB (H, W, 3) and alpha (H, W, 1), upright. Colours are converted in strips, so that a large
    picture is there twice at most: as Pillow has it, and as what is returned."""
    rgb, alpha = _empty(image, orientation, 3, np.uint8), None
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        flat = _flat(image.crop((0, top, image.width, bottom)))
        here = _AS_STORED[orientation](rgb)[top:bottom]
        if flat.mode not in ("LA", "RGBA"):
            here[...] = np.asarray(to_srgb(flat, icc))
            continue
        if alpha is None:
            alpha = _empty(image, orientation, 1, np.uint8)
        here[...] = np.asarray(to_srgb(flat.convert(flat.mode[:-1]), icc))
        opacity = np.asarray(flat.getchannel("A"))
        here[opacity == 0] = 255
        _AS_STORED[orientation](alpha)[top:bottom, :, 0] = opacity
    return rgb, alpha


def _empty(image: Image.Image, orientation: int, channels: int, dtype: Any) -> NDArray[Any]:
    """An upright array for a picture, (H, W, channels), or (H, W) for none."""
    sides = (image.height, image.width) if orientation < 5 else image.size
    return np.empty((*sides, channels) if channels else sides, dtype)
