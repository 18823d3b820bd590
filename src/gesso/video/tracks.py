"""Sound and subtitles, copied packet by packet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from gesso.video.needed import pyav
from gesso.video.reading import Clip, pictures_of, why

KEPT = ("language", "title", "handler_name", "comment")  # of what a track says of itself
OWN = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration")  # of a file
ATTACHED = 0x400  # AV_DISPOSITION_ATTACHED_PIC: cover art
WORDS = {"audio": "sound", "subtitle": "subtitles"}


class Tracks:
    """What goes from a clip to its picture beside the pictures.

    Args:
        clip: where it comes from.
        source: the clip's container, open.
        output: the container to be written.

    Attributes:
        notes: a line for each track that is left out.
    """

    def __init__(self, clip: Clip, source: Any, output: Any) -> None:
        self.clip, self.source, self.notes = clip, source, list[str]()
        self._ways: dict[int, Any] = {}
        numbers: dict[str, int] = {}
        for stream in source.streams:
            if stream.type in WORDS:
                numbers[stream.type] = numbers.get(stream.type, 0) + 1
                if _holds(output.format.name, stream):
                    self._ways[stream.index] = _like(output, stream)
                else:
                    what = f"{WORDS[stream.type]} {numbers[stream.type]} ({_kind(stream)})"
                    self.notes.append(
                        f"{what}: left out, {output.format.name} cannot hold such a track"
                    )
            elif stream.type == "attachment" and output.format.name == "matroska":
                output.add_attachment(stream.name or "file", stream.mimetype or "", stream.data)
        others = [s for s in source.streams.video if not s.disposition & ATTACHED]
        if len(others) > 1:
            self.notes.append(f"{len(others) - 1} more of pictures: left out, one track is painted")
        known = {k: v for k, v in source.metadata.items() if k.lower() not in OWN}
        output.metadata.update(known)
        if chapters := _chapters(source.chapters(), clip):
            output.set_chapters(chapters)

    def describe_pictures(self, stream: Any) -> None:
        """Give the stream of pictures the language and place among others of the clip's."""
        _mark(stream, pictures_of(self.source))

    def packets(self) -> Iterator[tuple[Fraction, Any]]:
        """(time in seconds since the clip's start, packet), as the file has them."""
        if not self._ways:
            return
        begin, end = self.clip.origin, self.clip.end
        cut = self.clip.taken.start is not None
        try:
            for packet in self.source.demux([self.source.streams[i] for i in self._ways]):
                if packet.size == 0 or (packet.pts is None and packet.dts is None):
                    continue
                base = packet.time_base
                at = (packet.pts if packet.pts is not None else packet.dts) * base
                if (cut and at < begin) or (end is not None and at >= end):
                    continue
                packet.stream = self._ways[packet.stream.index]
                moved = round(begin / base)
                packet.pts = None if packet.pts is None else packet.pts - moved
                packet.dts = packet.pts if packet.dts is None else packet.dts - moved
                yield at - begin, packet
        except pyav().FFmpegError as error:
            self.clip.note_damage(why(error))


def _holds(format: str, stream: Any) -> bool:
    """Whether a format takes such a track: tried out, as libraries' lists are not exact."""
    if stream.codec_context is None:
        return False
    av = pyav()
    try:
        with av.open(io.BytesIO(), "w", format=format) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _like(output: Any, stream: Any) -> Any:
    copy = output.add_stream_from_template(stream)
    _mark(copy, stream)
    return copy


def _mark(copy: Any, stream: Any) -> None:
    copy.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() in KEPT})
    copy.disposition = stream.disposition


def _chapters(all_of_them: list[Any], clip: Clip) -> list[Any]:
    """The chapters that are in what is taken of the clip, from where and up to where they are."""
    if clip.taken.start is None and clip.taken.end is None:
        return all_of_them
    inside = []
    for chapter in all_of_them:
        unit = Fraction(chapter["time_base"])
        moved = [chapter[name] * unit - clip.origin for name in ("start", "end")]
        begin, end = (min(max(Fraction(0), at), clip.length) for at in moved)
        if begin < end:
            inside.append({**chapter, "start": round(begin / unit), "end": round(end / unit)})
    return inside


def _kind(stream: Any) -> str:
    context = stream.codec_context
    return context.name if context is not None else "unknown"
