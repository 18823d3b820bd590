"""Untrusted picture files → decoded Pillow images, within limits, or one line that says why not.

Pictures come from strangers, so a file is judged before a parser sees it: its format by its first
bytes (never by its name), its size in bytes, and its size in pixels by its header. Only then is
Pillow's plugin for that one format started. Whatever goes wrong becomes a one-line `GessoError`.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import stat
import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from PIL import Image
from PIL.ImageFile import ImageFile

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.formats import FORMATS, check_png, declared_size, sniff

MAX_PIXELS = 100_000_000
"""Default pixel limit: phones' and cameras' pictures fit, as a float32 tensor in 1.2 GB."""
MAX_BYTES = 256 * 2**20
"""Default byte limit: 89 megapixels of uncompressed 8-bit RGB fit, and any JPEG within the pixel
limit; what is larger is hardly ever a photo, and a decoder's time grows with the bytes."""

LINE_LENGTH = 200

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


def problem(path: str | os.PathLike[str], text: str) -> GessoError:
    """A `GessoError` of one printable line, at most 200 characters: the path, then the text."""
    name = shown(os.fsdecode(path))
    text = shown(" ".join(text.split()))
    room = max(100, LINE_LENGTH - len(name) - 2)
    text = text if len(text) <= room else text[: room - 1] + "…"
    room = LINE_LENGTH - len(text) - 2
    name = name if len(name) <= room else "…" + name[len(name) - room + 1 :]
    return GessoError(f"{name}: {text}")


@contextmanager
def decoded(
    path: str | os.PathLike[str],
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    prepare: Callable[[ImageFile], None] | None = None,
) -> Iterator[ImageFile]:
    """The first picture of a file, decoded, as stored: not yet turned upright, colours unchanged.

    `prepare` is handed the opened picture after the limits were checked and before decoding. What
    Pillow raises inside the `with` block, when the picture is converted, is told as one line too.

    Raises:
        GessoError: the file is missing, too large, of no allowed format, damaged or truncated.
    """
    with _opened(path, max_bytes) as file:
        head = file.read(64 * 1024)
        kind = sniff(head)
        if kind is None:
            raise problem(path, f"not a picture gesso can read (allowed: {', '.join(FORMATS)})")
        check_pixels(path, declared_size(kind, head), max_pixels)
        with _quiet_pillow(max_pixels), _one_line(path, kind, max_pixels):
            with _muted_stderr(kind == "TIFF"):
                image = _plugin(kind)(file)
                check_pixels(path, image.size, max_pixels)
                _check_whole(path, kind, file, image)
                if prepare is not None:
                    prepare(image)
                image.load()
            yield image


@contextmanager
def _one_line(path: str | os.PathLike[str], kind: str, max_pixels: int) -> Iterator[None]:
    """Turns whatever a decoder raises into one `GessoError` line."""
    try:
        yield
    except GessoError:
        raise
    except Image.DecompressionBombError as error:  # of a frame; the file's own size was checked
        pixels = "".join(re.findall(r"\d+", str(error))[:1])
        text = f"{pixels} pixels, over the limit of {max_pixels} pixels (max_pixels)"
        raise problem(path, text) from error
    except MemoryError as error:
        raise problem(path, "not enough memory to decode this picture") from error
    except DECODER_ERRORS as error:
        # Some messages quote objects with their addresses, which differ from run to run.
        reason = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "file", str(error)) or type(error).__name__
        raise problem(path, f"damaged or unsupported {kind} file ({reason})") from error


def _plugin(kind: str) -> Callable[[IO[bytes]], ImageFile]:
    module, name = _PLUGINS[kind]
    opener = getattr(importlib.import_module(module), name)

    def opened(file: IO[bytes]) -> ImageFile:
        file.seek(0)
        return cast(ImageFile, opener(file))

    return opened


@contextmanager
def _opened(path: str | os.PathLike[str], max_bytes: int) -> Iterator[IO[bytes]]:
    """The file, open for reading, if it is a regular file within the limit."""
    try:
        # Asked before opening, because opening a named pipe waits for a writer for ever.
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder, not a picture" if stat.S_ISDIR(mode) else "not a regular file"
            raise problem(path, f"is {what}")
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except GessoError:
        raise
    except FileNotFoundError as error:
        raise problem(path, "no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise problem(path, f"cannot be read ({reason})") from error
    with file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise problem(path, "is empty (0 bytes)")
        if size > max_bytes:
            raise problem(path, f"{size} bytes, over the limit of {max_bytes} bytes (max_bytes)")
        yield file


def check_pixels(
    path: str | os.PathLike[str], size: tuple[int, int] | None, max_pixels: int
) -> None:
    if size is not None and size[0] * size[1] > max_pixels:
        text = f"{size[0]} × {size[1]} px, over the limit of {max_pixels} pixels (max_pixels)"
        raise problem(path, text)


def _check_whole(
    path: str | os.PathLike[str], kind: str, file: IO[bytes], image: ImageFile
) -> None:
    """What a decoder would pass over in silence: a PNG cut short, a raw file's small preview."""
    if kind == "PNG":
        place = file.tell()
        check_png(file)
        file.seek(place)
    elif kind == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if 50706 in tags or tags.get(254, 0) & 1:  # DNGVersion; NewSubfileType: reduced
            raise problem(path, "a camera's raw file (or a preview): convert it to TIFF or JPEG")


_lock = threading.Lock()
_readers = 0
_undo = ExitStack()


@contextmanager
def _quiet_pillow(max_pixels: int) -> Iterator[None]:
    """Pillow's warnings are ignored, and its pixel limit does not undercut a larger one of ours.

    Both are settings of the whole process: readers in several threads are counted, so that the
    first one changes and the last one restores them.
    """
    global _readers
    with _lock:
        _readers += 1
        if _readers == 1:
            _undo.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")
            _undo.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels > 2 * Image.MAX_IMAGE_PIXELS:
            Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _undo.close()


_stderr_lock = threading.Lock()


@contextmanager
def _muted_stderr(mute: bool) -> Iterator[None]:
    """File descriptor 2 goes nowhere: libtiff prints its complaints there, past Python."""
    if not mute:
        yield
        return
    with _stderr_lock, ExitStack() as undo:
        try:
            saved = os.dup(2)
        except OSError:  # closed: nothing to mute
            saved = -1
        if saved >= 0:
            undo.callback(os.close, saved)
            if sys.stderr is not None:
                sys.stderr.flush()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            undo.callback(os.dup2, saved, 2)
        yield
