"""Video files: their frames with the times they are shown at, read by FFmpeg through PyAV."""

from __future__ import annotations

import bisect
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from gesso.disk.atomic import open_regular, shown
from gesso.errors import GessoError
from gesso.video.damage import cut_short
from gesso.video.frames import Frame
from gesso.video.needed import pyav
from gesso.video.pixels import Upright, lost
from gesso.video.source import Taken, nothing_left

# What is opened: no playlists, which name files and addresses of their own.
FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,h264,hevc,m4v,"
    "yuv4mpegpipe,dv,obu,gif,apng"
)
USUAL_RATE = Fraction(25)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A container for reading. Raises GessoError for a file that is none."""
    with open_regular(path):
        pass  # it is a file, and can be read
    av = pyav()
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(
            f"file:{os.path.abspath(path)}", options=options, metadata_errors="replace"
        )
    except (av.FFmpegError, ValueError) as error:
        raise GessoError(f"{shown(path)}: not a clip that can be read ({why(error)})") from error
    with container:
        yield container


def pictures_of(container: Any) -> Any:
    """The stream of pictures that a player shows; cover art is none. Raises GessoError where
    there is none."""
    from av.stream import Disposition

    found = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    known = [s for s in found if s.codec_context is not None and s.time_base]
    if not known:
        what = "of an unknown kind" if found else "but no pictures"
        raise GessoError(f"holds {'pictures ' if found else 'sound perhaps, '}{what}")
    return max(known, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height))


class Clip:
    """A video file (see `gesso.video.source.Source`).

    It is read through once, without decoding, to know the times of all its frames. Times stay as
    they are in the file; those of formats whose clock begins anywhere (MPEG-TS) begin at 0.

    Attributes:
        origin: the clip's start on the file's clock, in seconds.

    Raises:
        GessoError: a file that holds no pictures, or too large ones.
    """

    loop: int | None = None

    def __init__(self, path: Path, taken: Taken) -> None:
        self.path, self.taken = path, taken
        self.notes: list[str] = []
        self.damage = cut_short(path)
        self._upright: Upright | None = None
        with opened(path) as container:
            stream = self._pictures(container)
            self.tick = Fraction(stream.time_base)
            self.rate = Fraction(stream.average_rate or stream.guessed_rate or USUAL_RATE)
            self.origin = self._ticks(_beginning(container) + (taken.start or 0)) * self.tick
            self._find_times(container, stream)
            self._check_size(stream)

    @property
    def end(self) -> Fraction | None:
        """Where the clip ends on the file's clock, in seconds; None: with the file."""
        if self.taken.end is None:
            return None
        return self.origin + self.taken.end - (self.taken.start or 0)

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """See `Source.frames`. The place of a frame is that of its time among those of the file, so
        that it does not depend on frames that cannot be decoded."""
        if first + self._first and self._exact:
            sought = self._from(first, seek=True)
            frame = next(sought, None)
            if frame is not None and frame.index == first:
                yield frame
                yield from sought
                return
        yield from self._from(first, seek=False)

    def _from(self, first: int, seek: bool) -> Iterator[Frame]:
        shown_any = False
        with opened(self.path) as container:
            stream = self._pictures(container)
            if seek:
                place = self._first + first
                if place >= len(self._times):
                    return
                try:
                    container.seek(self._times[place], stream=stream)
                except pyav().FFmpegError:
                    return  # no index; from the beginning, then
            for place, ticks, picture in self._counted(self._decoded(container, stream, seek)):
                shown_any = True
                if place >= first:
                    if picture.is_corrupt:
                        self.note_damage("a picture is damaged")
                    yield self._frame(place, ticks, picture)
        if not shown_any and not seek:
            raise nothing_left(self, self.taken)

    def _decoded(self, container: Any, stream: Any, sought: bool) -> Iterator[Any]:
        """Pictures in the order they are shown in; what cannot be decoded is noted and left out.
        What is before the first picture after a seek may lack others."""
        av = pyav()
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                pictures = packet.decode()
            except av.EOFError:
                return
            except av.FFmpegError as error:
                if not sought:
                    self.note_damage(why(error))
                continue
            sought = sought and not pictures
            yield from pictures

    def _counted(self, pictures: Iterator[Any]) -> Iterator[tuple[int, int, Any]]:
        """(place in the clip, time in ticks, picture) of those between start and end; times always
        rise."""
        before: int | None = None
        for number, picture in enumerate(pictures):
            now = picture.pts
            if self._by_count and number < len(self._times):
                now = self._times[number]
            if now is None or (before is not None and now <= before):
                now = self._after(before)
            before = now
            if self._last is not None and now >= self._last:
                return
            place = bisect.bisect_left(self._times, now) if self._exact else number
            if now * self.tick >= self.origin or self.taken.start is None:
                yield place - self._first, now, picture

    def _after(self, before: int | None) -> int:
        """The time of a picture that has none, or that of one before it."""
        if before is None:
            return self._times[0] if self._times else 0
        place = bisect.bisect_right(self._times, before)
        return self._times[place] if place < len(self._times) else before + self._step

    def _frame(self, place: int, ticks: int, picture: Any) -> Frame:
        if self._upright is None:
            self._upright = Upright(picture, self._shape, self.taken.size)
            if what := lost(picture):
                self.notes.append(what)
            if picture.interlaced_frame:
                self.notes.append("interlaced: one of the two moments in each picture is kept")
        lasts = Fraction(picture.duration) * self.tick if picture.duration else None
        return Frame(self._upright(picture), ticks * self.tick - self.origin, place, lasts)

    def _find_times(self, container: Any, stream: Any) -> None:
        """Read all packets for the times of the frames, in ticks."""
        av = pyav()
        times, whole = array("q"), True
        ends = 0
        try:
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                whole = whole and packet.pts is not None
                times.append(packet.pts if packet.pts is not None else packet.dts or 0)
                ends = max(ends, times[-1] + (packet.duration or 0))
                if packet.is_corrupt:
                    self.note_damage("a part of it is damaged")
        except av.FFmpegError as error:
            self.note_damage(why(error))
        rising = all(a < b for a, b in pairwise(times))
        self._times = array("q", sorted(times))
        distinct = all(a < b for a, b in pairwise(self._times))
        self._by_count = bool(rising and stream.codec_context.has_b_frames)  # AVI: order of packets
        self._exact = whole and distinct and not self._by_count
        self._step = max(1, round(1 / (self.rate * self.tick)))
        begin = self._ticks(self.origin)
        self._first = bisect.bisect_left(self._times, begin) if self.taken.start is not None else 0
        self._last = None if self.end is None else -self._ticks(-self.end)  # rounded up
        last = None if self._last is None else bisect.bisect_left(self._times, self._last)
        self.count = len(self._times[self._first : last])
        if last is not None and last < len(self._times):
            ends = self._times[last]
        elif self._times and ends <= self._times[-1]:
            ends = self._times[-1] + self._step
        self.length = ends * self.tick - self.origin
        if self.count == 0 and len(self._times):
            raise nothing_left(self, self.taken)

    def _check_size(self, stream: Any) -> None:
        self._shape = stream.sample_aspect_ratio
        width, height = stream.width, stream.height
        if width * height > self.taken.max_pixels:
            trouble = f"{width} × {height} px are more than the {self.taken.max_pixels} allowed"
            raise GessoError(f"{shown(self.path)}: {trouble}; --max-pixels allows more")

    def _pictures(self, container: Any) -> Any:
        try:
            return pictures_of(container)
        except GessoError as error:
            raise GessoError(f"{shown(self.path)}: {error}") from None

    def _ticks(self, when: Fraction) -> int:
        return int(when // self.tick)

    def note_damage(self, what: str) -> None:
        """Remember what is wrong with the file; the first such thing counts."""
        self.damage = self.damage or what


def _beginning(container: Any) -> Fraction:
    """Where the clock of a format begins whose clock begins anywhere; else 0."""
    from av.format import Flags

    if not container.format.flags & Flags.ts_discont.value:
        return Fraction(0)
    starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None]
    return Fraction(min(starts, default=0))


def why(error: Exception) -> str:
    """What FFmpeg says of an error, in some words."""
    return str(getattr(error, "strerror", None) or error).splitlines()[0].lower()
