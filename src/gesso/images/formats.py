"""The picture formats gesso reads, told from a file's bytes without any parser of Pillow's."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

FORMATS = ("JPEG", "PNG", "WebP", "AVIF", "HEIF", "TIFF", "BMP", "GIF")
"""All that is ever parsed; GIF and other animations give their first frame."""

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".hif"),
    *(".tif", ".tiff", ".bmp", ".gif"),
)
"""File name endings, in lower case, under which pictures are looked for in folders."""

_BMP_HEADERS = tuple(struct.pack("<I", n) for n in (12, 40, 52, 56, 64, 108, 124))
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


def sniff(head: bytes) -> str | None:
    """The format (one of `FORMATS`) that a file's first bytes announce; None for any other."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return None if head[8:10] == b"CR" else "TIFF"  # CR: Canon's raw files
    if head.startswith(b"BM") and head[14:18] in _BMP_HEADERS:
        return "BMP"
    return _sniff_boxes(head) if head[4:8] == b"ftyp" else None


def _sniff_boxes(head: bytes) -> str | None:
    """AVIF or HEIF by the brands of an ISO base media file (MP4 is one too, and refused)."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[i : i + 4] for i in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def declared_size(kind: str, head: bytes) -> tuple[int, int] | None:
    """(width, height) from the header where it has a fixed place; None if it has to be parsed."""
    if kind == "PNG" and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if kind == "GIF" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if kind == "BMP" and len(head) >= 26 and head[14] != 12:
        width, height = struct.unpack("<ii", head[18:26])
        return abs(width), abs(height)  # a negative height: rows from the top
    if kind == "WebP" and len(head) >= 30:
        return _webp_size(head)
    if kind in ("AVIF", "HEIF"):
        return _box_size(head)
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    if head[12:16] == b"VP8X":
        width, height = head[24:27], head[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _box_size(head: bytes) -> tuple[int, int] | None:
    """The largest `ispe` (image spatial extents): the others are tiles and thumbnails."""
    found = re.findall(rb"\0\0\0\x14ispe\0{4}(.{4})(.{4})", head, re.DOTALL)
    sizes = [(int.from_bytes(w, "big"), int.from_bytes(h, "big")) for w, h in found]
    return max(sizes, key=math.prod, default=None)


def check_png(file: IO[bytes]) -> None:
    """Raise ValueError or zlib.error unless a PNG's pixel data are whole.

    Needed because decoders leave the rest of the picture black, and say nothing, when the
    compressed stream ends early in good form: 342 bytes can claim 9000 × 9000 pixels and hold ten
    rows. The stream is inflated in pieces and counted (its checksums are verified on the way),
    which costs about a third of a decode and no memory.
    """
    file.seek(8)
    inflate, wanted, count = zlib.decompressobj(), 0, 0
    for name, data in _png_chunks(file):
        if name == b"IHDR":
            wanted = _png_data_size(data)
        elif name == b"IDAT" and count < wanted:
            while data and count < wanted:
                count += len(inflate.decompress(data, 1 << 20))
                data = inflate.unconsumed_tail
    if count < wanted:
        raise ValueError(f"pixel data end after {count} of {wanted} bytes")


def _png_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of the chunks up to IEND; data of those no decoder needs are skipped."""
    name = b""
    while name != b"IEND":
        start = file.read(8)
        if len(start) < 8:
            raise ValueError("the file ends before its IEND chunk")
        length, name = int.from_bytes(start[:4], "big"), start[4:]
        if name not in (b"IHDR", b"IDAT", b"IEND"):
            file.seek(length + 4, 1)
            continue
        data, checksum = file.read(length), file.read(4)
        if len(data) < length or len(checksum) < 4:
            raise ValueError(f"the file ends inside its {name.decode()} chunk")
        if zlib.crc32(data, zlib.crc32(name)) != int.from_bytes(checksum, "big"):
            raise ValueError(f"wrong checksum of an {name.decode()} chunk")
        yield name, data


_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)


def _png_data_size(header: bytes) -> int:
    """Bytes of the inflated pixel data: per row one filter byte, then the packed samples."""
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    bits = depth * _PNG_CHANNELS[colour]
    size = 0
    for x, y, step_x, step_y in _ADAM7 if interlace else ((0, 0, 1, 1),):
        columns, rows = -(-max(0, width - x) // step_x), -(-max(0, height - y) // step_y)
        size += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return size
