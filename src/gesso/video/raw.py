"""Raw frames between programs: rgb24, one after the other, with nothing in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from gesso.errors import GessoError, OptionError
from gesso.video.frames import Frame, Pixels


class Halved(GessoError):
    """A stream ends within a frame."""


def sides(text: str) -> tuple[int, int]:
    """Width and height of a text such as 640x360. Raises OptionError."""
    found = re.fullmatch(r"([1-9]\d{0,4})[x×]([1-9]\d{0,4})", text)
    if found is None:
        raise OptionError("size", f"{text!r}; allowed are width and height in px, such as 640x360")
    return int(found[1]), int(found[2])


def raw_frames(stream: BinaryIO, width: int, height: int, rate: Fraction) -> Iterator[Frame]:
    """The frames of a stream, as they come; `rate` a second.

    Raises:
        Halved: a stream that ends within a frame, once all before it are there.
    """
    size, index = 3 * width * height, 0
    while data := _exactly(stream, size):
        if len(data) < size:
            end = f"ends after {len(data)} of {size} bytes of frame {index}; the size may be wrong"
            raise Halved(f"standard input: {end}")
        rgb = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        yield Frame(rgb, index / rate, index)
        index += 1


def write_raw(picture: Pixels, out: BinaryIO) -> None:
    """Write a picture (H, W, 3), to be read at once.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    left = memoryview(np.ascontiguousarray(picture).tobytes())
    while left:  # of a pipe, which takes some at a time
        left = left[out.write(left) or 0 :]
    out.flush()


def _exactly(stream: BinaryIO, size: int) -> bytearray:
    """So many bytes, or what there is before the end."""
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        part = stream.read(size - filled)
        if not part:
            return data[:filled]
        view[filled : filled + len(part)] = part
        filled += len(part)
    return data
