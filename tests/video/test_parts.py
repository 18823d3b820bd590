"""One piece, resumed or in shards: the same bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from clips import Inverted, Same, Sound, seen, write_clip
from gesso.errors import GessoError
from gesso.reports import Progress
from gesso.video.frames import Frame, Look, Pixels
from gesso.video.job import Job, join
from gesso.video.opening import open_clip
from gesso.video.parts import segments, shard_of, share
from gesso.video.source import Taken
from gesso.video.targets import target

SHORT = 10  # frames of a segment here
FRAMES = 47


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("parts", "work", "job"):
        monkeypatch.setattr(f"gesso.video.{module}.SEGMENT", SHORT)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "in.mp4", FRAMES, options={"g": "9", "bf": "2"})


def quiet(progress: Progress) -> None:
    pass


def job(clip: Path, out: Path, shard: tuple[int, int] | None = None, identity: str = "a") -> Job:
    return Job(open_clip(clip), Taken(), target(out), identity, shard)


def in_one_piece(clip: Path, out: Path, look: Look | None = None) -> bytes:
    whole = job(clip, out)
    whole.make(look or Inverted(), quiet)
    whole.finish()
    assert not whole.parts.folder.exists()
    return out.read_bytes()


class Stopped(KeyboardInterrupt):
    pass


class Stopping(Inverted):
    """Is interrupted at a frame."""

    at = 0

    def __call__(self, frame: Frame) -> Pixels:
        if frame.index == self.at:
            raise Stopped
        return super().__call__(frame)


def stopped(clip: Path, out: Path, at: int, **how: Any) -> Job:
    look = Stopping()
    look.at = at
    begun = job(clip, out)
    with pytest.raises(Stopped):
        begun.make(look, quiet, **how)
    return begun


@pytest.mark.parametrize(
    ("suffix", "at"), [("mp4", 3), ("mp4", 21), ("mp4", 46), ("mkv", 21), ("webm", 21), ("gif", 21)]
)
def test_a_resumed_clip_is_the_undisturbed_one_byte_by_byte(
    clip: Path, suffix: str, at: int, tmp_path: Path
) -> None:
    wanted = in_one_piece(clip, tmp_path / f"whole.{suffix}")
    out = tmp_path / f"out.{suffix}"
    stopped(clip, out, at)
    assert not out.exists()
    look = Inverted()
    again = job(clip, out)
    again.make(look, quiet, resume=True)
    again.finish()
    assert out.read_bytes() == wanted
    assert min(look.shown) == max(0, at // SHORT * SHORT - 1)  # one frame to remember


def test_what_an_interruption_leaves_can_be_played_and_is_not_the_result(
    clip: Path, tmp_path: Path
) -> None:
    begun = stopped(clip, tmp_path / "out.mp4", 25)
    shorter = begun.shorter()
    assert shorter is not None and shorter.parent.name == "out.mp4.parts"
    found = seen(shorter)
    assert len(found.times) == 25 and found.times == seen(clip).times[:25]
    assert 0 < len(found.tracks[0][2]) < len(seen(clip).tracks[0][2])
    assert not (tmp_path / "out.mp4").exists()


def test_what_is_stopped_at_once_leaves_nothing_to_show(clip: Path, tmp_path: Path) -> None:
    assert stopped(clip, tmp_path / "out.mp4", 0).shorter() is None


@pytest.mark.parametrize("count", [1, 3, 7])
def test_shards_together_are_the_clip_in_one_piece(clip: Path, count: int, tmp_path: Path) -> None:
    wanted = in_one_piece(clip, tmp_path / "whole.mp4")
    out = tmp_path / "out.mp4"
    for part in range(count, 0, -1):
        job(clip, out, (part, count)).make(Inverted(), quiet)
    _, notes = join([tmp_path / "out.mp4.parts"], target(out))
    assert out.read_bytes() == wanted and notes == []


def test_shards_of_several_machines_and_a_clip_that_has_moved(clip: Path, tmp_path: Path) -> None:
    wanted = in_one_piece(clip, tmp_path / "whole.mp4")
    folders = []
    for part in (1, 2):
        (tmp_path / str(part)).mkdir()
        here = tmp_path / str(part) / "in.mp4"
        here.write_bytes(clip.read_bytes())
        job(here, tmp_path / str(part) / "out.mp4", (part, 2)).make(Inverted(), quiet)
        here.unlink()
        folders.append(tmp_path / str(part) / "out.mp4.parts")
    out = target(tmp_path / "out.mp4")
    with pytest.raises(GessoError, match="is gone; name it among them"):
        join(folders, out)
    join([clip, *folders], out)
    assert out.path.read_bytes() == wanted
    with pytest.raises(GessoError, match=r"3 of 5 parts are missing, in frames 20 to 49"):
        join([clip, folders[0]], out)


def test_parts_of_another_look_are_not_gone_on_with(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    stopped(clip, out, 25)
    with pytest.raises(GessoError, match=r"resume: .*parts of another clip or look \(look differ"):
        job(clip, out, identity="b").make(Same(), quiet, resume=True)
    with pytest.raises(GessoError, match=r"shard: .*parts of another clip or look"):
        job(clip, out, (1, 2), identity="b").make(Same(), quiet)
    job(clip, out, identity="b").make(Same(), quiet)  # begins anew


def test_a_folder_of_something_else_is_left_alone(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4.parts").mkdir()
    (tmp_path / "out.mp4.parts" / "precious").write_text("")
    with pytest.raises(GessoError, match="is in the way"):
        job(clip, tmp_path / "out.mp4").make(Same(), quiet)


def test_what_a_killed_writer_of_the_record_left_is_not_in_the_way(
    clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out.mp4.parts"
    folder.mkdir()
    (folder / f".tmp-{'0' * 16}-clip.json").touch()
    assert job(clip, tmp_path / "out.mp4").make(Same(), quiet) == FRAMES


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_removal_that_is_killed_leaves_a_folder_to_go_on_with(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    out, removed = tmp_path / "out.mp4", list[str]()

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.parent.suffix == ".parts" and len(removed) == after:
            raise Stopped
        removed.append(path.name)
        os.unlink(path)

    begun = job(clip, out)
    begun.make(Same(), quiet)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Path, "unlink", unlink)
        begun.finish()
    whole = out.read_bytes()
    again = job(clip, out)
    again.make(Same(), quiet, resume=True)
    again.finish()
    assert out.read_bytes() == whole and not (tmp_path / "out.mp4.parts").exists()


def test_join_refuses_what_does_not_go_together(clip: Path, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "other.mp4", 12, sounds=[Sound("mp2")])
    job(clip, tmp_path / "a.mp4").make(Same(), quiet)
    job(other, tmp_path / "b.mp4").make(Same(), quiet)
    a, b = tmp_path / "a.mp4.parts", tmp_path / "b.mp4.parts"
    with pytest.raises(GessoError, match="parts of another clip, style or options"):
        join([a, b], target(tmp_path / "out.mp4"))
    with pytest.raises(GessoError, match="not the clip that the parts are of"):
        join([a, other], target(tmp_path / "out.mp4"))
    with pytest.raises(GessoError, match="the parts are libx264, it would need libvpx-vp9"):
        join([a], target(tmp_path / "out.webm"))
    with pytest.raises(GessoError, match="no folder of parts"):
        join([clip], target(tmp_path / "out.mp4"))


def test_every_segment_is_of_exactly_one_shard() -> None:
    for total in (1, 5, 12):
        for count in (1, 3, 20):
            found = [n for i in range(count) for n in share(total, (i + 1, count))]
            assert found == list(range(total))
    assert segments(1) == 1 and segments(10) == 1 and segments(11) == 2


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "a/b", "1/0", "-1/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(GessoError, match=r"shard: .*allowed are"):
        shard_of(text)
