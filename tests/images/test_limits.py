"""Limits hold for what a decoder allocates, whatever a file says of its size."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from gesso.errors import GessoError
from gesso.images.boxes import declared_size, frame_size
from gesso.images.read import read_image

pillow_heif.register_heif_opener()


@cache
def coded(kind: str, width: int, height: int, alpha: bool = False, frames: int = 1) -> bytes:
    """An AVIF or HEIF of one colour."""
    image = Image.new("RGBA" if alpha else "RGB", (width, height), (200, 100, 50))
    memory = io.BytesIO()
    more: dict[str, Any] = {"speed": 10} if kind == "AVIF" else {}
    if frames > 1:
        more |= {"save_all": True, "append_images": [image] * (frames - 1)}
    image.save(memory, kind, **more)
    return memory.getvalue()


def saying(data: bytes, width: int, height: int) -> bytes:
    """The file with other sizes in its boxes; its frames stay what they are."""
    parts = data.split(b"\0\0\0\x14ispe\0\0\0\0")
    said = struct.pack(">II", width, height)
    return b"\0\0\0\x14ispe\0\0\0\0".join([parts[0], *(said + part[8:] for part in parts[1:])])


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize("size", [(1, 1), (60, 44), (640, 481), (1000, 70)])
@pytest.mark.parametrize("alpha", [False, True])
def test_the_frames_own_size_is_found(kind: str, size: tuple[int, int], alpha: bool) -> None:
    data = coded(kind, *size, alpha)
    found = frame_size(data)
    assert found is not None and declared_size(data) is not None
    assert all(0 <= f - s < 64 for f, s in zip(found, size, strict=True))
    assert read_image(data).shape == (3, size[1], size[0])


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize("frames", [1, 2])
def test_frames_larger_than_the_file_says_are_refused(kind: str, frames: int) -> None:
    data = saying(coded(kind, 900, 700, False, frames), 16, 16)
    words = "says 16 × 16 px around frames of 9.. × 7.. px"
    with pytest.raises(GessoError, match=words):
        read_image(data)
    with pytest.raises(GessoError, match=r"9.. × 7.. px, over the limit of 100000 pixels"):
        read_image(data, max_pixels=100_000)


def test_the_stream_rules_where_it_stands_elsewhere_than_in_the_boxes() -> None:
    data = saying(coded("AVIF", 900, 700), 16, 16)
    place = data.index(b"av1C")
    assert frame_size(data[:place] + b"free" + data[place + 4 :]) == (900, 700)  # by the item


def test_grids_of_tiles_are_measured_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_heif.options, "GRID_TILE_SIZE", 64)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8))
    memory = io.BytesIO()
    image.save(memory, "HEIF")
    data = memory.getvalue()
    assert frame_size(data) == (150, 100) and read_image(data).shape == (3, 100, 150)
    grid = struct.pack(">BBBBHH", 0, 0, 1, 2, 150, 100)
    assert data.count(grid) == 1
    huge = data.replace(grid, grid[:4] + struct.pack(">HH", 9000, 9000))
    with pytest.raises(GessoError, match="says 150 × 100 px around frames of 9000 × 9000 px"):
        read_image(huge)
    wide = struct.pack(">BBBBII", 0, 1, 1, 2, 40_000, 40_000)
    with pytest.raises(GessoError, match="40000 × 40000 px, over the limit"):
        read_image(data.replace(grid, wide))  # whatever this does to the rest of the file


def test_junk_in_place_of_boxes_is_no_size() -> None:
    chance = np.random.default_rng(0)
    for name in (
        b"av1C\x81",
        b"iloc",
        b"infe\2\0\0\0\0\1\0\0grid iloc",
        b"hvcC\1",
        b"stco\0\0\0\0",
        b"co64\0\0\0\0",
    ):
        for _ in range(200):
            junk = chance.bytes(int(chance.integers(0, 80)))
            frame_size(b"\0\0\0\x20ftypavif" + name + junk)  # whatever it finds, it returns


def tiff(tags: dict[int, tuple[int, ...]], data: bytes = b"") -> bytes:
    """A TIFF of these tags (short or long numbers), its data at the end; 273, 324: their place."""
    body, extra = b"", b""
    start = 8 + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        if tag in (273, 324):
            values = (start + 1000,)
        kind, code = (3, "H") if max(values) < 65536 and tag not in (273, 324) else (4, "I")
        packed = struct.pack(f"<{len(values)}{code}", *values)
        if len(packed) > 4:
            packed, extra = struct.pack("<I", start + len(extra)), extra + packed
        body += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4)
    return head + extra.ljust(1000, b"\0") + data


def tiled(side: int, data: bytes, compression: int = 5) -> bytes:
    tags = {256: (16,), 257: (16,), 258: (8, 8, 8), 259: (compression,), 262: (2,), 277: (3,)}
    more = {322: (side,), 323: (side,), 324: (0,), 325: (len(data),)}
    return tiff(tags | more, data)


COLD = """
import resource, sys
from gesso.errors import GessoError
from gesso.images.read import read_image
for limit in (100_000_000, 1000):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read_image(sys.argv[1], max_pixels=limit)
    except GessoError as error:
        assert f"{sys.argv[2]} px, over the limit of {limit} pixels" in str(error), error
    else:
        sys.exit("was read")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024
"""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (tiled(26_000, b"\x80\x00\x20\x10"), "26000 × 26000"),
        (tiled(20_000, b"\x80\x00\x20\x10", 8), "20000 × 20000"),
    ],
)
def test_tiles_larger_than_the_limit_cost_nothing(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a.tif").write_bytes(data)
    command = [sys.executable, "-c", COLD, str(tmp_path / "a.tif"), said]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_of_a_file_object_that_never_ends_no_more_is_read_than_the_limit() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= 1001
            return bytes(size)

    with pytest.raises(GessoError, match="1001 bytes, over the limit of 1000 bytes"):
        read_image(Endless(), max_bytes=1000)


def test_a_small_picture_in_one_larger_tile_is_read() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    image = read_image(tiled(256, pixels.tobytes(), 1), max_pixels=16 * 16)
    assert np.array_equal(image, (pixels[:16, :16] / np.float32(255)).transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff({256: (3,), 257: (2,), 258: (32,) * 3, 259: (1,), 262: (2,), 273: (0,), 277: (3,),
               278: (2,), 279: (72,), 339: (3,) * 3}, bytes(72)),
         "floating-point colour; save it as a TIFF or PNG of 8 or 16 bits"),
        (tiff({256: (2,), 257: (1,), 258: (64,), 259: (1,), 262: (1,), 273: (0,), 279: (16,),
               339: (3,)}, bytes(16)), "save it as a TIFF or PNG of 8 or 16 bits"),
        (tiff({256: (2,), 257: (1,), 258: (24,), 259: (1,), 262: (1,), 273: (0,), 279: (6,)},
              bytes(6)), "a TIFF of 24 bits a sample; save it as one of 8 or 16 bits"),
        (tiff({256: (2,), 257: (1,), 258: (16,), 259: (1,), 262: (1,), 273: (0,), 279: (4,),
               339: (2,)}, bytes(4)), "save it as unsigned 8 or 16 bits"),
        (tiff({256: (2,), 257: (1,), 258: (8,), 259: (1,), 262: (3,), 273: (0,), 279: (2,)},
              bytes(2)), "its tag 320 is missing"),
    ],
    ids=["float RGB", "float64", "24 bits", "signed", "no palette"],
)  # fmt: skip
def test_tiffs_that_stay_refused_say_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(GessoError, match=words):
        read_image(data)
