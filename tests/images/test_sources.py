"""Pictures from memory: bytes, file objects, Pillow images and arrays, in and out."""

from __future__ import annotations

import io
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gesso.errors import GessoError
from gesso.images.read import read_image, read_photo
from gesso.images.write import WRITE_SUFFIXES, write_image


def colours(height: int = 8, width: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An RGBA picture that has to be turned."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "GessoCam"
    rgba = np.dstack([colours(), np.full((8, 12), 128, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png", exif=exif)
    return tmp_path / "a.png"


@pytest.mark.parametrize("size", [None, 5])
@pytest.mark.parametrize(
    "source",
    [
        str,
        Path.read_bytes,
        lambda path: bytearray(path.read_bytes()),
        lambda path: memoryview(path.read_bytes()),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: open(path, "rb"),  # noqa: SIM115
        Image.open,
    ],
    ids=["text", "bytes", "bytearray", "memoryview", "BytesIO", "file", "Pillow"],
)
def test_every_source_gives_the_same_photo(
    path: Path, size: int | None, source: Callable[[Path], Any]
) -> None:
    expected, given = read_photo(path, size=size), source(path)
    found = read_photo(given, size=size)
    assert np.array_equal(found.rgb, expected.rgb) and found.exif == expected.exif != b""
    assert found.alpha is not None and np.array_equal(found.alpha, expected.alpha)
    if hasattr(given, "close"):
        given.close()


def test_a_pillow_image_is_left_as_it_was(path: Path) -> None:
    with Image.open(path) as image:
        read_photo(image, size=3)
        assert image.size == (12, 8) and image.getexif()[0x0112] == 6


def test_arrays_of_bytes_and_of_floats() -> None:
    expected = (colours() / np.float32(255)).transpose(2, 0, 1)
    for source in (colours(), expected, expected[None], expected.astype(np.float64)):
        found = read_image(source)
        assert found.dtype == np.float32 and np.array_equal(found, expected)
    assert read_image(colours(), size=6).shape == (3, 4, 6)
    flat = np.full((3, 9, 4), 0.25)
    assert np.abs(read_image(flat, size=18) - 0.25).max() < 1e-6
    assert read_image(np.full((3, 2, 2), 1.2)).max() == 1  # overshoot


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((8, 8)), r"float64 of shape \(8, 8\) is no picture; .*\(3, H, W\).*\(H, W, 3\)"),
        (np.zeros((3, 8, 8), np.uint8), r"uint8 of shape \(3, 8, 8\) is no picture"),
        (np.zeros((8, 8, 3)), "is no picture"),
        (np.zeros((3, 8, 8), np.int64), "int64 .* is no picture"),
        (np.zeros((3, 0, 8)), "is no picture"),
        (np.zeros((2, 3, 8, 8)), "is no picture"),
        (np.array("x"), "is no picture"),
        (np.full((3, 8, 8), 254.0), "image: values from 254 to 254; allowed are 0 to 1"),
        (np.full((3, 8, 8), -2.0), "allowed are 0 to 1"),
        (np.full((3, 8, 8), np.nan), "not numbers"),
        (np.full((3, 8, 8), np.inf), "infinite"),
        (b"no picture", "the picture: not a picture gesso can read"),
        (b"", r"the picture: is empty \(0 bytes\)"),
        (io.BytesIO(b"no picture"), "the picture: not a picture gesso can read"),
        (io.StringIO("text"), "open as text; allowed is a file opened in binary mode"),
        (None, "NoneType is no picture; allowed is a path"),
        ([1, 2], "list is no picture; allowed is a path"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(source: Any, words: str) -> None:
    with pytest.raises(GessoError, match=words) as caught:
        read_photo(source)
    assert str(caught.value).isprintable() and len(str(caught.value)) <= 200


def test_limits_hold_for_every_source(path: Path) -> None:
    data = path.read_bytes()
    with Image.open(path) as image:
        for source in (data, io.BytesIO(data), image, colours()):
            with pytest.raises(GessoError, match="12 × 8 px, over the limit of 95 pixels"):
                read_photo(source, max_pixels=95)
    for source in (data, io.BytesIO(data)):
        with pytest.raises(GessoError, match="over the limit of 50 bytes"):
            read_photo(source, max_bytes=50)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "8"])
def test_sizes_that_are_none_are_refused(path: Path, size: Any) -> None:
    for source in (path, colours()):
        with pytest.raises(GessoError, match=r"size: .*allowed are whole numbers from 1"):
            read_photo(source, size=size)


def test_a_truncated_pillow_image_is_one_line(path: Path) -> None:
    with (
        Image.open(io.BytesIO(path.read_bytes()[:-90])) as image,
        pytest.raises(GessoError, match="the picture: damaged or unsupported PNG"),
    ):
        read_photo(image)


# Writing


@pytest.mark.parametrize("format", ["png", ".PNG", "jpg", "webp", "avif", "heic", "tiff", "bmp"])
def test_a_file_object_gets_the_bytes_of_the_file(tmp_path: Path, format: str) -> None:
    image = (colours() / 255).transpose(2, 0, 1)
    path = tmp_path / f"a.{format.strip('.')}"
    write_image(path, image)
    memory = io.BytesIO()
    write_image(memory, image, format=format)
    assert memory.getvalue() == path.read_bytes()
    with open(tmp_path / f"b.{format.strip('.')}", "wb") as file:
        write_image(file, image)  # by its name
    assert (tmp_path / f"b.{format.strip('.')}").read_bytes() == path.read_bytes()
    write_image(tmp_path / "c.xyz", colours(), format=format)
    assert (tmp_path / "c.xyz").read_bytes() == path.read_bytes()


def test_a_full_disk_is_one_line_for_every_format(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for suffix in WRITE_SUFFIXES:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            with pytest.raises(GessoError, match=f"a{suffix}: cannot be written: File too large"):
                write_image(tmp_path / f"a{suffix}", colours(40, 60))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert capfd.readouterr() == ("", "")  # libtiff would write to stderr, past Python
    assert not list(tmp_path.iterdir())


def test_what_a_killed_writer_left_beside_a_picture_is_swept(tmp_path: Path) -> None:
    stale = tmp_path / f".tmp-{'0' * 16}-a.png"
    stale.write_bytes(b"half a picture")
    os.utime(stale, (1e9, 1e9))
    write_image(tmp_path / "b.png", colours())
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        (io.BytesIO(), {}, r"format: needed for a file object; allowed are \.jpg"),
        (io.BytesIO(), {"format": "gif"}, "no picture format for '.gif'; allowed are"),
        (io.StringIO(), {"format": "png"}, "the picture: cannot be written"),
        (io.BytesIO(), {"format": "jpg", "quality": 50.5}, "quality: 50.5 is out of range"),
        (io.BytesIO(), {"format": "jpg", "quality": "50"}, "quality: 50 is out of range"),
        (io.BytesIO(), {"format": "png", "alpha": np.zeros((8, 12))}, r"alpha: .*\(1, H, W\)"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    target: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(GessoError, match=words) as caught:
        write_image(target, colours(), **options)
    assert str(caught.value).isprintable()
    if isinstance(target, io.BytesIO):
        assert target.getvalue() == b""
