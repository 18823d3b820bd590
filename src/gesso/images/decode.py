"""Untrusted picture files → decoded Pillow images, within limits, or one line that says why not.

Pictures come from strangers, so a file is judged before a parser sees it: its format by its first
bytes (never by its name), its size in bytes, and its size in pixels by its header. Only then is
Pillow's plugin for that one format started. Whatever goes wrong becomes a one-line `GessoError`.
"""

from __future__ import annotations

import importlib
import io
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

from PIL import Image
from PIL.ImageFile import ImageFile

from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.images import boxes, jpeg, png, tiff
from gesso.images.formats import declared_size, refusal, sniff
from gesso.images.heif import pillow_heif
from gesso.images.quiet import muted_stderr, quiet_pillow
from gesso.images.source import MAX_BYTES, Source, name_of, opened, problem

MAX_PIXELS = 100_000_000
"""Default pixel limit: phones' and cameras' pictures fit, as float32 in 1.2 GB."""

# Each is imported and opened by itself when needed, not through Image.open: that imports other
# parsers, and applies Pillow's own global pixel limit, which warns where ours has to refuse.
_PLUGINS = {
    "JPEG": ("PIL.JpegImagePlugin", "jpeg_factory"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
}

log = logging.getLogger(__name__)

# Without a handler of its own Pillow's log would reach stderr by logging's last resort.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextmanager
def decoded(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    frame: int | None = 0,
    animation: bool = False,
    prepare: Callable[[ImageFile], None] | None = None,
) -> Iterator[ImageFile]:
    """Yield one picture of a file, decoded, not yet turned upright, colours unchanged.

    Args:
        source: a path, bytes or a binary file object.
        max_pixels, max_bytes: limits.
        frame: which picture of an animation or of several pages, from 0; None is the first (in a
            HEIF the main one), with a warning if there are others.
        animation: whether the pictures after it are wanted, too, by `seek`.
        prepare: is called with the opened picture after the limits were checked, before decoding.

    What Pillow raises inside the `with` block becomes a `GessoError`, too.

    Raises:
        GessoError: the file is missing, too large, of no allowed format, damaged or truncated.
    """
    with opened(source, max_bytes) as file:
        head = file.read(64 * 1024)
        kind = sniff(head)
        if kind is None:
            raise problem(source, refusal(head))
        check_pixels(source, declared_size(kind, head), max_pixels)
        with quiet_pillow(max_pixels), one_line(source, kind, max_pixels):
            with muted_stderr(kind == "TIFF"):
                image = _checked(source, kind, file, max_pixels, frame, animation)
                if kind == "JPEG":
                    image = _loaded_jpeg(file, image, prepare)
                else:
                    if prepare is not None:
                        prepare(image)
                    image.load()
            yield image


def picture_size(source: Source, max_bytes: int = MAX_BYTES) -> tuple[int, int]:
    """(width, height) of a file's picture as it is stored, by its header.

    Raises:
        GessoError: a file that cannot be opened, or is of no allowed format.
    """
    with opened(source, max_bytes) as file:
        head = file.read(64 * 1024)
        kind = sniff(head)
        if kind is None:
            raise problem(source, refusal(head))
        found = declared_size(kind, head)
        if found is not None:
            return found
        muted = muted_stderr(kind == "TIFF")
        with quiet_pillow(MAX_PIXELS), one_line(source, kind, MAX_PIXELS), muted:
            return _open(source, kind, file).size


def _checked(
    source: Source,
    kind: str,
    file: IO[bytes],
    max_pixels: int,
    frame: int | None,
    animation: bool,
) -> ImageFile:
    """The opened picture, once all that can be known before decoding has been checked."""
    stream, icc, frames = file, None, 1
    if kind == "PNG":
        found = png.checked(file, animation=bool(frame) or animation)
        stream, icc, frames = found.stream, found.icc, found.frames
    elif kind in ("AVIF", "HEIF"):
        file.seek(0)
        data = file.read()
        check_pixels(source, boxes.frame_size(data), max_pixels)
        boxes.check_frames(data)
    image = _open(source, kind, stream)
    if icc is not None:
        image.info["icc_profile"] = icc
    if frame:
        _seek(source, image, frame)
    elif frame is None and kind != "JPEG" and (frames > 1 or _has_more(image)):
        log.warning("%s: holds several pictures; the first is read", shown(name_of(source)))
    check_pixels(source, image.size, max_pixels)
    if kind == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        check_pixels(source, tiff.tile_size(tags), max_pixels)
        if tiff.is_raw(tags):
            raise problem(source, tiff.RAW)
    return image


def _open(source: object, kind: str, file: IO[bytes]) -> ImageFile:
    module, name = _PLUGINS[kind]
    own = pillow_heif(source, module) if kind == "HEIF" else importlib.import_module(module)
    opener = getattr(own, name)
    file.seek(0)
    try:
        return cast(ImageFile, opener(file))
    except SyntaxError as error:
        text = tiff.advice(file) if kind == "TIFF" else ""
        if text:
            raise problem(source, text) from error
        raise


def _seek(source: object, image: ImageFile, frame: int) -> None:
    if type(frame) is not int or frame < 0:
        raise OptionError("frame", f"{frame}; allowed are whole numbers from 0")
    try:
        image.seek(frame)
    except EOFError as error:
        raise problem(source, f"has no picture {frame}; the first is 0") from error


def _has_more(image: ImageFile) -> bool:
    """True if other pictures follow; those that cannot be read do not count."""
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:
        return False


def _loaded_jpeg(
    file: IO[bytes], image: ImageFile, prepare: Callable[[ImageFile], None] | None
) -> ImageFile:
    """A JPEG, decoded as `prepare` wants it, else whole, else without the end that it lacks."""

    def loaded(stream: IO[bytes], prepared: bool = False) -> ImageFile:
        again = _open("", "JPEG", stream)
        if prepared and prepare is not None:
            prepare(again)
        again.load()
        return again

    try:
        if prepare is not None:
            prepare(image)
        image.load()
        return image
    except Exception as error:
        with suppress(Exception):
            return loaded(file)
        with suppress(Exception):
            data = jpeg.with_end(file, lambda data: loaded(io.BytesIO(data)))
            if data is not None:
                return loaded(io.BytesIO(data), prepared=True)
        raise error


@contextmanager
def one_line(source: object, kind: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever a decoder raises into one `GessoError` line: C code raises anything."""
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
    except Exception as error:
        # Some messages quote objects with their addresses, which differ from run to run.
        reason = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "file", str(error)) or type(error).__name__
        if isinstance(error, KeyError) or isinstance(error.__cause__, KeyError):
            reason = f"its tag {reason} is missing" if kind == "TIFF" else f"{reason} is missing"
        raise problem(source, f"damaged or unsupported {kind} file ({reason})") from error


def check_pixels(source: object, size: tuple[int, int] | None, max_pixels: int) -> None:
    """Raises GessoError for a picture of more pixels than `max_pixels`."""
    if size is not None and size[0] * size[1] > max_pixels:
        text = f"{size[0]} × {size[1]} px, over the limit of {max_pixels} pixels (max_pixels)"
        raise problem(source, text)
