"""An encoder writes the same bytes for the same pictures, whatever the processor."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from gesso.video.targets import target
from gesso.video.writing import Encoder


def test_the_same_pictures_are_the_same_bytes(tmp_path: Path) -> None:
    """Forty times: x264's AVX-512 code is at fault in 4 of 100."""
    blocks = np.random.default_rng(0).integers(0, 255, (42, 52, 3), dtype=np.uint8)
    large = blocks.repeat(4, 0).repeat(4, 1)
    pictures = [np.ascontiguousarray(large[i : i + 120, 2 * i : 2 * i + 160]) for i in range(10)]
    codec, path = target(tmp_path / "out.mp4").codec, tmp_path / "segment.nut"
    assert codec is not None
    written = set()
    for _ in range(40):
        encoder = Encoder(path, codec, Fraction(1, 12800), Fraction(25))
        for number, picture in enumerate(pictures):
            encoder.add(picture, None, 512 * number)
        encoder.close()
        written.add(path.read_bytes())
    assert len(written) == 1
