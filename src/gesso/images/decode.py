"""Untrusted picture files → decoded Pillow images, within limits, or one line that says why not.

Pictures come from strangers, so a file is judged before a parser sees it: its format by its first
bytes (never by its name), its size in bytes, and its size in pixels by its header. Only then is
Pillow's plugin for that one format started. Whatever goes wrong becomes a one-line `GessoError`.
"""

from __future__ import annotations

import importlib
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, cast

from PIL import Image
from PIL.ImageFile import ImageFile

from gesso.errors import GessoError
from gesso.images.formats import FORMATS, check_png, declared_size, sniff
from gesso.images.quiet import muted_stderr, quiet_pillow
from gesso.images.source import MAX_BYTES, Source, opened, problem

MAX_PIXELS = 100_000_000
"""Default pixel limit: phones' and cameras' pictures fit, as float32 in 1.2 GB."""
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    MemoryError,
    EOFError,
    RuntimeError,  # with NotImplementedError and RecursionError
    ArithmeticError,  # with OverflowError and ZeroDivisionError
    LookupError,  # with IndexError and KeyError
    AttributeError,
    AssertionError,
    struct.error,
    zlib.error,
    Warning,
)
"""All that Pillow and its plugins raise on bad files, as documented or as seen when fuzzing."""

# Each opened alone and imported when needed, not through Image.open: that imports other parsers,
# and applies Pillow's own global pixel limit, which warns where ours has to refuse.
_PLUGINS = {
    "JPEG": ("PIL.JpegImagePlugin", "jpeg_factory"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
}

# Without a handler of its own Pillow's log would reach stderr by logging's last resort.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextmanager
def decoded(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    prepare: Callable[[ImageFile], None] | None = None,
) -> Iterator[ImageFile]:
    """Yield the first picture of a file, decoded, not yet turned upright, colours unchanged.

    `prepare` is called with the opened picture after the limits were checked, before decoding.
    What Pillow raises inside the `with` block becomes a `GessoError`, too.

    Raises:
        GessoError: the file is missing, too large, of no allowed format, damaged or truncated.
    """
    with opened(source, max_bytes) as file:
        head = file.read(64 * 1024)
        kind = sniff(head)
        if kind is None:
            raise problem(source, f"not a picture gesso can read (allowed: {', '.join(FORMATS)})")
        check_pixels(source, declared_size(kind, head), max_pixels)
        with quiet_pillow(max_pixels), one_line(source, kind, max_pixels):
            with muted_stderr(kind == "TIFF"):
                image = _plugin(kind)(file)
                check_pixels(source, image.size, max_pixels)
                _check_whole(source, kind, file, image)
                if prepare is not None:
                    prepare(image)
                image.load()
            yield image


@contextmanager
def one_line(source: object, kind: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever a decoder raises into one `GessoError` line."""
    try:
        yield
    except GessoError:
        raise
    except Image.DecompressionBombError as error:  # of a frame; the file's own size was checked
        pixels = "".join(re.findall(r"\d+", str(error))[:1])
        text = f"{pixels} pixels, over the limit of {max_pixels} pixels (max_pixels)"
        raise problem(source, text) from error
    except MemoryError as error:
        raise problem(source, "not enough memory to decode this picture") from error
    except DECODER_ERRORS as error:
        # Some messages quote objects with their addresses, which differ from run to run.
        reason = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "file", str(error)) or type(error).__name__
        raise problem(source, f"damaged or unsupported {kind} file ({reason})") from error


def _plugin(kind: str) -> Callable[[IO[bytes]], ImageFile]:
    module, name = _PLUGINS[kind]
    opener = getattr(importlib.import_module(module), name)

    def opened(file: IO[bytes]) -> ImageFile:
        file.seek(0)
        return cast(ImageFile, opener(file))

    return opened


def check_pixels(source: object, size: tuple[int, int] | None, max_pixels: int) -> None:
    """Raises GessoError for a picture of more pixels than `max_pixels`."""
    if size is not None and size[0] * size[1] > max_pixels:
        text = f"{size[0]} × {size[1]} px, over the limit of {max_pixels} pixels (max_pixels)"
        raise problem(source, text)


def _check_whole(source: object, kind: str, file: IO[bytes], image: ImageFile) -> None:
    """Refuse what a decoder passes over in silence: a PNG cut short, a raw file's small preview."""
    if kind == "PNG":
        place = file.tell()
        check_png(file)
        file.seek(place)
    elif kind == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if 50706 in tags or tags.get(254, 0) & 1:  # DNGVersion; NewSubfileType: reduced
            raise problem(source, "a camera's raw file (or a preview): convert it to TIFF or JPEG")
