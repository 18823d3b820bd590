from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from gesso.video.flicker import Flicker
from gesso.video.flow import Motions
from gesso.video.frames import Frame, Pixels
from gesso.video.steady import Steady
from rendered_clips import Noisy, moving_object, numbered, pan, zoom


def objects(count: int) -> list[Frame]:
    return moving_object(count)[0]


def measured(frames: Iterable[Frame], look: Steady) -> Flicker:
    flicker = Flicker()
    for frame in frames:
        made = look(frame)
        assert look.plain is not None
        flicker.add(frame, {"steady": made, "plain": look.plain, "original": frame.rgb})
    return flicker


@pytest.mark.parametrize("clip", [pan, zoom, objects])
def test_the_warping_error_is_at_most_half(clip: Callable[[int], list[Frame]]) -> None:
    errors = measured(clip(12), Steady(Noisy())).errors
    assert errors["steady"].short.value < 0.25 * errors["plain"].short.value
    assert errors["steady"].long.value < 0.5 * errors["plain"].long.value


def test_a_look_without_flicker_keeps_its_pictures() -> None:
    """Neither blurred, though each is moved many times, nor with a ghost behind the object."""
    frames, places = moving_object(12, speed=6)
    look = Steady(Noisy(0))
    for frame in frames:
        made = look(frame)
    assert look.plain is not None
    difference = np.abs(made.astype(int) - look.plain).mean(-1)
    behind = (np.maximum.reduce(places[:-1]) > 0) & (places[-1] == 0)
    assert difference[behind].mean() < 3
    assert difference.mean() < 3
    detail = [np.abs(np.diff(p.astype(int), axis=1)).mean() for p in (made, look.plain)]
    assert detail[0] > 0.9 * detail[1]


def test_a_cut_begins_anew() -> None:
    inner = Noisy()
    look = Steady(inner)
    frames = numbered(f.rgb for f in [*pan(4), *pan(3, "cat")])
    made = [look(frame) for frame in frames]
    fresh = Noisy()
    assert np.array_equal(made[4], fresh(frames[4]))
    assert not np.array_equal(made[5], fresh(frames[5]))
    assert inner.resets == 2  # at the clip's start and at the cut


def test_after_a_reset_nothing_is_known_of_before() -> None:
    frames, look = pan(4), Steady(Noisy())
    for frame in frames[:3]:
        look(frame)
    look.reset()
    assert np.array_equal(look(frames[3]), Noisy()(frames[3]))


def test_a_frame_of_another_size_begins_anew() -> None:
    look = Steady(Noisy())
    look(pan(1)[0])
    small = Frame(np.zeros((20, 30, 3), np.uint8), pan(2)[1].time, 1)
    assert look(small).shape == (20, 30, 3)


def test_a_share_of_nothing_changes_nothing() -> None:
    look = Steady(Noisy(), share=0.0)
    for frame in pan(3):
        assert np.array_equal(look(frame), Noisy()(frame))


def test_the_same_clip_gives_the_same_pictures() -> None:
    def made() -> list[Pixels]:
        look = Steady(Noisy(), motions=Motions())
        return [look(frame) for frame in pan(4)]

    assert all(map(np.array_equal, made(), made()))


def test_after_the_frames_it_remembers_a_look_goes_on_as_if_it_had_seen_all() -> None:
    frames, whole, part = pan(30), Steady(Noisy(), 0.7), Steady(Noisy(), 0.7)
    made = [whole(frame) for frame in frames]
    for frame in frames[29 - part.memory : 29]:
        part(frame)
    assert part.memory == 12
    assert np.abs(part(frames[29]).astype(int) - made[29]).mean() < 0.5


@pytest.mark.parametrize(("kept", "painted"), [(128 * 96 * 3, 5), (1000, 10)])
def test_a_frame_that_is_shown_again_is_not_painted_again_unless_it_is_large(
    kept: int, painted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gesso.video.steady.KEPT_BYTES", kept)

    class Counting(Noisy):
        seen = 0

        def __call__(self, frame: Frame) -> Pixels:
            self.seen += 1
            return super().__call__(frame)

    inner, frames = Counting(), pan(5)
    look = Steady(inner)
    made = [look(frame) for frame in frames]
    look.reset()
    assert all(np.array_equal(look(frame), one) for frame, one in zip(frames, made, strict=True))
    assert inner.seen == painted
