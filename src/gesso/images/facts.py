"""What a picture's header says: size, format, and how many there are. Nothing is decoded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from PIL.ImageFile import ImageFile

from gesso.images import exif
from gesso.images.decode import MAX_PIXELS, decoded
from gesso.images.source import MAX_BYTES, Source, problem

_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations


@dataclass(frozen=True)
class Facts:
    """Width and height of a picture that is upright, its format, and the pictures in its file."""

    width: int
    height: int
    kind: str
    pictures: int


class _Known(BaseException):
    """Raised to leave a decoder once the header is read; no decoder catches it."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.facts = facts


def picture_facts(
    source: Source, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> Facts:
    """What the header of a picture says. Raises GessoError as `gesso.images.read.read_photo` does,
    but for what only decoding finds."""

    def prepare(image: ImageFile) -> None:
        raise _Known(_facts(image))

    try:
        with decoded(source, max_pixels=max_pixels, max_bytes=max_bytes, prepare=prepare):
            raise problem(source, "cannot be read")
    except _Known as known:
        return known.facts


def _facts(image: ImageFile) -> Facts:
    width, height, kind, pictures, turned = *image.size, str(image.format), 1, False
    with suppress(Exception):  # pictures that cannot be read do not count
        pictures = int(getattr(image, "n_frames", 1))
    with suppress(Exception):  # of a TIFF Pillow says the upright size
        turned = kind != "TIFF" and image.getexif().get(exif.ORIENTATION, 1) in _ON_ITS_SIDE
    if kind == "MPO":  # a JPEG with its previews and depth maps
        kind, pictures = "JPEG", 1
    return Facts(*((height, width) if turned else (width, height)), kind, pictures)
