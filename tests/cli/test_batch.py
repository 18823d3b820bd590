"""`gesso batch`: very many photos, whatever happens."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import batch_torture
import pytest

from command_line import Gesso, refused
from gesso.disk.lock import locked
from tiny_files import TinyFiles

LIGHT = ("--method", "adain", "--engine", "onnxruntime")


def test_pictures_are_those_of_stylize(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = [files.photos, "--style", files.style, *LIGHT, "-q", "-o"]
    code, out, err = cli("batch", *command, tmp_path / "out")
    assert (code, out) == (1, "") and err.startswith(f"{files.bad}: damaged")
    assert cli("stylize", *command, tmp_path / "expected")[0] == 1
    for name in ("a.jpg", "a.png", "sub/c.webp"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "expected" / name).read_bytes()
    assert (tmp_path / "out/failures.txt").read_text() == err
    code, _, err = cli("batch", *command[:-2], "-o", tmp_path / "out")
    assert code == 1 and err.splitlines()[-2] == f"{tmp_path / 'out'}: 3 done, 1 failed"


def test_every_photo_is_painted_in_every_style(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / "cards").mkdir(exist_ok=True)
        shutil.copy(card, tmp_path / f"cards/{name}.safetensors")
    command = ["batch", files.photo, "--style", tmp_path / "cards", "--model", files.start]
    assert cli(*command, "-o", tmp_path / "out", "-q", "--polish", 0)[0] == 0
    one, two = (tmp_path / "out" / name / "a.png" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    rows = [json.loads(x) for x in (tmp_path / "out/manifest.jsonl").read_text().splitlines()[1:]]
    assert [(row["output"], row["style"]) for row in rows] == [
        ("one/a.png", "one"),
        ("two/a.png", "two"),
    ]


def test_a_style_that_is_given_twice_counts_once(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    twice = ["--style", files.style, "--style", files.style]
    assert cli("batch", files.photo, *twice, *LIGHT, "-q", "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out/a.png").is_file()


def test_mistakes_are_named_before_anything_is_done(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["batch", files.photo, "-o", tmp_path / "out", "--style"]
    refused(cli(*command, "-"), "--style", "standard input")
    refused(cli(*command, tmp_path / "none.jpg"), "none.jpg")
    refused(cli(*command, files.style, "--method", "adain", "--steps", "3"), "--steps")
    refused(cli(*command, files.style, "--shard", "3/2"), "--shard", "i/n")
    refused(cli(*command, files.style, "--workers", "0"), "--workers")
    assert not (tmp_path / "out").exists()
    refused(cli("batch", files.photo, "-o", files.bad, "--style", files.style), "a file")


def test_other_options_are_refused(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = ["batch", files.photo, "--style", files.style, *LIGHT, "-q", "-o", tmp_path]
    assert cli(*command, "--size", 40)[0] == 0
    refused(cli(*command, "--size", 41), "manifest.jsonl", "size = 40, now 41", "--anew")
    other = cli(*command, "--size", 40, "--method", "meta_networks")
    refused(other, 'method = "adain", now "meta_networks"')
    refused(cli(*command, "--size", 40, "--style-size", 300), "--style-size = null, now 300")
    assert cli(*command, "--size", 41, "--anew")[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is held on Windows")
def test_two_commands_in_one_folder_are_refused(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["batch", files.photo, "--style", files.style, *LIGHT, "-q", "-o", tmp_path]
    with locked(tmp_path / ".manifest.lock", "held"):
        refused(cli(*command), "another gesso batch is at work in this folder")
    assert not (tmp_path / "manifest.jsonl").exists()
    with locked(tmp_path / ".manifest-1-of-2.lock", "held"):  # other parts have locks of their own
        assert cli(*command)[0] == 0


def test_a_style_that_cannot_be_read_fails_each_photo_and_is_tried_again(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["batch", files.photo, "--style", files.bad, *LIGHT, "-q", "-o", tmp_path / "out"]
    for _ in range(2):
        code, _, err = cli(*command)
        assert code == 1 and err.startswith(f"{files.bad}: damaged")


def test_an_interrupt_says_how_far_it_came(files: TinyFiles, tmp_path: Path) -> None:
    batch_torture.make_pictures(tmp_path / "in", 40, 0)
    command = [*batch_torture.COMMAND, str(tmp_path / "in"), *batch_torture.LOOK]
    with subprocess.Popen(
        [*command, "-o", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True
    ) as process:
        while batch_torture.lines(tmp_path / "out") < 8:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.startswith("interrupted, ") and "of 40 have ended; the same command goes on" in err


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_batch_killed_again_and_again_is_that_of_one_nobody_disturbed(tmp_path: Path) -> None:
    photos, out, undisturbed = (tmp_path / name for name in ("photos", "out", "undisturbed"))
    batch_torture.make_pictures(photos, 60, 6)
    assert batch_torture.start(photos, undisturbed, []).wait() == 1
    batch_torture.torture(photos, out, 4, 24, [])
    batch_torture.check(photos, out, undisturbed, [])
