"""`gesso video`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clips import Sound, seen, write_clip
from command_line import Gesso, refused
from gesso.cli import run
from tiny_files import TinyFiles


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "in.mp4", 12, width=80, height=64)


@pytest.fixture
def quick(files: TinyFiles) -> list[str]:
    """A style and the options of a quick adaptation by the default method of clips."""
    return [
        "-s",
        str(files.style),
        "-q",
        *(o for o in files.options if o not in ("--method", "metastyle")),
    ]


def test_a_clip_in_a_style(cli: Gesso, clip: Path, quick: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert cli("video", clip, "-o", out, *quick) == (0, "", "")
    before, after = seen(clip), seen(out)
    assert after.times == before.times and after.tracks == before.tracks
    assert np.abs(after.pictures[5].astype(int) - before.pictures[5]).mean() > 10
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["in.mp4", "out.mp4"]


def test_the_card_is_made_of_frames_once_and_cached(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path
) -> None:
    loud = [word for word in quick if word != "-q"]
    for color in ("style", "content"):
        told = [cli("video", clip, "-o", tmp_path / "o.mp4", "--color", color, *loud)[2]]
        told.append(cli("video", clip, "-o", tmp_path / "o.mp4", "--color", color, *loud)[2])
        assert "2 steps" in told[0] or color == "content"
        assert "card taken from the cache" in told[1]
        lines = [line for line in told[1].splitlines() if " left" not in line]  # of slow runs
        assert len(lines) == 2


def test_controls_of_photos_are_those_of_clips(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out.mkv"
    assert cli("video", clip, "-o", out, "--strength", "0", *quick)[0] == 0
    before, after = seen(clip), seen(out)
    assert np.abs(after.pictures[5].astype(int) - before.pictures[5]).mean() < 8


def test_resumed_and_shared_out(cli: Gesso, clip: Path, quick: list[str], tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    assert cli("video", clip, "-o", whole, *quick)[0] == 0
    for part in ("1/2", "2/2"):
        assert cli("video", clip, "-o", out, "--shard", part, *quick)[0] == 0
    assert not out.exists()
    assert cli("video", "--join", f"{out}.parts", "-o", out, "-q") == (0, "", "")
    assert out.read_bytes() == whole.read_bytes()
    out.unlink()
    assert cli("video", clip, "-o", out, "--resume", *quick)[0] == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not Path(f"{out}.parts").exists()


def test_what_the_format_cannot_hold_is_named(cli: Gesso, quick: list[str], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mkv", 2, sounds=[Sound("aac"), Sound("libopus")])
    code, _, err = cli("video", clip, "-o", tmp_path / "out.webm", *quick)
    assert code == 0
    assert err == f"{clip}: sound 1 (aac): left out, webm cannot hold such a track\n"


def test_mistakes(cli: Gesso, clip: Path, quick: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    refused(cli("video", clip, "-o", out), "--style: none given")
    refused(cli("video", clip, "-o", clip, *quick), "is an input")
    refused(cli("video", clip, clip, "-o", out, *quick), "one clip at a time")
    refused(cli("video", clip, "-o", tmp_path / "out.doc", *quick), "no clip's format")
    refused(cli("video", clip, "-o", out, "--start", "2", "--end", "1", *quick), "--end: 1")
    refused(cli("video", clip, "-o", out, "--start", "9", *quick), "--start: no frame lies")
    refused(cli("video", clip, "-o", out, "--fps", "0", *quick), "--fps: 0")
    refused(cli("video", clip, "-o", out, "--fps", "30", *quick), "--fps: of no use")
    refused(cli("video", clip, "-o", out, "--shard", "3/2", *quick), "--shard: '3/2'")
    refused(cli("video", clip, "-o", out, "--max-pixels", "99", *quick), "80 × 64 px")
    refused(cli("video", tmp_path / "none.mp4", "-o", out, *quick), "none.mp4", "cannot be read")
    refused(cli("video", "--join", clip, "-o", out), "no folder of parts")
    out.touch()
    refused(cli("video", clip, "-o", out, "--no-overwrite", *quick), "exists")


def test_without_pyav_a_line_says_what_to_install(clip: Path, files: TinyFiles) -> None:
    script = "import sys; sys.modules['av'] = None; from gesso.cli import run; "
    words = ["video", str(clip), "-s", str(files.style), "-o", str(clip.with_name("out.mp4"))]
    call = [sys.executable, "-c", script + f"sys.exit(run({words!r}))"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    refused((done.returncode, done.stdout, done.stderr), "pip install 'gesso[video]'")


def test_a_damaged_clip_gives_what_can_be_shown_and_exit_code_1(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path
) -> None:
    whole = write_clip(tmp_path / "in.ts", 24, width=80, height=64)
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: 188 * 40 + 50])
    out = tmp_path / "out.mp4"
    code, _, err = cli("video", cut, "-o", out, *quick)
    assert code == 1
    assert err == f"{cut}: cut short; all frames that can be shown are there\n"
    assert 0 < len(seen(out).times) < 24


def words(clip: Path, out: Path, card: Path, files: TinyFiles) -> list[str]:
    """The command that makes a clip in the style of a card."""
    named = [str(clip), "-s", str(card), "-o", str(out), "--model", str(files.start)]
    return ["video", *named, "--threads", "1", "-q"]


@pytest.fixture(scope="module")
def undisturbed(
    files: TinyFiles, card: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, bytes]:
    """A clip of several segments, and what becomes of it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    fast = {"preset": "ultrafast"}
    clip = write_clip(folder / "in.mp4", 240, width=32, height=32, options=fast)
    assert run(words(clip, folder / "out.mp4", card, files)) == 0
    return clip, (folder / "out.mp4").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_command_leaves_no_result_and_is_resumed_to_the_same(
    number: int, undisturbed: tuple[Path, bytes], files: TinyFiles, card: Path, tmp_path: Path
) -> None:
    clip, whole = undisturbed
    out, parts = tmp_path / "out.mp4", tmp_path / "out.mp4.parts"
    command = words(clip, out, card, files)
    call = [sys.executable, "-m", "gesso", *command]
    with subprocess.Popen(call, stderr=subprocess.PIPE, text=True) as process:
        while not (parts / "000000.nut").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert not out.exists() and not list(tmp_path.glob(".tmp*"))
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert err.count("\n") == 1 and f"{parts}/so-far.mp4 has what was done" in err
        assert 120 <= len(seen(parts / "so-far.mp4").times) < 240
    assert run([*command, "--resume"]) == 0
    assert out.read_bytes() == whole and not parts.exists()
