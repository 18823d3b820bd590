"""Formats beyond the common ones, and what is said of those that are refused."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from command_line import python
from gesso.errors import GessoError
from gesso.images.read import read_image, read_photo
from gesso.images.write import write_image
from gesso.pipeline.plan import plan

pillow_heif.register_heif_opener()


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    y, x = np.mgrid[0:30, 0:40]
    image = Image.fromarray(np.stack([6 * x, 8 * y, 3 * (x + y)], -1).astype(np.uint8))
    memory = io.BytesIO()
    image.convert(mode).save(memory, kind, **options)
    return memory.getvalue()


def test_a_heif_of_the_general_brand_is_read() -> None:
    data = saved("HEIF")
    end = int.from_bytes(data[:4], "big")
    brands = b"ftypmif1\0\0\0\0" + b"mif1" * ((end - 16) // 4)
    renamed = data[:4] + brands + data[end:]
    assert np.array_equal(read_image(renamed), read_image(data))


def test_heif_says_what_it_needs_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data, out = saved("HEIF"), tmp_path / "x.heic"
    monkeypatch.setattr("gesso.images.heif.find_spec", lambda name: None)
    line = r"needs pillow-heif, which is not installed: pip install 'gesso\[heif\]'"
    with pytest.raises(GessoError, match=f"the picture: HEIF .HEIC. {line}"):
        read_image(data)
    with pytest.raises(GessoError, match=f"x.heic: HEIF .HEIC. {line}"):
        write_image(out, np.zeros((3, 8, 8), np.float32))
    with pytest.raises(GessoError, match=f"x.heic: HEIF .HEIC. {line}"):
        plan([tmp_path / "a.jpg"], out)  # known before anything is painted


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}, {"irreversible": True}])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_jpeg_2000(mode: str, options: dict[str, Any]) -> None:
    if "no_jp2" in options and "A" in mode:
        pytest.skip("the bare stream does not say what its channels are")
    data = saved("JPEG2000", mode, **options)
    photo = read_photo(data)
    expected = read_photo(saved("PNG", mode))
    assert np.abs(photo.rgb - expected.rgb).max() < (0.1 if options else 1e-6)
    assert (photo.alpha is None) == (expected.alpha is None)
    with pytest.raises(GessoError, match="40 × 30 px, over the limit of 1000 pixels"):
        read_photo(data, max_pixels=1000)
    for cut in (1, 2, 30, len(data) // 2):
        with pytest.raises(GessoError):
            read_photo(data[:-cut])


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"%PDF-1.7", "a PDF: save the page as PNG"),
        (b"8BPS\0\1", "a Photoshop file: save it as PNG or TIFF"),
        (b"<svg xmlns=", "an SVG drawing: save it as PNG"),
        (b"\xff\x0a\0\0", "JPEG XL: save it as PNG or JPEG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL: save it as PNG or JPEG"),
        (b"v/1\x01", "OpenEXR: save it as"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file: convert it"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (b"text", r"allowed: JPEG, PNG, .*, JPEG2000\)"),
    ],
)
def test_what_stays_refused_is_called_by_its_name(head: bytes, words: str) -> None:
    with pytest.raises(GessoError, match=f"the picture: .*{words}") as caught:
        read_image(head + bytes(100))
    assert "not a picture gesso can read" in str(caught.value)


# Several pictures in one file

ANIMATED = {
    "GIF": {},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"speed": 10, "quality": 100},
    "TIFF": {},
    "HEIF": {"quality": 100},
}


def frames(kind: str) -> bytes:
    images = [Image.new("RGB", (16, 16), color) for color in ("red", "blue", "lime")]
    memory = io.BytesIO()
    images[0].save(memory, kind, save_all=True, append_images=images[1:], **ANIMATED[kind])
    return memory.getvalue()


def middle(data: bytes, **options: Any) -> list[int]:
    return read_photo(data, **options).rgb[:, 8, 8].round().astype(int).tolist()


@pytest.mark.parametrize("kind", ANIMATED)
def test_the_first_picture_is_read_with_a_word_and_any_other_when_asked(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = io.BytesIO(frames(kind))
    file.name = "holiday.gif"
    assert middle(file) == [1, 0, 0]
    assert [record.message for record in caplog.records] == [
        "holiday.gif: holds several pictures; the first is read"
    ]
    caplog.clear()
    data = frames(kind)
    found = [middle(data, frame=n) for n in range(3)]
    assert found == [[1, 0, 0], [0, 0, 1], [0, 1, 0]] and not caplog.records
    assert middle(data, frame=2, size=16) == [0, 1, 0]
    with pytest.raises(GessoError, match="has no picture 3; the first is 0"):
        read_photo(data, frame=3)
    for frame in (-1, "1", True):
        with pytest.raises(GessoError, match=r"frame: .*allowed are whole numbers from 0"):
            read_photo(data, frame=frame)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "JPEG2000"])
def test_a_file_of_one_picture_needs_no_word(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    read_photo(saved(kind))
    assert middle(saved(kind), frame=0) == middle(saved(kind))
    assert not caplog.records
    with pytest.raises(GessoError, match="has no picture 1"):
        read_photo(saved(kind), frame=1)


def test_pages_have_sizes_and_limits_of_their_own() -> None:
    small, large = Image.new("RGB", (8, 8)), Image.new("RGB", (80, 60))
    memory = io.BytesIO()
    small.save(memory, "TIFF", save_all=True, append_images=[large])
    assert read_image(memory.getvalue(), max_pixels=64).shape == (3, 8, 8)
    assert read_photo(memory.getvalue(), frame=1).rgb.shape == (3, 60, 80)
    with pytest.raises(GessoError, match="80 × 60 px, over the limit of 64 pixels"):
        read_photo(memory.getvalue(), frame=1, max_pixels=64)


def test_a_damaged_second_picture_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    data = frames("GIF")
    second = data.index(b"\x21\xf9", data.index(b"\x2c"))
    assert middle(data[: second + 3]) == [1, 0, 0]


PLUGINS = """
import io, sys
import numpy as np
from gesso.images.write import thumbnail_bytes, write_image

picture = np.zeros((3, 8, 8), np.float32)
thumbnail_bytes(picture)
for kind in ("png", "webp", "jpg", "tif"):
    write_image(io.BytesIO(), picture, format=kind)
print("PIL.BlpImagePlugin" in sys.modules)
"""


def test_what_writes_a_picture_imports_no_plugin_of_other_formats() -> None:
    assert python("-c", PLUGINS).stdout == "False\n"
