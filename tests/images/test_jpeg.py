"""JPEG files that lack their end marker, or that cannot be decoded at a fraction of their size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gesso.errors import GessoError
from gesso.images.read import read_image

KINDS = {
    "baseline": {},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "full colour": {"subsampling": 0, "quality": 95},
    "restarts": {"restart_marker_blocks": 2},
    "grey": {},
}


def jpeg(kind: str) -> bytes:
    y, x = np.mgrid[0:44, 0:60]
    waves = np.stack([np.sin(x / 5 + y / 9), np.cos(x / 7), np.sin(y / 3)], -1) * 90 + 128
    grain = np.random.default_rng(0).normal(0, 12, waves.shape)
    image = Image.fromarray((waves + grain).clip(0, 255).astype(np.uint8))
    memory = io.BytesIO()
    (image.convert("L") if kind == "grey" else image).save(memory, "JPEG", **KINDS[kind])
    return memory.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_end_marker_a_jpeg_is_read_and_without_a_pixel_it_is_not(kind: str) -> None:
    data = jpeg(kind)
    whole = read_image(data)
    assert all(np.array_equal(read_image(data[:-cut]), whole) for cut in (1, 2))
    assert read_image(data[:-2], size=7).shape == (3, 5, 7)
    refused = 0
    for cut in [*range(3, 40), *range(40, len(data) - 2, 97)]:
        try:
            assert np.array_equal(read_image(data[:-cut]), whole), cut
        except GessoError as error:
            assert "damaged or unsupported JPEG file" in str(error)
            refused += 1
    assert refused > 30


def test_a_progressive_jpeg_that_ends_between_two_scans_is_refused() -> None:
    data = jpeg("progressive")
    scans = [i for i in range(len(data)) if data[i : i + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for start in scans[1:]:
        with pytest.raises(GessoError, match="damaged or unsupported JPEG file"):
            read_image(data[:start])


def lossless(side: int = 256) -> bytes:
    """A mid-grey JPEG of the lossless kind (SOF3, predictor 1), one bit a pixel."""

    def segment(mark: int, body: bytes) -> bytes:
        return bytes([0xFF, mark]) + (len(body) + 2).to_bytes(2, "big") + body

    size = side.to_bytes(2, "big")
    frame = segment(0xC3, b"\x08" + size + size + b"\x01\x01\x11\x00")
    table = segment(0xC4, b"\x00\x01" + bytes(15) + b"\x00")  # one code: difference 0
    scan = segment(0xDA, b"\x01\x01\x00\x01\x00\x00")
    return b"\xff\xd8" + frame + table + scan + bytes(side * side // 8) + b"\xff\xd9"


def test_a_jpeg_that_has_no_smaller_decoding_is_decoded_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(lossless())
    for size in (None, 256, 128, 24, 1):
        image = read_image(tmp_path / "a.jpg", size=size)
        assert image.shape[1] == (size or 256) and np.abs(image - 128 / 255).max() < 1e-6
