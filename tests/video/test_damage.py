"""Damaged clips: all frames that can be shown and one line, or one line."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import av
import pytest

from clips import Same, Sound, seen, write_clip, write_sound
from gesso.errors import GessoError
from gesso.reports import Progress
from gesso.video.damage import cut_short
from gesso.video.job import Job
from gesso.video.opening import open_clip
from gesso.video.source import Taken
from gesso.video.targets import target

CUTS = int(os.environ.get("GESSO_CUTS", "24"))  # over all containers; 200 take a minute
KINDS: dict[str, dict[str, Any]] = {
    "mp4": {"container": {"movflags": "faststart"}},
    "mkv": {},
    "webm": {"codec": "libvpx-vp9", "sounds": [Sound("libopus")]},
    "ts": {},
}


def quiet(progress: Progress) -> None:
    pass


def decodable(path: Path) -> int:
    """How many frames another reader gets out of a file."""
    found = 0
    try:
        with av.open(str(path)) as file:
            packets = file.demux(file.streams.video[0])
            while True:
                try:
                    found += len(next(packets).decode())
                except (StopIteration, av.EOFError):
                    return found
                except av.FFmpegError:
                    continue
    except (av.FFmpegError, IndexError):
        return found


def copied(clip: Path, out: Path) -> str | None:
    """Write a clip anew; what was wrong with it."""
    source = open_clip(clip)
    job = Job(source, Taken(), target(out), "")
    job.make(Same(), quiet)
    job.finish()
    return source.damage


@pytest.mark.parametrize("kind", list(KINDS))
def test_clips_cut_anywhere_give_all_their_frames_or_nothing(kind: str, tmp_path: Path) -> None:
    data = write_clip(tmp_path / f"in.{kind}", 12, **KINDS[kind]).read_bytes()
    rng = random.Random(kind)
    out = tmp_path / ("out.webm" if kind == "webm" else "out.mkv")
    whole = 0
    for _ in range(CUTS // len(KINDS)):
        clip = tmp_path / f"cut.{kind}"
        clip.write_bytes(data[: rng.randrange(len(data))])
        out.unlink(missing_ok=True)
        frames = decodable(clip)
        try:
            damage = copied(clip, out)
        except GessoError as error:
            assert frames == 0 and not out.exists() and "\n" not in str(error)
        else:
            assert damage is not None or (kind == "ts" and clip.stat().st_size % 188 == 0)
            assert len(seen(out).times) == frames
            whole += 1
    assert whole or CUTS < 8


@pytest.mark.parametrize("kind", list(KINDS))
def test_clips_with_changed_bits_are_written_or_refused(kind: str, tmp_path: Path) -> None:
    data = write_clip(tmp_path / f"in.{kind}", 12, **KINDS[kind]).read_bytes()
    rng = random.Random(kind)
    out = tmp_path / ("out.webm" if kind == "webm" else "out.mkv")
    for count in (1, 3, 30):
        bad = bytearray(data)
        for _ in range(count):
            bad[rng.randrange(300, len(bad))] ^= 1 << rng.randrange(8)
        clip = tmp_path / f"bad.{kind}"
        clip.write_bytes(bad)
        out.unlink(missing_ok=True)
        frames = decodable(clip)
        try:
            copied(clip, out)
        except GessoError:
            assert frames == 0 and not out.exists()
        else:
            assert len(seen(out).times) == frames


def test_a_whole_file_is_not_called_cut(tmp_path: Path) -> None:
    for kind in (*KINDS, "mov", "avi"):
        how = KINDS.get(kind, {"sounds": [Sound("mp2")]})
        clip = write_clip(tmp_path / f"in.{kind}", 3, **how)
        assert cut_short(clip) is None
        data = clip.read_bytes()
        clip.write_bytes(data[:-1])
        assert cut_short(clip) == "cut short"
        if kind in ("mp4", "mov"):
            for padding in (b"\0" * 5, b"\0" * 500, b"\xff" * 30):
                clip.write_bytes(data + padding)
                assert cut_short(clip) is None


def test_what_is_no_clip_is_refused_in_a_line(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.m4a")
    (tmp_path / "zero.mp4").touch()
    (tmp_path / "junk.mp4").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1\nin.ts\n")
    (tmp_path / "folder").mkdir()
    data = write_clip(tmp_path / "in.mp4", 3).read_bytes()
    (tmp_path / "no-index.mp4").write_bytes(data[: data.rindex(b"moov") - 4])
    for name, words in {
        "sound.m4a": "no pictures",
        "zero.mp4": "can.* be read",
        "junk.mp4": "can.* be read",
        "list.m3u8": "can.* be read",
        "no-index.mp4": "can.* be read",
        "folder": "holds no pictures",
        "gone.mp4": "can.* be read",
    }.items():
        with pytest.raises(GessoError, match=words) as raised:
            open_clip(tmp_path / name)
        assert str(raised.value).startswith(str(tmp_path / name))
