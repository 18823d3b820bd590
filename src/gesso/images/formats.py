"""The picture formats gesso reads, known by a file's bytes, without any parser of Pillow's."""

from __future__ import annotations

import struct

from gesso.images import boxes

FORMATS = ("JPEG", "PNG", "WebP", "AVIF", "HEIF", "TIFF", "BMP", "GIF", "JPEG2000")
"""All that is ever parsed; animations and files of several pages give one frame."""

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".hif"),
    *(".tif", ".tiff", ".bmp", ".gif", ".jp2", ".j2k", ".jpx"),
)
"""File name endings, in lower case, under which pictures are looked for in folders."""

_BMP_HEADERS = tuple(struct.pack("<I", n) for n in (12, 40, 52, 56, 64, 108, 124))
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1"}
_MAGIC: dict[str, bytes | tuple[bytes, ...]] = {
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": (b"GIF87a", b"GIF89a"),
    "JPEG2000": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),  # in boxes; the bare stream
}
_OTHERS = (
    (b"%PDF", "a PDF: save the page as PNG"),
    (b"8BPS", "a Photoshop file: save it as PNG or TIFF"),
    (b"%!PS", "PostScript: save it as PNG"),
    (b"<svg", "an SVG drawing: save it as PNG"),
    (b"<?xml", "an XML file, perhaps an SVG drawing: save it as PNG"),
    (b"\xff\x0a", "JPEG XL: save it as PNG or JPEG"),
    (b"\0\0\0\x0cJXL ", "JPEG XL: save it as PNG or JPEG"),
    (b"v/1\x01", "OpenEXR: save it as PNG or 8-bit TIFF"),
    (b"#?RADIANCE", "Radiance HDR: save it as PNG or 8-bit TIFF"),
    (b"II*\0\x10\0\0\0CR", "a camera's raw file: convert it to TIFF or JPEG"),
    (b"FUJIFILM", "a camera's raw file: convert it to TIFF or JPEG"),
)


def sniff(head: bytes) -> str | None:
    """The format (one of `FORMATS`) that a file's first bytes announce; None for any other."""
    for kind, magic in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return None if head[8:10] == b"CR" else "TIFF"  # CR: Canon's raw files
    if head.startswith(b"BM") and head[14:18] in _BMP_HEADERS:
        return "BMP"
    return _sniff_boxes(head) if head[4:8] == b"ftyp" else None


def refusal(head: bytes) -> str:
    """Why a file that `sniff` does not know is refused, and what to do where that is known."""
    for magic, text in _OTHERS:
        if head.startswith(magic):
            return f"{text}; not a picture gesso can read"
    if head[4:8] == b"ftyp":
        return "a video or another MP4 file; not a picture gesso can read"
    return f"not a picture gesso can read (allowed: {', '.join(FORMATS)})"


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
        return boxes.declared_size(head)
    return _siz_size(head) if kind == "JPEG2000" else None


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


def _siz_size(head: bytes) -> tuple[int, int] | None:
    """The sides of a JPEG 2000's reference grid, which bound the picture's and the tiles' sides."""
    place = head.find(b"\xff\x4f\xff\x51")
    if place < 0 or len(head) < place + 16:
        return None
    width, height = struct.unpack(">II", head[place + 8 : place + 16])
    return width, height
