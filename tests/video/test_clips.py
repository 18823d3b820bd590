"""Clips in, clips out: every frame at its time, upright and in its colours, with all sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clips import RATE, Same, Seen, Sound, picture, seen, write_clip
from gesso.errors import GessoError
from gesso.reports import Progress
from gesso.video.frames import Look
from gesso.video.job import Job
from gesso.video.opening import open_clip
from gesso.video.source import Source, Taken, seconds
from gesso.video.targets import H264, target
from gesso.video.writing import Encoder

ALL = {
    "mp4": [Sound("aac", "eng"), Sound("ac3", "ger"), Sound("mp2", "fre")],
    "mov": [Sound("pcm_s16le"), Sound("aac", "ger")],
    "mkv": [Sound("flac"), Sound("libopus", "ger")],
    "webm": [Sound("libopus", "ger")],
    "avi": [Sound("mp2")],
    "ts": [Sound("mp2", "ger")],
}
TURNS = {  # a display matrix → the rows and columns of what is seen
    (0, 1, -1, 0): lambda a: np.rot90(a, -1),
    (0, -1, 1, 0): lambda a: np.rot90(a, 1),
    (-1, 0, 0, -1): lambda a: a[::-1, ::-1],
    (-1, 0, 0, 1): lambda a: a[:, ::-1],
}


def quiet(progress: Progress) -> None:
    pass


def made(clip: Path, out: Path, look: Look | None = None, **taken: Any) -> tuple[Source, list[str]]:
    """What `look` makes of a clip, written to `out`: the clip and the lines about it."""
    found = Taken(**taken)
    source = open_clip(clip, found)
    job = Job(source, found, target(out), "a look")
    job.make(look or Same(), quiet)
    return source, job.finish()


def clip_of(folder: Path, suffix: str, **how: Any) -> Path:
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    return write_clip(folder / f"in.{suffix}", codec=codec, sounds=ALL[suffix], **how)


def assert_in_time(before: Seen, after: Seen, origin: Fraction = Fraction(0)) -> None:
    """Every frame is there at its time, within a tick of either file."""
    assert len(after.times) == len(before.times) > 0
    tick = max(before.tick if before.tick < Fraction(1, 100) else Fraction(0), after.tick)
    for one, other in zip(sorted(before.times), after.times, strict=True):
        assert abs(other + origin - one) <= tick


@pytest.mark.parametrize("suffix", list(ALL))
def test_every_frame_is_at_its_time_and_every_packet_of_sound_is_the_same(
    suffix: str, tmp_path: Path
) -> None:
    clip = clip_of(tmp_path, suffix)
    out = tmp_path / ("out.webm" if suffix == "webm" else "out.mkv")
    source, notes = made(clip, out)
    before, after = seen(clip), seen(out)
    origin = min(before.times[0], before.tracks[0][2][0][0]) if suffix == "ts" else Fraction(0)
    assert_in_time(before, after, origin)
    assert notes == [] and source.notes == [] and source.damage is None
    assert len(after.tracks) == len(before.tracks) == len(ALL[suffix])
    for (kind, language, packets), (kind2, language2, packets2) in zip(
        before.tracks, after.tracks, strict=True
    ):
        assert kind == kind2
        assert language == language2
        assert [data for _, data in packets] == [data for _, data in packets2]
        for (time, _), (time2, _) in zip(packets, packets2, strict=True):
            assert abs(time2 + origin - time) <= Fraction(1, 1000)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_every_format_is_written(suffix: str, tmp_path: Path) -> None:
    clip = clip_of(tmp_path, "mp4")
    out = tmp_path / f"out.{suffix}"
    _, notes = made(clip, out)
    after = seen(out)
    assert_in_time(seen(clip), after)
    shown = after.pictures[3][4, 30:]  # beside the bar
    assert np.abs(shown.astype(int) - picture(3)[4, 30:]).max() <= 8
    assert len(notes) == (3 if suffix == "webm" else 0)
    for note in notes:
        assert "left out, webm cannot hold" in note


def test_variable_rates_stay_variable_with_frames_out_of_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    times = [int(t) for t in 500 + np.cumsum(rng.integers(100, 9000, 40))]
    options = {"bf": "3", "b-pyramid": "normal", "g": "12"}
    how: dict[str, Any] = {"times": times, "tick": Fraction(1, 90_000), "sounds": []}
    for suffix in ("mp4", "mkv"):
        clip = write_clip(tmp_path / f"in.{suffix}", options=options, **how)
        for end in ("mp4", "mkv"):
            made(clip, tmp_path / f"out.{end}")
            assert_in_time(seen(clip), seen(tmp_path / f"out.{end}"))


@pytest.mark.parametrize("rate", [Fraction(24_000, 1001), Fraction(30_000, 1001), 60])
@pytest.mark.parametrize("suffix", ["mp4", "avi"])
def test_usual_rates_stay_exact(suffix: str, rate: Fraction, tmp_path: Path) -> None:
    clip = clip_of(tmp_path, suffix, rate=rate)
    made(clip, tmp_path / "out.mp4")
    before, after = seen(clip), seen(tmp_path / "out.mp4")
    for one, other in zip(sorted(before.times), after.times, strict=True):
        assert abs(one - other) <= after.tick


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_groups_that_lean_on_those_before_are_read_from_anywhere(
    suffix: str, tmp_path: Path
) -> None:
    options = {"g": "8", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}
    clip = open_clip(write_clip(tmp_path / f"in.{suffix}", 40, options=options, sounds=[]))
    everything = list(clip.frames())
    for first in range(1, 40, 3):
        frame = next(clip.frames(first))
        assert frame.index == first
        np.testing.assert_array_equal(frame.rgb, everything[first].rgb)
    assert clip.damage is None


def test_pictures_that_begin_late_do_so_in_the_result(tmp_path: Path) -> None:
    times = list(range(30_000, 70_000, 4_000))
    clip = write_clip(tmp_path / "in.mkv", times=times, tick=Fraction(1, 16_000))
    made(clip, tmp_path / "out.mp4")
    before, after = seen(clip), seen(tmp_path / "out.mp4")
    assert before.times[0] > Fraction(18, 10)
    assert_in_time(before, after)
    assert abs(after.tracks[0][2][0][0] - before.tracks[0][2][0][0]) <= Fraction(1, 1000)


@pytest.mark.parametrize("turn", list(TURNS))
def test_frames_come_upright(turn: tuple[int, int, int, int], tmp_path: Path) -> None:
    a, b, c, d = (65536 * n for n in turn)
    matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    plain = write_clip(tmp_path / "plain.mp4", 2, sounds=[])
    turned = write_clip(tmp_path / "turned.mp4", 2, sounds=[], matrix=matrix)
    wanted = TURNS[turn](next(open_clip(plain).frames()).rgb)
    np.testing.assert_array_equal(next(open_clip(turned).frames()).rgb, wanted)
    made(turned, tmp_path / "out.mp4")
    assert seen(tmp_path / "out.mp4").pictures[0].shape == wanted.shape


@pytest.mark.parametrize(("shape", "size"), [((2, 1), (32, 96)), ((1, 2), (64, 48))])
def test_pixels_become_square_without_loss_of_lines(
    shape: tuple[int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "in.mp4", 2, sounds=[], shape=Fraction(*shape))
    assert next(open_clip(clip).frames()).rgb.shape[:2] == size


@pytest.mark.parametrize("size", [(1, 1), (15, 17), (41, 30)])
@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_odd_sizes_play(size: tuple[int, int], suffix: str, tmp_path: Path) -> None:
    width, height = size
    how: dict[str, Any] = {"codec": "ffv1", "pixel_format": "bgr0", "sounds": []}
    clip = write_clip(tmp_path / "in.mkv", 3, width=width, height=height, **how)
    made(clip, tmp_path / f"out.{suffix}")
    after = seen(tmp_path / f"out.{suffix}")
    assert len(after.times) == 3
    rows, columns = after.pictures[0].shape[:2]
    assert 0 <= rows - height <= 1 and 0 <= columns - width <= 1


def test_the_longer_side_is_as_asked_for(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4", 3, sounds=[])
    made(clip, tmp_path / "out.mp4", size=24)
    assert seen(tmp_path / "out.mp4").pictures[0].shape == (16, 24, 3)


@pytest.mark.parametrize("label", [{}, {"colorspace": 1, "color_range": 1}, {"colorspace": 5}])
def test_colours_are_kept_whatever_matrix_they_are_in(
    label: dict[str, int], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "in.mp4", 2, sounds=[], colors=label, options={"crf": "4"})
    made(clip, tmp_path / "out.mp4")
    before, after = seen(clip).pictures[1], seen(tmp_path / "out.mp4").pictures[1]
    assert np.abs(before[:, 16:].astype(int) - after[:, 16:]).max() <= 6


def test_ten_bits_and_hdr_are_mapped_with_a_note(tmp_path: Path) -> None:
    ten: dict[str, Any] = {"codec": "ffv1", "pixel_format": "yuv420p10le", "sounds": []}
    clip = write_clip(tmp_path / "in.mkv", 3, **ten)
    source, _ = made(clip, tmp_path / "out.mp4")
    assert source.notes == ["10 bits a channel become 8"]
    colors = {"color_trc": 16, "color_primaries": 9, "colorspace": 9}
    bright = write_clip(tmp_path / "hdr.mkv", 3, colors=colors, **ten)
    source, _ = made(bright, tmp_path / "out.mp4")
    assert source.notes == ["HDR (PQ) is mapped to sRGB, brighter than white is cut"]
    frame = next(open_clip(bright).frames()).rgb
    assert 150 < frame[0, 40].max() < 190 and frame.max() == 255  # 90 cd/m² of 203, and 3000


def test_a_part_of_a_clip_begins_at_its_start_with_its_sound(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mkv", 48, options={"g": "10"})
    start, end = seconds("start", "0:00.5"), seconds("end", "1.25")
    made(clip, tmp_path / "out.mkv", start=start, end=end)
    before, after = seen(clip), seen(tmp_path / "out.mkv")
    inside = [t for t in before.times if Fraction(1, 2) <= t < Fraction(5, 4)]
    assert len(after.times) == len(inside) == 18
    for one, other in zip(inside, after.times, strict=True):
        assert abs(one - Fraction(1, 2) - other) <= Fraction(1, 1000)
    packets = [p for p in before.tracks[0][2] if Fraction(1, 2) <= p[0] < Fraction(5, 4)]
    assert [data for _, data in after.tracks[0][2]] == [data for _, data in packets]
    wanted = before.pictures[before.times.index(inside[0])]
    assert np.abs(after.pictures[0].astype(int) - wanted).mean() < 8


def test_a_clip_without_sound_and_one_of_a_single_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4", 1, sounds=[])
    made(clip, tmp_path / "out.mp4")
    after = seen(tmp_path / "out.mp4")
    assert len(after.times) == 1 and after.tracks == []


def test_reading_from_any_frame_on_gives_the_same_frames(tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv", "ts", "avi"):
        clip = open_clip(clip_of(tmp_path, suffix, options={"g": "7", "bf": "2"}))
        everything = list(clip.frames())
        assert [frame.index for frame in everything] == list(range(24)) and clip.count == 24
        for first in (1, 8, 23):
            rest = list(clip.frames(first))
            assert [frame.index for frame in rest] == list(range(first, 24))
            for one, other in zip(everything[first:], rest, strict=True):
                assert one.time == other.time
                np.testing.assert_array_equal(one.rgb, other.rgb)


def test_frames_last_as_long_as_they_are_shown(tmp_path: Path) -> None:
    clip = open_clip(write_clip(tmp_path / "in.mp4", 3, sounds=[]))
    assert [frame.duration for frame in clip.frames()] == [Fraction(1, RATE)] * 3
    assert clip.length == Fraction(3, RATE)


@pytest.mark.parametrize(
    ("text", "wanted"), [("90", 90), ("1:30", 90), ("1:02:03.5", Fraction(7447, 2)), ("0", 0)]
)
def test_times_as_people_write_them(text: str, wanted: Fraction) -> None:
    assert seconds("start", text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "-3", "1:2:3:4", "1e3", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(GessoError, match=r"start: .* is no time"):
        seconds("start", text)


def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(GessoError, match=r"no clip's format for '.txt'"):
        target(tmp_path / "out.txt")
    with pytest.raises(GessoError, match="its folder does not exist"):
        target(tmp_path / "none" / "out.mp4")
    with pytest.raises(GessoError, match="crf: 60 is out of range; allowed are 0 to 51"):
        target(tmp_path / "out.mp4", 60)
    with pytest.raises(GessoError, match="crf: of no use"):
        target(tmp_path / "out.gif", 20)


def test_a_file_that_cannot_be_sought_in_is_read_from_its_beginning(tmp_path: Path) -> None:
    path, coder = (
        tmp_path / "in.nut",
        Encoder(tmp_path / "in.nut", H264, Fraction(1, RATE), Fraction(RATE)),
    )
    for number in range(12):
        coder.add(picture(number), None, number)
    coder.close()
    clip = open_clip(path)
    whole = list(clip.frames())
    part = list(clip.frames(8))
    assert [frame.index for frame in part] == [8, 9, 10, 11]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(part, whole[8:], strict=True))
