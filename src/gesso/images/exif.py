"""EXIF blocks: cleaned when a photo is read, made true of the picture they are written with."""

from __future__ import annotations

from PIL import Image

from gesso.errors import OptionError

ORIENTATION = 0x0112

_WIDTH, _HEIGHT = 0x0100, 0x0101
_DETAILS, _INTEROPERABILITY = 0x8769, 0xA005
_COLOR_SPACE, _PIXELS_ACROSS, _PIXELS_DOWN = 0xA001, 0xA002, 0xA003
_SRGB = 1


def cleaned(block: object) -> bytes:
    """An EXIF block, rewritten: only what Pillow understands, no orientation, no thumbnail; b"" if
    `block` is none."""
    if not isinstance(block, bytes):
        return b""
    try:
        exif = Image.Exif()
        exif.load(block)
        exif.pop(ORIENTATION, None)
        return exif.tobytes() if len(exif) else b""
    except Exception:
        return b""


def for_picture(block: bytes, width: int, height: int) -> bytes:
    """An EXIF block that says of a picture what is true: its size, sRGB, upright.

    Raises:
        OptionError: bytes that are no EXIF block.
    """
    try:
        exif = Image.Exif()
        exif.load(block)
        for tag in (ORIENTATION, _INTEROPERABILITY):
            exif.pop(tag, None)
        if _WIDTH in exif or _HEIGHT in exif:
            exif[_WIDTH], exif[_HEIGHT] = width, height
        if _DETAILS in exif:
            details = exif.get_ifd(_DETAILS)
            details.pop(_INTEROPERABILITY, None)  # may say Adobe RGB
            details |= {_COLOR_SPACE: _SRGB, _PIXELS_ACROSS: width, _PIXELS_DOWN: height}
        return exif.tobytes()
    except Exception as error:
        raise OptionError("metadata", f"no EXIF block ({type(error).__name__})") from error
