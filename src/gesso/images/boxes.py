"""AVIF and HEIF: the sizes that their boxes declare, and those that their coded frames have.

A decoder allocates what the frames say, whatever the boxes around them say, and scales the result:
a file of a few kB can say 16 × 16 px around frames of 9000 × 9000. Both sizes are read here
without any decoder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice

Size = tuple[int, int]

_SPARE_PX = 64  # coders fill their last blocks
_MOST = 10_000  # items, chunks or boxes looked at; pictures have some hundreds of tiles
_SEQUENCE, _DELIMITER, _METADATA, _PADDING = 1, 2, 5, 15  # types of AV1's units


def declared_size(data: bytes) -> Size | None:
    """The largest `ispe` (image spatial extents): the others are tiles and thumbnails."""
    found = re.findall(rb"\0\0\0\x14ispe\0{4}(.{4})(.{4})", data, re.DOTALL)
    sizes = [(int.from_bytes(w, "big"), int.from_bytes(h, "big")) for w, h in found]
    return max(sizes, key=math.prod, default=None)


def frame_size(data: bytes) -> Size | None:
    """The largest frame that the coded pictures of a file announce; None where none is found."""
    sizes = [size for start in islice(_av1_places(data), _MOST) if (size := _av1_size(data, start))]
    sizes += _composed_sizes(data)
    for match in islice(re.finditer(rb"hvcC\x01", data), _MOST):
        sizes += _hevc_sizes(data[match.start() + 4 : match.start() + 4096])
    return max(sizes, key=math.prod, default=None)


def check_frames(data: bytes) -> None:
    """Raises ValueError for frames that are larger than the file says."""
    said, found = declared_size(data), frame_size(data)
    if said and found and any(f > s + _SPARE_PX for f, s in zip(found, said, strict=True)):
        sizes = [" × ".join(map(str, size)) for size in (said, found)]
        raise ValueError(f"says {sizes[0]} px around frames of {sizes[1]} px")


class _Bits:
    """Reads bits, the highest of each byte first. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self.data[self.place >> 3] >> (7 - (self.place & 7)) & 1
            self.place += 1
        return value

    def golomb(self) -> int:
        """An unsigned number in H.26x's variable length."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise IndexError
        return (1 << zeros) - 1 + self.take(zeros)


def _av1_places(data: bytes) -> Iterator[int]:
    """Where AV1 streams may begin: in av1C boxes, at items, at the chunks of sequences."""
    for match in re.finditer(rb"av1C\x81", data):
        yield match.start() + 8
    for match in re.finditer(rb"iloc", data):
        yield from (place for _, place in _item_places(data, match.start() + 4))
    for name, width in ((rb"stco\0{4}", 4), (rb"co64\0{4}", 8)):
        for match in re.finditer(name, data):
            count = int.from_bytes(data[match.end() : match.end() + 4], "big")
            for i in range(min(count, _MOST)):
                start = match.end() + 4 + width * i
                yield int.from_bytes(data[start : start + width], "big")


def _composed_sizes(data: bytes) -> Iterator[Size]:
    """Sides of the pictures that are put together of others: grids of tiles, and overlays."""
    kinds: dict[int, bytes] = {}
    for match in islice(re.finditer(rb"infe([\2\3])...", data, re.DOTALL), _MOST):
        width = 2 if match[1] == b"\2" else 4
        start = match.end()
        kind = data[start + width + 2 : start + width + 6]
        kinds[int.from_bytes(data[start : start + width], "big")] = kind
    before = {b"grid": 4, b"iovl": 10}  # bytes before the sides
    for match in re.finditer(rb"iloc", data):
        for item, place in _item_places(data, match.start() + 4):
            if kinds.get(item) in before and place + 18 <= len(data):
                first, width = place + before[kinds[item]], 4 if data[place + 1] & 1 else 2
                sides = data[first : first + 2 * width]
                yield int.from_bytes(sides[:width], "big"), int.from_bytes(sides[width:], "big")


def _item_places(data: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Number and place of the items of an `iloc` box, in the file and in its `idat` box."""
    idat = data.find(b"idat") + 4

    def number(size: int) -> int:
        nonlocal place
        place += size
        if place > len(data):
            raise IndexError
        return int.from_bytes(data[place - size : place], "big")

    try:
        version = number(4) >> 24
        sizes = number(2)
        offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        for _ in range(min(number(4 if version == 2 else 2), _MOST)):
            item = number(4 if version == 2 else 2)
            within = number(2) & 15 if version else 0
            number(2)
            start = number(base)
            for extent in range(number(2)):
                number(index if version else 0)
                first = start + number(offset)
                number(length)
                if extent == 0:
                    yield item, first + (idat if within == 1 else 0)
    except IndexError:
        return


def _av1_size(data: bytes, place: int) -> Size | None:
    """The largest frame of the AV1 stream that begins at `place`; None if none does."""
    for _ in range(16):
        if place >= len(data) or data[place] & 0x83 != 2:  # a header bit, reserved bit, no size
            return None
        kind, place = data[place] >> 3 & 15, place + 1 + (data[place] >> 2 & 1)
        size = shift = 0
        for byte in data[place : place + 8]:
            size, shift, place = size | (byte & 127) << shift, shift + 7, place + 1
            if byte < 128:
                break
        if kind == _SEQUENCE:
            try:
                return _sequence_size(_Bits(data[place : place + size]))
            except IndexError:
                return None
        if kind not in (_DELIMITER, _METADATA, _PADDING):
            return None
        place += size
    return None


def _sequence_size(bits: _Bits) -> Size:
    """Sides in an AV1 sequence header (AV1 specification, 5.5.1)."""
    bits.take(4)  # profile, still picture
    if bits.take(1):  # reduced header
        bits.take(5)
    else:
        model = False
        if bits.take(1):  # timing
            bits.take(64)
            if bits.take(1):
                bits.golomb()
            model = bool(bits.take(1))
            delay = bits.take(5) + 1 if model else 0
            bits.take(42 if model else 0)
        display = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            bits.take(1 if bits.take(5) > 7 else 0)
            if model and bits.take(1):
                bits.take(2 * delay + 1)
            if display and bits.take(1):
                bits.take(4)
    widths, heights = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(widths) + 1, bits.take(heights) + 1


def _hevc_sizes(record: bytes) -> Iterator[Size]:
    """Sides in the sequence parameter sets of an hvcC box's record."""
    place = 23
    for _ in range(record[22] if len(record) > 22 else 0):
        kind, count = record[place : place + 1], record[place + 1 : place + 3]
        place += 3
        for _ in range(int.from_bytes(count, "big")):
            length = int.from_bytes(record[place : place + 2], "big")
            unit = record[place + 2 : place + 2 + length]
            place += 2 + length
            if kind and kind[0] & 63 == 33 and unit:
                try:
                    yield _parameter_size(_Bits(unit.replace(b"\0\0\3", b"\0\0")))
                except IndexError:
                    return
            elif place > len(record):
                return


def _parameter_size(bits: _Bits) -> Size:
    """Sides in an HEVC sequence parameter set (H.265, 7.3.2.2)."""
    bits.take(20)
    layers = bits.take(3)
    bits.take(1 + 96)
    flags = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for profile, level in flags:
        bits.take(88 * profile + 8 * level)
    bits.golomb()
    if bits.golomb() == 3:
        bits.take(1)
    return bits.golomb(), bits.golomb()
