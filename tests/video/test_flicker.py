from __future__ import annotations

import math

import numpy as np
import pytest

from gesso.video.flicker import Flicker, warping_error
from gesso.video.flow import motion
from rendered_clips import Noisy, numbered, pan, zoom


def test_a_rendered_pan_hardly_flickers() -> None:
    flicker = Flicker()
    for frame in pan(6):
        flicker.add(frame, {"original": frame.rgb})
    assert flicker.errors["original"].short.value < 3e-4
    assert flicker.errors["original"].long.value < 2e-3
    assert flicker.errors["original"].short.count == 5


@pytest.mark.parametrize("amount", [10.0, 30.0])
def test_noise_counts_with_twice_its_variance(amount: float) -> None:
    """Of two pictures with independent noise; where nothing moves."""
    look, flicker = Noisy(amount), Flicker()
    still = np.full((64, 80, 3), 128, np.uint8)
    for frame in numbered(iter([still] * 9)):
        flicker.add(frame, {"noisy": look(frame)})
    expected = 2 * (amount / 255) ** 2
    assert math.isclose(flicker.errors["noisy"].short.value, expected, rel_tol=0.1)
    assert math.isclose(flicker.errors["noisy"].long.value, expected, rel_tol=0.1)


def test_a_slow_drift_shows_in_the_long_range_only() -> None:
    flicker = Flicker()
    for frame in numbered(iter([pan(1)[0].rgb] * 11)):
        flicker.add(frame, {"drifting": np.full_like(frame.rgb, 100 + 5 * frame.index)})
    errors = flicker.errors["drifting"]
    assert math.isclose(errors.short.value, (5 / 255) ** 2, rel_tol=1e-3)
    assert math.isclose(errors.long.value, 38.5 * (5 / 255) ** 2, rel_tol=1e-3)  # mean of n²


def test_a_cut_counts_nothing() -> None:
    frames = numbered(f.rgb for f in [*pan(3), *zoom(3, "cat")])
    flicker = Flicker()
    for frame in frames:
        flicker.add(frame, {"shots": np.full_like(frame.rgb, 0 if frame.index < 3 else 255)})
    assert flicker.shots == 2
    assert flicker.errors["shots"].short.count == 4
    assert flicker.errors["shots"].short.value == 0


def test_places_that_were_hidden_count_nothing() -> None:
    first, last = pan(2, speed=10)
    moved = motion(first.rgb, last.rgb)
    before, now = np.zeros_like(first.rgb), np.zeros_like(last.rgb)
    now[moved.seen == 0] = 255
    assert (now == 255).any()
    assert warping_error(moved, before, now) == 0


def test_frames_that_do_not_follow_each_other_are_not_compared() -> None:
    first, *_, last = pan(4)
    flicker = Flicker()
    for frame in (first, last):
        flicker.add(frame, {"shots": np.full_like(frame.rgb, frame.index)})
    assert flicker.shots == 2 and not flicker.errors
