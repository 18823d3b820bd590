"""PNG files: whole or refused, and only what makes the picture is given to the decoder."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from gesso.disk.atomic import StrPath
from gesso.images.source import MAX_BYTES, opened, problem

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_MOST_PROFILE = 16 * 2**20  # bytes, inflated; tables of scanners take some MB
_MOST_TEXT = 2**20

_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND")
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_TURNED = (b"Raw profile type exif", b"XML:com.adobe.xmp")  # texts that may hold an orientation


@dataclass(frozen=True)
class Png:
    """A PNG that is whole.

    Attributes:
        stream: a PNG of the chunks that make the picture, for the decoder.
        icc: its colour profile; None if it has none, or one that cannot be unpacked.
        frames: of an animation; 1 otherwise.
    """

    stream: IO[bytes]
    icc: bytes | None
    frames: int


def checked(file: IO[bytes], animation: bool = False) -> Png:
    """A PNG's chunks, checked: its pixel data are whole. With `animation` its frames are kept.

    Decoders leave the rest of the picture black, and say nothing, when the compressed stream ends
    early in good form: 342 bytes can claim 9000 × 9000 pixels and hold ten rows. The stream is
    inflated in pieces and counted (its checksums are verified on the way), which costs about a
    third of a decode and no memory. Side data (texts, profiles, marks of programs) never decide
    whether a picture can be read.

    Raises:
        ValueError, zlib.error: why it is not whole.
    """
    kept = [_SIGNATURE]
    turned = list(_TURNED)
    names = _PICTURE + _ANIMATION if animation else _PICTURE
    icc, frames = None, 1
    inflate, wanted, count = zlib.decompressobj(), 0, 0
    for name, data, checksum in _chunks(file):
        if name == b"IHDR":
            wanted = _data_size(data)
        elif name == b"IDAT" and count < wanted:
            rest = data
            while rest and count < wanted:
                count += len(inflate.decompress(rest, 1 << 20))
                rest = inflate.unconsumed_tail
        elif name == b"iCCP":
            body = data.partition(b"\0")[2][1:]  # after a name, a zero and the method
            icc = icc or _inflated(body, _MOST_PROFILE)
        elif name == b"acTL" and len(data) == 8:
            frames = max(1, int.from_bytes(data[:4], "big"))
        if name not in names:
            keyword = data[:40].partition(b"\0")[0]
            if keyword not in turned or not _is_short(name, data):
                continue
            turned.remove(keyword)
        kept += [len(data).to_bytes(4, "big"), name, data, checksum]
    if count < wanted:
        raise ValueError(f"pixel data end after {count} of {wanted} bytes")
    return Png(io.BytesIO(b"".join(kept)), icc, frames)


def text_of(path: StrPath, keyword: str) -> str | None:
    """The text that a PNG keeps under a keyword (an iTXt chunk, not compressed); None for none.

    Raises:
        GessoError: a file that cannot be read, or that is damaged before it.
    """
    before = keyword.encode("latin-1") + b"\0\0\0"
    with opened(path, MAX_BYTES) as file:
        if file.read(8) != _SIGNATURE:
            return None
        try:
            for name, data, _ in _chunks(file):
                if name == b"iTXt" and data.startswith(before) and len(data) <= _MOST_TEXT:
                    text = data[len(before) :].split(b"\0", 2)
                    return text[2].decode("utf-8", "replace") if len(text) == 3 else None
        except ValueError as error:
            raise problem(path, f"damaged ({error})") from error
    return None


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, data and checksum of the chunks up to IEND. The picture's own are verified, others with
    a wrong checksum are left out."""
    file.seek(8)
    name = b""
    while name != b"IEND":
        start = file.read(8)
        if len(start) < 8:
            raise ValueError("the file ends before its IEND chunk")
        length, name = int.from_bytes(start[:4], "big"), start[4:]
        data, checksum = file.read(length), file.read(4)
        if len(data) < length or len(checksum) < 4:
            raise ValueError(f"the file ends inside its {_shown(name)} chunk")
        if zlib.crc32(data, zlib.crc32(name)) != int.from_bytes(checksum, "big"):
            if name in _PICTURE[:-2] or name == b"IEND":
                raise ValueError(f"wrong checksum of an {_shown(name)} chunk")
            continue
        yield name, data, checksum


def _shown(name: bytes) -> str:
    return name.decode("ascii", "replace")


def _inflated(body: bytes, most: int) -> bytes | None:
    inflate = zlib.decompressobj()
    try:
        found = inflate.decompress(body, most)
    except zlib.error:
        return None
    return found if inflate.eof else None


def _is_short(name: bytes, data: bytes) -> bool:
    """True if a text chunk stays within the decoder's limit once it is inflated."""
    body = data.partition(b"\0")[2]
    if name == b"zTXt":
        return _inflated(body[1:], _MOST_TEXT) is not None
    if name == b"iTXt" and body[:1] == b"\1":
        text = body[2:].split(b"\0", 2)
        return len(text) == 3 and _inflated(text[2], _MOST_TEXT) is not None
    return name in (b"tEXt", b"iTXt") and len(data) < _MOST_TEXT


def _data_size(header: bytes) -> int:
    """Bytes of the inflated pixel data: per row one filter byte, then the packed samples."""
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    bits = depth * _CHANNELS[colour]
    size = 0
    for x, y, step_x, step_y in _ADAM7 if interlace else ((0, 0, 1, 1),):
        columns, rows = -(-max(0, width - x) // step_x), -(-max(0, height - y) // step_y)
        size += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return size
