from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from io import BytesIO

import numpy as np
import pytest

from gesso.errors import OptionError
from gesso.video.frames import Frame, Look, Pixels
from gesso.video.raw import Halved, raw_frames, sides, write_raw
from rendered_clips import Noisy, pan

FRAMES = pan(4)
DATA = b"".join(frame.rgb.tobytes() for frame in FRAMES)


def stylize(frames: Iterable[Frame], look: Look, out: BytesIO) -> None:
    for frame in frames:
        write_raw(look(frame), out)


class Watched(BytesIO):
    """Notes how much was there at every flush."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[int] = []

    def flush(self) -> None:
        self.flushed.append(self.tell())


class InBits(BytesIO):
    """Gives some bytes at a time, as a pipe may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 1, 1000))


class Narrow(BytesIO):
    """Takes some bytes at a time, as a pipe may."""

    def write(self, data: object) -> int:
        return super().write(bytes(data)[:1000])  # type: ignore[call-overload]


def test_a_pipe_that_takes_little_at_a_time_gets_all() -> None:
    out = Narrow()
    stylize(FRAMES, Noisy(), out)
    assert out.getvalue() == b"".join(Noisy()(frame).tobytes() for frame in FRAMES)


@pytest.mark.parametrize("stream", [BytesIO, InBits])
def test_frames_come_out_as_many_as_went_in_each_at_once(stream: type[BytesIO]) -> None:
    out = Watched()
    frames = raw_frames(stream(DATA), 128, 96, Fraction(25))
    stylize(frames, Noisy(), out)
    assert out.flushed == [128 * 96 * 3 * n for n in (1, 2, 3, 4)]
    assert out.getvalue() == b"".join(Noisy()(frame).tobytes() for frame in FRAMES)


def test_frames_have_their_numbers_and_times() -> None:
    found = list(raw_frames(BytesIO(DATA), 128, 96, Fraction(30000, 1001)))
    assert [frame.index for frame in found] == [0, 1, 2, 3]
    assert found[3].time == Fraction(1001 * 3, 30000)
    assert np.array_equal(found[2].rgb, FRAMES[2].rgb)


def test_the_frames_before_half_a_one_are_written() -> None:
    out = BytesIO()
    cut = BytesIO(DATA[: 128 * 96 * 3 * 2 + 100])
    with pytest.raises(Halved, match="ends after 100 of 36864 bytes of frame 2"):
        stylize(raw_frames(cut, 128, 96, Fraction(25)), Noisy(), out)
    assert len(out.getvalue()) == 128 * 96 * 3 * 2


def test_nothing_becomes_nothing() -> None:
    out = BytesIO()
    stylize(raw_frames(BytesIO(), 128, 96, Fraction(25)), Noisy(), out)
    assert out.getvalue() == b""


def test_pictures_in_other_memory_order_are_written_row_by_row() -> None:
    class Turned:
        memory = 0

        def __call__(self, frame: Frame) -> Pixels:
            return np.asfortranarray(frame.rgb)

        def reset(self) -> None: ...

    out = BytesIO()
    stylize(raw_frames(BytesIO(DATA), 128, 96, Fraction(25)), Turned(), out)
    assert out.getvalue() == DATA


def test_sizes_are_width_and_height() -> None:
    assert sides("640x360") == (640, 360)


@pytest.mark.parametrize("text", ["640", "0x5", "640x", "640x360x3", "-1x5", "999999x5", ""])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="640x360"):
        sides(text)
