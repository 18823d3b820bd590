"""TIFF files that look like pictures and are none, or that take more than they say."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

_SUBFILE, _SAMPLES, _FORMAT, _BITS = 254, 277, 339, 258
_TILE_WIDTH, _TILE_HEIGHT, _DNG_VERSION = 322, 323, 50706
_SMALL_TILE_PX = 2**20  # always allowed: tiles may be larger than a small picture

RAW = "a camera's raw file (or a preview): convert it to TIFF or JPEG"
_FLOAT = "floating-point colour; save it as a TIFF or PNG of 8 or 16 bits"
_DEPTH = "a TIFF of {} bits a sample; save it as one of 8 or 16 bits"


def tile_size(tags: Mapping[int, Any]) -> tuple[int, int] | None:
    """Width and height of the tiles, which are decoded whole; None for small ones, or strips."""
    width, height = tags.get(_TILE_WIDTH, 0), tags.get(_TILE_HEIGHT, 0)
    return (width, height) if width * height > _SMALL_TILE_PX else None


def is_raw(tags: Mapping[int, Any]) -> bool:
    """True if the picture is the small preview that a camera's raw file begins with."""
    return _DNG_VERSION in tags or bool(tags.get(_SUBFILE, 0) & 1)


def advice(file: IO[bytes]) -> str:
    """What to do with a file whose kind of pixels the decoder does not know; "" if unknown."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with suppress(Exception):  # a damaged file, which the decoder has already refused
        file.seek(0)
        head = file.read(16)
        tags = ImageFileDirectory_v2(head if head[2] == 43 or head[3] == 43 else head[:8])
        file.seek(tags.next)
        tags.load(file)
        if 3 in tags.get(_FORMAT, ()):
            return _FLOAT
        bits = max(tags.get(_BITS, (1,)))
        return _DEPTH.format(bits) if bits not in (1, 8, 16) else ""
    return ""
