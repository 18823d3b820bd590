"""JPEG files without their end marker: read if no pixel is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO

import numpy as np
from PIL import Image

_END = b"\xff\xd9"
# What may follow the data of a picture: if it changes no pixel, none was missing.
_RESTARTS = [bytes([0xFF, 0xD0 + n]) for n in range(8)]  # one of them is the next, where they are
_PROBES = [b"".join(bytes([n]) * 64 + mark for mark in 2 * _RESTARTS) for n in (0xAA, 0x55, 0xFE)]
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length


def with_end(file: IO[bytes], decode: Callable[[bytes], Image.Image]) -> bytes | None:
    """The file with an end marker, if it lacks nothing else; None if pixels are missing.

    libjpeg fills what is missing from the data it has, and says nothing. So the picture is decoded
    with several continuations of the data: those of a whole picture are all the same.

    Args:
        file: a JPEG that cannot be decoded as it is.
        decode: bytes → decoded picture; what it raises is passed on.
    """
    file.seek(0)
    data = file.read().rstrip(b"\xff")
    if not _has_all_scans(data):
        return None
    whole = np.asarray(decode(data + _END))
    for probe in _PROBES:
        if not np.array_equal(np.asarray(decode(data + probe + _END)), whole):
            return None
    return data + _END


def _has_all_scans(data: bytes) -> bool:
    """True if the scans that are there cover every coefficient of every component, to its last
    bit: a progressive picture that ends between two scans decodes without a trace of it."""
    missing: dict[int, set[int]] = {}
    place = 2
    while place + 4 <= len(data):
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place] != 0xFF or marker == 0xD9:
            return False
        if marker in _BARE:
            place += 2
            continue
        body = data[place + 4 : place + 2 + length]
        place += 2 + length
        if marker in _FRAMES and len(body) > 5:
            coefficients = set(range(64))
            missing = {body[i]: set(coefficients) for i in range(6, len(body) - 2, 3)}
        elif marker == 0xDA and body:
            count = body[0]
            first, last, bits = body[1 + 2 * count : 4 + 2 * count]
            if bits & 15 == 0:
                for component in body[1 : 1 + 2 * count : 2]:
                    missing.get(component, set()).difference_update(range(first, last + 1))
            found = _NEXT_MARKER.search(data, place)
            place = found.start() if found else len(data)
    return bool(missing) and not any(missing.values())
