"""Frames painted two at a time."""

from __future__ import annotations

from threading import Barrier, Event, get_ident

import numpy as np
import pytest

from gesso.video.beside import AT_ONCE, Beside
from gesso.video.frames import Frame, Pixels
from rendered_clips import Noisy, pan


class Meeting(Noisy):
    """Paints no frame before another one is painted, too."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier, self.threads = Barrier(AT_ONCE), set[int]()

    def __call__(self, frame: Frame) -> Pixels:
        self.threads.add(get_ident())
        self.barrier.wait(timeout=30)
        return super().__call__(frame)


def test_two_frames_are_painted_at_a_time_and_come_in_order() -> None:
    frames, look = pan(6), Meeting()
    beside = Beside(look, threads=2)
    for frame in frames:
        beside.prepare(frame)
    made = [beside(frame) for frame in frames]
    assert all(map(np.array_equal, made, map(Noisy(), frames)))
    assert len(look.threads) == 2 and get_ident() not in look.threads


def test_what_was_not_prepared_is_painted_when_it_is_asked_for() -> None:
    frame = pan(1)[0]
    assert np.array_equal(Beside(Noisy())(frame), Noisy()(frame))


def test_two_large_frames_are_not_painted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Where(Noisy):
        def __call__(self, frame: Frame) -> Pixels:
            self.thread = get_ident()
            return super().__call__(frame)

    monkeypatch.setattr("gesso.video.beside.LARGEST", 96 * 128 - 1)
    look, frame = Where(), pan(1)[0]
    beside = Beside(look)
    beside.prepare(frame)
    beside(frame)
    assert look.thread == get_ident()


def test_what_stops_a_picture_is_raised_where_it_is_asked_for() -> None:
    class Broken(Noisy):
        def __call__(self, frame: Frame) -> Pixels:
            raise MemoryError(f"frame {frame.index}")

    frame, beside = pan(1)[0], Beside(Broken())
    beside.prepare(frame)
    with pytest.raises(MemoryError, match="frame 0"):
        beside(frame)


def test_what_is_abandoned_is_not_begun() -> None:
    begun, go_on = list[int](), Event()

    class Slow(Noisy):
        def __call__(self, frame: Frame) -> Pixels:
            begun.append(frame.index)
            go_on.wait(30)
            return super().__call__(frame)

    frames, beside = pan(6), Beside(Slow(), threads=2)
    for frame in frames:
        beside.prepare(frame)
    beside.abandon()
    go_on.set()
    beside(frames[5])  # by itself
    assert len(begun) <= AT_ONCE + 1 and begun[-1] == 5
