"""Subtitles, chapters, titles and what tracks are for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from clips import Same, seen, write_clip
from gesso.video.job import Job
from gesso.video.opening import open_clip
from gesso.video.source import Taken
from gesso.video.targets import target

WORDS = """1
00:00:00,000 --> 00:00:00,400
first

2
00:00:00,500 --> 00:00:00,800
second
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip of 24 frames with a sound, subtitles, an attachment, two chapters and a title."""
    plain = write_clip(tmp_path / "plain.mkv", 24)
    path = tmp_path / "in.mkv"
    (tmp_path / "words.srt").write_text(WORDS)
    half = {"time_base": Fraction(1, 1000), "metadata": {"title": "half"}}
    halves = [
        {"id": 1, "start": 0, "end": 500, **half},
        {"id": 2, "start": 500, "end": 999, **half},
    ]
    with (
        av.open(str(plain)) as source,
        av.open(str(tmp_path / "words.srt")) as lines,
        av.open(str(path), "w") as file,
    ):
        ways = {
            one: file.add_stream_from_template(one, opaque=True)
            for one in (*source.streams, *lines.streams)
        }
        _, sound, words = ways.values()
        words.metadata.update({"language": "fre", "title": "for the deaf"})
        words.disposition = Disposition.forced | Disposition.hearing_impaired
        sound.disposition = Disposition.comment
        file.add_attachment("font.ttf", "font/ttf", b"letters")
        file.metadata["title"] = "A bar that moves"
        file.set_chapters(halves)
        for packet in (*source.demux(), *lines.demux()):
            if packet.size:
                packet.stream = ways[packet.stream]
                file.mux(packet)
    return path


def copied(clip: Path, out: Path, taken: Taken | None = None) -> list[str]:
    job = Job(open_clip(clip, taken), taken or Taken(), target(out), "")
    job.make(Same(), lambda progress: None)
    return job.finish()


def test_subtitles_chapters_fonts_and_what_tracks_are_for(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    assert copied(clip, out) == []
    assert seen(out).tracks == seen(clip).tracks
    assert [kind for kind, _, _ in seen(out).tracks] == ["audio", "subtitle"]
    with av.open(str(clip)) as before, av.open(str(out)) as after:
        for one, other in zip(before.streams, after.streams, strict=True):
            assert one.type == other.type
            if one.type != "attachment":
                assert one.disposition == other.disposition
                assert one.metadata.get("title") == other.metadata.get("title")
        assert after.metadata["title"] == "A bar that moves"
        assert [c["start"] for c in after.chapters()] == [c["start"] for c in before.chapters()]
        (font,) = (s for s in after.streams if s.type == "attachment")
        assert font.data == b"letters"


def test_subtitles_that_a_format_cannot_hold_are_named(clip: Path, tmp_path: Path) -> None:
    assert copied(clip, tmp_path / "out.mp4") == [
        "subtitles 1 (srt): left out, mp4 cannot hold such a track"
    ]
    assert [kind for kind, _, _ in seen(tmp_path / "out.mp4").tracks] == ["audio"]


def test_subtitles_of_a_part(clip: Path, tmp_path: Path) -> None:
    copied(clip, tmp_path / "out.mkv", Taken(start=Fraction(1, 2)))
    words = seen(tmp_path / "out.mkv").tracks[1][2]
    assert words == [(Fraction(0), b"second")]
    with av.open(str(tmp_path / "out.mkv")) as after:
        (chapter,) = after.chapters()
        ends = [chapter[name] * chapter["time_base"] for name in ("start", "end")]
        assert ends == [0, Fraction(499, 1000)] and chapter["metadata"] == {"title": "half"}


def test_chapters_are_those_of_the_part(clip: Path, tmp_path: Path) -> None:
    part = Taken(start=Fraction(1, 4), end=Fraction(3, 4))
    copied(clip, tmp_path / "out.mkv", part)
    with av.open(str(tmp_path / "out.mkv")) as after:
        found = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in after.chapters()]
    assert found == [(0, Fraction(1, 4)), (Fraction(1, 4), Fraction(1, 2))]


def test_a_second_track_of_pictures_is_named(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "one.mkv", 6, sounds=())
    path = tmp_path / "in.mkv"
    with av.open(str(one)) as source, av.open(str(one)) as again, av.open(str(path), "w") as file:
        ways = [(s, file.add_stream_from_template(s.streams.video[0])) for s in (source, again)]
        for container, way in ways:
            for packet in container.demux():
                if packet.size:
                    packet.stream = way
                    file.mux(packet)
    assert copied(path, tmp_path / "out.mkv") == [
        "1 more of pictures: left out, one track is painted"
    ]
    assert len(seen(tmp_path / "out.mkv").pictures) == 6
