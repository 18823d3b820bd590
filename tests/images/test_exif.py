"""What an EXIF block says of a picture is true of the one it is written with."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gesso.images.decode import decoded
from gesso.images.exif import cleaned, for_picture
from gesso.images.read import read_photo
from gesso.images.write import write_image


def block() -> bytes:
    """The block of a camera's portrait of 4000 × 3000 px in Adobe RGB."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "GessoCam"
    exif[0x0100], exif[0x0101] = 4000, 3000
    details = exif.get_ifd(0x8769)
    details |= {0xA001: 65535, 0xA002: 4000, 0xA003: 3000, 0x829A: 0.01, 0x9286: b"ASCII\0\0\0hi"}
    details[0xA005] = {1: "R03"}
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".heic", ".tif"])
@pytest.mark.parametrize("size", [None, 10])
def test_size_and_colour_space_are_those_of_the_picture(
    tmp_path: Path, suffix: str, size: int | None
) -> None:
    source = io.BytesIO()
    Image.new("RGB", (40, 30)).save(source, "JPEG", exif=block())
    photo = read_photo(source.getvalue(), size=size)
    write_image(tmp_path / f"a{suffix}", photo.rgb, metadata=photo.exif)
    width, height = photo.rgb.shape[2], photo.rgb.shape[1]
    assert width < height
    with decoded(tmp_path / f"a{suffix}") as image:
        exif = image.getexif()
        details = exif.get_ifd(0x8769)
        assert exif[0x010F] == "GessoCam" and exif.get(0x0112, 1) == 1
        assert [exif[0x0100], exif[0x0101]] == [width, height]
        assert [details[tag] for tag in (0xA001, 0xA002, 0xA003)] == [1, width, height]
        assert details[0x829A] == 0.01 and details[0x9286] == b"ASCII\0\0\0hi"
        assert 0xA005 not in details and exif.get_ifd(0x8825)[1] == "N"


def test_what_a_block_does_not_say_is_not_added() -> None:
    exif = Image.Exif()
    exif[0x010F] = "GessoCam"
    found = Image.Exif()
    found.load(for_picture(exif.tobytes(), 5, 4))
    assert dict(found) == {0x010F: "GessoCam"}


def test_what_is_no_block_is_none() -> None:
    for junk in (None, b"", b"junk", b"Exif\0\0II*\0", 3):
        assert cleaned(junk) == b""
    assert b"GessoCam" in cleaned(block()) and np.array(cleaned(block())).size


def test_the_block_of_a_photo_that_was_turned_says_nothing_of_turning() -> None:
    exif, found = Image.Exif(), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "GessoCam"
    found.load(cleaned(exif.tobytes()))
    assert 0x0112 not in found and found[0x010F] == "GessoCam"
