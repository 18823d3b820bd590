"""Segments → the finished clip, with its sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from heapq import merge
from itertools import takewhile
from pathlib import Path
from typing import Any

from gesso.disk.atomic import atomic_path, shown
from gesso.errors import GessoError
from gesso.video.needed import pyav
from gesso.video.reading import Clip, opened, why
from gesso.video.source import Source
from gesso.video.still import write_animation, write_folder
from gesso.video.targets import Target
from gesso.video.tracks import Tracks

FINE = 10_000  # parts of a second


def put_together(
    files: Sequence[Path],
    source: Source,
    target: Target,
    out: Path | None = None,
    *,
    whole: bool = True,
) -> list[str]:
    """Write the clip of the segments in these files, in their order; returns lines about what could
    not be kept. The same segments always give the same bytes.

    Args:
        source: the clip that they are made of.
        target: what is written.
        out: where to; None: where the target says.
        whole: whether these are all segments; if not, the sound ends with the pictures.

    Raises:
        GessoError: it cannot be written.
    """
    path = out or target.path
    full = [file for file in files if file.stat().st_size]
    if not full:
        raise GessoError(f"{shown(source.path)}: holds no picture that can be shown")
    length = source.length if whole else _end_of(full[-1], source)
    if target.kind == "container":
        return _container(full, source, target, path, length, whole)
    if target.kind == "animation":
        write_animation(path, target.format, full, source, length)
    else:
        write_folder(path, full, source)
    return []


def _container(
    files: Sequence[Path], source: Source, target: Target, path: Path, length: Fraction, whole: bool
) -> list[str]:
    options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}  # sound may begin before 0
    if target.format in ("mp4", "mov"):
        options["movflags"] = "+faststart"
        options["movie_timescale"] = str(_fine(source.tick.denominator))  # of late starts
    av = pyav()
    try:
        with atomic_path(path) as temporary, ExitStack() as stack:
            way = av.open(str(temporary), "w", format=target.format, options=options)
            output = stack.enter_context(way)
            with av.open(str(files[0])) as first:
                pictures = output.add_stream_from_template(first.streams.video[0], opaque=True)
            ways = [_pictures(files, pictures, target.codec.reorder, source, length)]
            notes: list[str] = []
            if isinstance(source, Clip):
                tracks = Tracks(source, stack.enter_context(opened(source.path)), output)
                tracks.describe_pictures(pictures)
                sound = tracks.packets()
                ways.append(sound if whole else takewhile(lambda one: one[0] < length, sound))
                notes = tracks.notes
            for _, packet in merge(*ways, key=lambda one: one[0]):
                _add(packet, output, pictures, source)
    except av.FFmpegError as error:
        raise GessoError(f"{shown(path)}: cannot be written ({why(error)})") from error
    return notes


def _fine(scale: int) -> int:
    """Parts of a second, a multiple of `scale`, that are shorter than a tenth of a millisecond."""
    return scale * -(-FINE // scale)


def _add(packet: Any, output: Any, pictures: Any, source: Source) -> None:
    """Write a packet; one of sound that is damaged is left out."""
    try:
        output.mux(packet)
    except pyav().FFmpegError:
        if packet.stream is pictures or not isinstance(source, Clip):
            raise
        source.note_damage("a part of its sound is damaged")


def _pictures(
    files: Sequence[Path], stream: Any, reorder: int, source: Source, length: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    """(time, packet) of the pictures in all segments, as one stream.

    Packets are decoded in the order of their dts: the n-th one's is the time that the picture
    n − `reorder` is shown at, which never is after its own.
    """
    before: deque[int] = deque(maxlen=reorder)
    last = len(files) - 1
    for number, file in enumerate(files):
        packets = _packets(file)
        base = packets[0].time_base
        times = sorted(packet.pts for packet in packets)
        if number == 0:
            step = max(1, round(1 / (source.rate * base)))
            before.extend(times[0] - step * n for n in range(reorder, 0, -1))
        order = [*before, *times]
        ends = [*times[1:], None if number < last else round(length / base)]
        lasts = dict(zip(times, ends, strict=True))
        for packet, dts in zip(packets, order, strict=False):
            end = lasts[packet.pts]
            packet.duration = max(0, end - packet.pts) if end is not None else packet.duration
            packet.dts = dts
            packet.stream = stream
            yield dts * base, packet
        before.extend(times)


def _end_of(file: Path, source: Source) -> Fraction:
    """When the last picture of a segment is over, in seconds."""
    packets = _packets(file)
    return Fraction(max(p.pts * p.time_base for p in packets)) + 1 / source.rate


def _packets(file: Path) -> list[Any]:
    with pyav().open(str(file)) as segment:
        return [p for p in segment.demux(segment.streams.video[0]) if p.size]
