"""Numbers → picture files. The format is the extension's; the file is whole or not there."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gesso.disk.atomic import StrPath, atomic_write
from gesso.errors import GessoError, OptionError
from gesso.images.arrays import Pixels, as_numbers, checked, pixels
from gesso.images.exif import for_picture
from gesso.images.heif import pillow_heif
from gesso.images.resize import resize
from gesso.images.source import name_of, problem

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
WRITE_SUFFIXES = tuple(_FORMATS)
"""File name endings, in lower case, that `write_image` has a format for."""

HEIF_SUFFIXES = tuple(suffix for suffix, kind in _FORMATS.items() if kind == "HEIF")

_ALLOWED = ", ".join(WRITE_SUFFIXES)

# Qualities of equal fidelity: each keeps a photograph to about 39 dB. Colour at full resolution
# (4:4:4) where the format has it, as not in lossy WebP: halving it smears saturated strokes.
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 92, "subsampling": "4:4:4"},
    "WEBP": {"quality": 95, "use_sharp_yuv": True},
    "AVIF": {"quality": 85, "subsampling": "4:4:4"},
    "HEIF": {"quality": 60, "chroma": 444, "enc_params": {"preset": "fast"}},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    # Of painted pixels hardly any repeat but those beside each other: it takes a third of the time
    # of looking for more, and the files are as large.
    "PNG": {"compress_type": Image.RLE},
    "BMP": {},
}
# Pillow imports every plugin it has for one of a format that it has not imported yet.
_PLUGINS = {
    "WEBP": "PIL.WebPImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
}
_OPAQUE = ("JPEG", "BMP")
STRIP_PIXELS = 1 << 20  # that are numbers at a time


def write_image(
    target: StrPath | IO[bytes],
    image: Any,
    *,
    alpha: Any = None,
    quality: int | None = None,
    metadata: bytes | None = None,
    format: str | None = None,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write a picture as JPEG, PNG, WebP, AVIF, HEIF, TIFF or BMP, 8 bits a channel, sRGB.

    A file appears under its name only when it is complete; what was there before is replaced.

    Args:
        target: the file, in a folder that exists; or a file object open for writing bytes.
        image: (3, H, W), or a batch of one, floating-point RGB in 0 to 1; or uint8 (H, W, 3). An
            array or a tensor.
        alpha: (1, H, W) in [0, 1], or uint8 (H, W, 1); kept by PNG, WebP, AVIF, HEIF and TIFF. JPEG
            and BMP, which have none, show the picture on white.
        quality: 1 to 100 for JPEG (default 92), WebP (95), AVIF (85) and HEIF (60); the others are
            lossless and not affected.
        metadata: an EXIF block to put in, as `Photo.exif`, with the size and colour space of this
            picture; by default the file holds none (BMP cannot hold any).
        format: one of `WRITE_SUFFIXES`, with or without its dot; None: by the file's extension.
        texts: keyword → text that a PNG keeps; other formats do not.

    Raises:
        GessoError: an unknown format, a missing folder, a quality out of range, numbers of another
            shape, type or range, or a file that cannot be written.
    """
    kind = _kind(target, format)
    if quality is not None and not (type(quality) is int and 1 <= quality <= 100):
        raise OptionError("quality", f"{quality} is out of range; allowed are 1 to 100")
    picture = _picture(image, alpha, opaque=kind in _OPAQUE)
    options = dict(_OPTIONS[kind])
    if quality is not None and "quality" in options:
        options["quality"] = quality
    if metadata and kind != "BMP":
        options["exif"] = for_picture(metadata, *picture.size)
        options.pop("compression", None)  # through libtiff Pillow cannot write GPS tags
    if texts and kind == "PNG":
        options["pnginfo"] = _png_texts(texts)
    if isinstance(target, str | os.PathLike) and not Path(target).parent.is_dir():
        raise problem(target, "its folder does not exist; make it first")
    data = _encoded(target, picture, kind, options)
    if isinstance(target, str | os.PathLike):
        atomic_write(target, data)
        return
    try:
        target.write(data)
    except (OSError, TypeError, ValueError) as error:
        raise problem(target, f"cannot be written ({error})") from error


def eight_bits(image: Any, alpha: Any = None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of a picture (3, H, W) in [0, 1], or (H, W, 4) with alpha (1, H, W): what a
    lossless file of it holds."""
    found = checked("image", image)
    if found.dtype == np.uint8 and alpha is None:
        return found
    return np.asarray(_picture(found, alpha, opaque=False))


def _kind(target: StrPath | IO[bytes], format: str | None) -> str:
    """Pillow's name of the format."""
    if format is None and not isinstance(target, str | os.PathLike):
        named = Path(name_of(target)).suffix
        if not named:
            raise OptionError("format", f"needed for a file object; allowed are {_ALLOWED}")
        format = named
    suffix = Path(name_of(target)).suffix if format is None else f".{format.lstrip('.')}"
    kind = _FORMATS.get(suffix.lower())
    if kind is None:
        raise problem(target, f"no picture format for {suffix!r}; allowed are {_ALLOWED}")
    return kind


def _png_texts(texts: Mapping[str, str]) -> PngInfo:
    found = PngInfo()
    for keyword, text in texts.items():
        found.add_itxt(keyword, text)
    return found


def _encoded(target: object, picture: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    """The file's bytes. They are made in memory, so that libraries print no complaint of a full
    disk, and every failed write gets the same line."""
    buffer = io.BytesIO()
    try:
        if kind == "HEIF":
            pillow_heif(target).from_pillow(picture).save(buffer, **options)
        else:
            _import_plugin(kind)
            picture.save(buffer, format=kind, **options)
    except GessoError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise problem(target, f"cannot be written ({reason})") from error
    return buffer.getvalue()


def _import_plugin(kind: str) -> None:
    if kind in _PLUGINS:
        import_module(_PLUGINS[kind])


def _picture(image: Any, alpha: Any, *, opaque: bool) -> Image.Image:
    """An RGB or RGBA picture; on white if it has to be `opaque`. It is made in strips: the numbers
    of a large picture must not be there twice."""
    rgb = checked("image", image)
    a = None if alpha is None else checked("alpha", alpha, 1)
    height, width = _sides(rgb)
    if a is not None and _sides(a) != (height, width):
        sizes = f"{a.shape} and {rgb.shape}"
        raise GessoError(f"alpha: shapes {sizes} differ; both need the same height and width")
    rows = max(1, STRIP_PIXELS // width)
    if rows >= height:
        return Image.fromarray(_eight_bits(rgb, a, slice(0, height), opaque))
    picture = Image.new("RGB" if a is None or opaque else "RGBA", (width, height))
    for top in range(0, height, rows):
        strip = _eight_bits(rgb, a, slice(top, top + rows), opaque)
        picture.paste(Image.fromarray(strip), (0, top))
    return picture


def _sides(picture: NDArray[Any]) -> tuple[int, int]:
    """Height and width of what `checked` returns."""
    shape = picture.shape if picture.dtype == np.uint8 else picture.shape[1:]
    return shape[0], shape[1]


def _eight_bits(
    rgb: NDArray[Any], alpha: NDArray[Any] | None, rows: slice, opaque: bool
) -> NDArray[np.uint8]:
    """Some rows (n, W, 3 or 4) of a picture, rounded."""
    if alpha is None:
        return _bytes_of(rgb, rows)
    if not opaque:
        return np.concatenate([_bytes_of(rgb, rows), _bytes_of(alpha, rows)], 2)
    share = _numbers_of(alpha, rows)
    return _rounded(_numbers_of(rgb, rows) * share + (1 - share))


def _bytes_of(picture: NDArray[Any], rows: slice) -> NDArray[np.uint8]:
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture[rows])
    return _rounded(_numbers_of(picture, rows))


def _numbers_of(picture: NDArray[Any], rows: slice) -> Pixels:
    """(C, n, W) in [0, 1]."""
    if picture.dtype == np.uint8:
        return as_numbers(picture[rows])
    numbers: Pixels = np.clip(picture[:, rows], 0, 1).astype(np.float32, copy=False)
    return numbers


def _rounded(values: Pixels) -> NDArray[np.uint8]:
    """(C, H, W) in [0, 1] as 8 bits (H, W, C)."""
    rounded = np.rint(values * np.float32(255)).astype(np.uint8)
    return np.ascontiguousarray(rounded.transpose(1, 2, 0))


def thumbnail_bytes(image: Any, size_px: int = 96) -> bytes:
    """A WebP of (3, H, W) in [0, 1], scaled down (never up) to a longer side of `size_px`."""
    rgb = pixels("image", image)
    small = rgb if max(rgb.shape[1:]) <= size_px else resize(rgb, size_px)
    return webp_bytes(small, 75)


def webp_bytes(image: Any, quality: int) -> bytes:
    """A WebP of (3, H, W) in [0, 1]; quality 0 to 100."""
    buffer = io.BytesIO()
    _import_plugin("WEBP")
    _picture(image, None, opaque=True).save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()
