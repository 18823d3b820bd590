"""`gesso video`: steady, along keys, and its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from clips import seen, write_clip
from command_line import Gesso, refused
from tiny_files import TinyFiles


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "in.mp4", 12, width=80, height=64)


@pytest.fixture
def quick(files: TinyFiles) -> list[str]:
    """A style and the options of a quick adaptation by the default method of clips."""
    options = [o for o in files.options if o not in ("--method", "metastyle")]
    return ["-s", str(files.style), "-q", *options]


def test_a_report_compares_with_every_frame_by_itself_and_with_the_clip(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    loud = [word for word in quick if word != "-q"]
    code, _, err = cli("video", clip, "-o", tmp_path / "out.mp4", "--report", report, *loud)
    assert code == 0 and "flicker, warping error × 10⁴" in err
    found = json.loads(report.read_text())
    assert found["frames"] == 12 and found["seconds"] > 0 and found["shots"] == 1
    errors = found["warping_error"]
    assert set(errors) == {"result", "frame_by_frame", "clip"}
    assert errors["result"]["short_range"]["pairs"] == 11
    steady, alone = (errors[n]["short_range"]["mean"] for n in ("result", "frame_by_frame"))
    assert 0 < steady < alone
    given = ("--no-steady", "--report", report, *quick)
    assert cli("video", clip, "-o", tmp_path / "plain.mp4", *given) == (0, "", "")
    assert set(json.loads(report.read_text())["warping_error"]) == {"result", "clip"}


def test_polish_goes_on_with_the_picture_before(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path
) -> None:
    """So there is no picture of every frame by itself that it could be compared with."""
    given = ("--polish", "3", *quick)
    found = {}
    for name, how in (("steady", "--steady"), ("plain", "--no-steady")):
        report = tmp_path / f"{name}.json"
        out = tmp_path / f"{name}.mp4"
        assert cli("video", clip, "-o", out, how, "--report", report, *given) == (0, "", "")
        found[name] = json.loads(report.read_text())["warping_error"]
    assert set(found["steady"]) == {"result", "clip"}
    errors = [found[n]["result"]["short_range"]["mean"] for n in ("steady", "plain")]
    assert errors[0] < 0.5 * errors[1]


def test_where_a_report_cannot_go_is_known_before(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    for report in (tmp_path / "report.txt", tmp_path / "none" / "report.json"):
        refused(cli("video", clip, "-o", out, "--report", report, *quick), "--report", report.name)
    assert not out.exists()


def test_steady_clips_are_the_same_in_one_piece_and_in_parts(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("parts", "work", "job"):
        monkeypatch.setattr(f"gesso.video.{module}.SEGMENT", 5)
    whole, out, plain = (tmp_path / f"{name}.mkv" for name in ("whole", "out", "plain"))
    assert cli("video", clip, "-o", whole, *quick)[0] == 0
    assert cli("video", clip, "-o", plain, "--no-steady", *quick)[0] == 0
    for part in ("1/2", "2/2"):
        assert cli("video", clip, "-o", out, "--shard", part, *quick)[0] == 0
    assert cli("video", "--join", f"{out}.parts", "-o", out, "-q")[0] == 0
    assert out.read_bytes() == whole.read_bytes() != plain.read_bytes()


def test_keys_change_the_style_along_the_clip(
    cli: Gesso, clip: Path, quick: list[str], files: TinyFiles, tmp_path: Path
) -> None:
    """From one style to another."""
    out, others = tmp_path / "out.mkv", [word for word in quick if word not in ("-s",)]
    others.remove(str(files.style))
    keys = ["--key", f"0={files.style}", "--key", f"0.25={files.photo}"]
    assert cli("video", clip, "-o", out, "--no-steady", *keys, *others) == (0, "", "")
    ends = []
    for style in (files.style, files.photo):
        end = tmp_path / f"{style.stem}.mkv"
        assert cli("video", clip, "-o", end, "--no-steady", "-s", style, *others)[0] == 0
        ends.append(seen(end).pictures)
    pictures = seen(out).pictures
    apart = [[np.abs(p.astype(int) - q[n]).mean() for q in ends] for n, p in enumerate(pictures)]
    assert apart[0][0] < 1 < apart[0][1] and apart[-1][1] < 1 < apart[-1][0]


def test_without_opencv_frames_are_painted_by_themselves_only(
    cli: Gesso, clip: Path, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    refused(cli("video", clip, "-o", tmp_path / "out.mp4", *quick), "pip install 'gesso[video]'")
    assert cli("video", clip, "-o", tmp_path / "out.mp4", "--no-steady", *quick) == (0, "", "")
