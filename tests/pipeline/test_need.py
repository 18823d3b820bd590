"""What a photo needs is known before it is read."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gesso.controls.painting import Limit
from gesso.errors import GessoError
from gesso.methods.registry import about
from gesso.nn import memory
from gesso.pipeline.need import check_memory, needed

ADAIN = about("adain")
WHOLE, TILED = replace(ADAIN, tile_bytes=0), replace(ADAIN, tile_bytes=40)
LIMIT = Limit(pixels=ADAIN.paint_pixels)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """4000 × 3000 px."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.zeros((3000, 4000), np.uint8)).save(path)
    return path


@pytest.mark.parametrize("name", ["adain", "wct", "meta_networks", "style_swap", "avatar_net"])
def test_a_hundred_megapixels_need_less_than_two_gigabytes(name: str) -> None:
    known = about(name)
    assert known.paint_pixels is not None
    assert 1.2e9 < needed(100_000_000, known.paint_pixels, known) < 1.7e9  # and torch has 0.3


def test_what_is_painted_polished_and_not_in_tiles_needs_more() -> None:
    whole = [needed(12_000_000, painted, WHOLE) for painted in (2_000_000, 12_000_000)]
    assert whole[1] > 3 * whole[0]
    assert needed(12_000_000, 12_000_000, TILED) == whole[1]
    assert needed(12_000_000, 12_000_000, TILED, room=whole[1] - 1) < whole[1] / 3
    assert needed(12_000_000, 2_000_000, WHOLE, polished=1_000_000) > 2e9
    more = needed(12_000_000, 12_000_000, TILED, polished=12_000_000, room=2 * 10**9)
    assert 1.2 * whole[0] < more < 2e9


def test_descents_at_the_size_of_a_photo_fit_in_tiles(photo: Path) -> None:
    now = memory.resident()
    if now is None:
        pytest.skip("this system does not say what a process has")
    for name in ("matching", "gatys"):
        with memory.at_most(now + 2 * 10**9):
            check_memory(photo, None, Limit(side=4000), about(name))
        with memory.at_most(now + 10**9), pytest.raises(GessoError, match=r"need \d\.\d GB"):
            check_memory(photo, None, Limit(side=4000), about(name))


def test_a_photo_that_does_not_fit_is_refused_by_its_header(photo: Path) -> None:
    now = memory.resident()
    if now is None:
        pytest.skip("this system does not say what a process has")
    with memory.at_most(now + 10**9), pytest.raises(GessoError) as refusal:
        check_memory(photo, None, LIMIT, WHOLE)
    line = "photo.jpg: 4000 × 3000 px, painted at 2.0 megapixels, need 1.3 GB; "
    assert line in str(refusal.value) and "\n" not in str(refusal.value)
    with memory.at_most(now + 10**9):
        check_memory(photo, 800, LIMIT, WHOLE)  # a smaller result fits


def test_what_it_needs_is_logged(photo: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("gesso").propagate = True
    with caplog.at_level(logging.INFO, logger="gesso.pipeline.need"), memory.at_most(10**11):
        check_memory(photo, None, LIMIT, WHOLE)
    assert "4000 × 3000 px, painted at 2.0 megapixels, take about 1.3 GB; " in caplog.text


def test_a_photo_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    check_memory(tmp_path / "none.jpg", None, LIMIT, WHOLE)
