from __future__ import annotations

import numpy as np
import pytest

from gesso.video.flow import Motions, motion, warped
from rendered_clips import moving_object, pan, zoom


def test_a_pan_is_found_to_a_tenth_of_a_pixel() -> None:
    first, _, _, last = pan(4)
    moved = motion(first.rgb, last.rgb)
    error = np.abs(moved.field - np.float32([3 * 1.7, 1.7]))
    assert error[moved.seen > 0.5].mean() < 0.1
    assert moved.seen.mean() > 0.9 and not moved.cut


def test_a_zoom_is_found_to_a_fraction_of_a_pixel() -> None:
    frames = zoom(4)
    moved = motion(frames[0].rgb, frames[3].rgb)
    ys, xs = np.mgrid[:96, :128]
    shrunk = 1 / 1.03 - 1
    true = np.stack([(xs - 64) * shrunk, (ys - 48) * shrunk], -1)
    assert np.abs(moved.field - true)[moved.seen > 0.5].mean() < 0.2


def test_what_an_object_uncovers_was_not_seen_before() -> None:
    frames, places = moving_object(6, speed=6)
    moved = motion(frames[4].rgb, frames[5].rgb)
    thing, uncovered = places[5] > 0, (places[4] > 0) & (places[5] == 0)
    assert moved.seen[uncovered].mean() < 0.3
    assert moved.seen[thing].mean() > 0.9
    assert np.abs(moved.field[thing] - np.float32([-6, 0])).mean() < 0.3


def test_what_comes_into_the_picture_was_not_seen_before() -> None:
    first, last = pan(2, speed=10)
    assert motion(first.rgb, last.rgb).seen[:, -9:].max() < 0.5


@pytest.mark.parametrize("other", ["cat", "lake", "rocket"])
def test_another_picture_is_a_cut(other: str) -> None:
    assert motion(pan(1)[0].rgb, pan(1, other)[0].rgb).cut


def test_black_to_white_is_a_cut_and_a_slow_fade_is_none() -> None:
    black, grey, white = (np.full((40, 60, 3), value, np.uint8) for value in (0, 8, 255))
    assert motion(black, white).cut
    assert not motion(black, grey).cut


def test_grain_is_no_motion() -> None:
    rng = np.random.default_rng(0)
    noisy = [f.rgb + rng.normal(0, 8, f.rgb.shape) for f in pan(2)]
    moved = motion(*(np.clip(rgb, 0, 255).astype(np.uint8) for rgb in noisy))
    assert np.abs(moved.field - np.float32([1.7, 1.7 / 3])).mean() < 0.3
    assert moved.seen.mean() > 0.7


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (12, 40), (15, 17), (31, 1300), (700, 5)])
def test_pictures_of_any_shape_have_motion(shape: tuple[int, int]) -> None:
    """DIS by itself ends the process at some of these."""
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    moved = motion(rgb, rgb)
    assert moved.field.shape == (*shape, 2) and moved.seen.shape == shape
    assert moved.seen.min() == 1 and not moved.cut


def test_a_large_picture_has_the_motion_of_its_smaller_copy() -> None:
    first, last = (np.kron(f.rgb, np.ones((10, 10, 1), np.uint8)) for f in pan(2))
    field = motion(first, last).field
    assert np.abs(np.median(field, (0, 1)) - np.float32([17, 17 / 3])).max() < 2


def test_pictures_are_moved_as_the_field_says() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    field = np.full((9, 12, 2), (2, -1), np.float32)
    assert (warped(picture, field)[1:, :-2] == picture[:-1, 2:]).all()


def test_motions_are_those_since_the_frame_before() -> None:
    frames, motions = pan(3), Motions()
    assert motions(frames[0]) is None
    found = motions(frames[1])
    assert found is not None and motions(frames[1]) is found  # asked twice, found once
    assert np.array_equal(found.field, motion(frames[0].rgb, frames[1].rgb).field)
    motions.reset()
    assert motions(frames[2]) is None
