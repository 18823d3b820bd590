"""Frames → segments: decoding, stylizing and encoding go on at the same time, with a few frames
between them, so that memory does not grow with the clip.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import takewhile
from typing import TYPE_CHECKING

from gesso.errors import GessoError
from gesso.reports import OnProgress, Progress
from gesso.video.frames import Frame, Look, Pixels
from gesso.video.parts import SEGMENT, Parts
from gesso.video.source import Source
from gesso.video.targets import Codec
from gesso.video.threads import Behind, ahead
from gesso.video.writing import SegmentWriter

if TYPE_CHECKING:
    from gesso.video.beside import Beside

Made = tuple[int, Frame, Pixels]  # a segment's number, a frame of it, and what became of that


def make(
    source: Source,
    look: Look,
    parts: Parts,
    codec: Codec,
    wanted: Sequence[int],
    on_progress: OnProgress,
    beside: Beside | None = None,
) -> int:
    """Make segments of a clip; returns the number of frames.

    An interruption leaves the segment at hand unfinished, with all frames so far.

    Args:
        source: the clip.
        look: makes the pictures, each segment's after a `reset` and the frames it remembers.
        parts: where the segments go.
        codec: how they are encoded.
        wanted: their numbers, rising.
        beside: what `look` asks for pictures of single frames, which so are begun with early.

    Raises:
        GessoError: a clip of which nothing can be shown, segments that cannot be written.
    """
    writer = SegmentWriter(parts, codec, source.tick, source.rate)
    encoding = Behind[Made](lambda made: writer.add(*made))
    told = _Told(on_progress, _frames_in(wanted, source.count))
    complete = False
    try:
        for run in _runs(wanted):
            for made in _stylized(source, look, run, beside):
                encoding.put(made)
                told.count()
        complete = True
    finally:
        try:
            encoding.finish()
        finally:
            writer.close(complete)
    for number in set(wanted) - writer.written:
        parts.path(number).touch()  # no frame of it can be shown
    return told.done


def _stylized(source: Source, look: Look, run: range, beside: Beside | None) -> Iterator[Made]:
    """What becomes of the frames of segments one after the other, to the end of the clip where the
    last of its segments is among them."""
    begin, end = run.start * SEGMENT, run.stop * SEGMENT
    if end >= source.count:  # it may have some more than it says
        end = max(end, 2**62)
    first = max(0, begin - look.memory)
    frames: Iterator[Frame] = takewhile(lambda frame: frame.index < end, source.frames(first))
    if beside is not None:
        frames = _prepared(frames, beside)
    before: deque[Frame] = deque(maxlen=look.memory)
    segment: int | None = None
    with ExitStack() as stack:
        if beside is not None:
            stack.callback(beside.abandon)
        coming = stack.enter_context(closing(ahead(frames)))  # type: ignore[type-var]
        for frame in coming:
            if frame.index >= begin:
                if segment != frame.index // SEGMENT:
                    segment = frame.index // SEGMENT
                    look.reset()
                    for earlier in before:
                        look(earlier)
                picture = look(frame)
                if picture.shape != frame.rgb.shape:
                    raise GessoError(f"look: {picture.shape} of a frame {frame.rgb.shape}")
                yield segment, frame, picture
            before.append(frame)


def _prepared(frames: Iterable[Frame], beside: Beside) -> Iterator[Frame]:
    for frame in frames:
        beside.prepare(frame)
        yield frame


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """The numbers as stretches without gaps."""
    start = 0
    for place, number in enumerate(numbers):
        if place + 1 == len(numbers) or numbers[place + 1] != number + 1:
            yield range(numbers[start], number + 1)
            start = place + 1


def _frames_in(numbers: Sequence[int], count: int) -> int:
    return sum(max(0, min(count, (n + 1) * SEGMENT) - n * SEGMENT) for n in numbers)


class _Told:
    """How many frames are done, and how many a second."""

    def __init__(self, on_progress: OnProgress, total: int) -> None:
        self.on_progress, self.total, self.done = on_progress, total, 0
        self.began = time.monotonic()
        self._tell()

    def count(self) -> None:
        self.done += 1
        self._tell()

    def _tell(self) -> None:
        taken = time.monotonic() - self.began
        note = f"{self.done / taken:.1f} frames/s" if self.done and taken else ""
        total = max(self.total, self.done)
        self.on_progress(Progress("stylizing", self.done, total, "frames", note))
