"""Whether a file is shorter than it says, which FFmpeg passes over in silence."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from gesso.disk.atomic import open_regular

TS_PACKET, TS_SYNC = 188, 0x47
MATROSKA = b"\x1a\x45\xdf\xa3"
SEGMENT = 0x18538067  # the element of Matroska that holds all the rest
BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"sidx", b"pnot"}
CUT = "cut short"


def cut_short(path: Path) -> str | None:
    """The words for an MP4, Matroska, WebM, AVI or MPEG-TS file whose end is missing; None for any
    other. Raises GessoError for a file that cannot be read."""
    length = path.stat().st_size if path.is_file() else 0
    with open_regular(path) as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in BOXES:
            missing = _boxes_end(file, length) > length
        elif head[:4] == MATROSKA:
            missing = _segment_end(file, length) > length
        elif head[:4] == b"RIFF":
            missing = 8 + int.from_bytes(head[4:8], "little") > length
        else:
            missing = _is_ts(file) and length % TS_PACKET > 0
    return CUT if missing else None


def _is_ts(file: IO[bytes]) -> bool:
    """Whether a file begins with two packets of MPEG-TS."""
    start = file.read(TS_PACKET + 1)
    return len(start) > TS_PACKET and start[0] == start[TS_PACKET] == TS_SYNC


def _boxes_end(file: IO[bytes], length: int) -> int:
    """Where the last box on the first level ends (ISO/IEC 14496-12, 4.2)."""
    place = 0
    while place < length:
        file.seek(place)
        head = file.read(16)
        if not head[4:8].isalnum():  # padding, or the first bytes of a box
            return length + (len(head) < 8 and any(head))
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0:  # to the end of the file
            return length
        if size < 8:
            return length
        place += size
    return place


def _segment_end(file: IO[bytes], length: int) -> int:
    """Where the segment of a Matroska file ends (RFC 8794, 4 and 5)."""
    while file.tell() < length:
        identity = _number(file, keep_marker=True)
        size = _number(file)
        if identity is None or size is None:
            return length
        if size < 0:  # unknown, as of a live recording
            return length
        if identity == SEGMENT:
            return file.tell() + size
        file.seek(size, 1)
    return length + 1


def _number(file: IO[bytes], keep_marker: bool = False) -> int | None:
    """A number of EBML's variable size; -1: all ones, which is unknown. None: there is none."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    rest = file.read(extra)
    value = int.from_bytes(first + rest, "big")
    if keep_marker or len(rest) < extra:
        return value if keep_marker else None
    marker = 1 << (7 * (extra + 1))
    value &= marker - 1
    return -1 if value == marker - 1 else value
