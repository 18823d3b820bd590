"""`gesso batch` with photos, styles and results behind URLs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import batch_torture
import pytest

from command_line import Gesso, refused
from gesso.disk.cache_dir import cache_folder
from gesso.disk.lock import locked
from tiny_files import TinyFiles

fsspec: Any = pytest.importorskip("fsspec")
LIGHT = ("--method", "adain", "--engine", "onnxruntime", "-q")


@pytest.fixture
def memory(files: TinyFiles) -> Iterator[Any]:
    """The photos and the style in memory."""
    fs = fsspec.filesystem("memory")
    for path in [*files.photos.rglob("*.*"), files.style]:
        fs.pipe_file(f"/m/{path.relative_to(files.folder).as_posix()}", path.read_bytes())
    yield fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def pictures(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*.*") if path.name[0] != "." and path.suffix != ".txt")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in found
        if path.suffix != ".jsonl"
    }


def test_pictures_in_memory_are_those_of_files(
    files: TinyFiles, memory: Any, cli: Gesso, tmp_path: Path
) -> None:
    assert cli("batch", files.photos, "-s", files.style, *LIGHT, "-o", tmp_path / "out")[0] == 1
    command = ["batch", "memory://m/photos", "-s", "memory://m/style.png", *LIGHT]
    code, out, err = cli(*command, "-o", "memory://m/out")
    assert (code, out) == (1, "") and err.startswith("memory://m/photos/bad.jpg: damaged")
    expected = pictures(tmp_path / "out")
    assert len(expected) == 3
    for name, data in expected.items():
        assert memory.cat_file(f"/m/out/{name}") == data
    assert memory.cat_file("/m/out/failures.txt").decode() == err
    lines = [json.loads(line) for line in memory.cat_file("/m/out/manifest.jsonl").splitlines()]
    assert [row["state"] for row in lines[1:]].count("done") == 3 and len(lines) == 5
    before = memory.find("/m/out", detail=True)
    assert cli(*command, "-o", "memory://m/out")[0] == 1
    after = memory.find("/m/out", detail=True)
    assert all(before[f"/m/out/{name}"] == after[f"/m/out/{name}"] for name in expected)


def test_workers_reach_files_by_their_urls(
    files: TinyFiles, cli: Gesso, card: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / "cards").mkdir(exist_ok=True)
        shutil.copy(card, tmp_path / f"cards/{name}.safetensors")
    more = ["--model", files.start, "-q", "--polish", 0, "--workers", 2]
    cards, out = tmp_path / "cards", tmp_path / "out"
    assert cli("batch", files.photo, files.photos / "sub", "-s", cards, *more, "-o", out)[0] == 0
    photos = [path.as_uri() for path in (files.photo, files.photos / "sub")]
    urls = ["batch", *photos, "-s", cards.as_uri(), *more]
    again = tmp_path / "again"
    assert cli(*urls, "-o", again.as_uri())[0] == 0
    assert pictures(again) == pictures(out) and len(pictures(out)) == 4
    names = {path.relative_to(again).as_posix() for path in again.rglob("*")}
    assert names == {*pictures(out), "one", "two", "manifest.jsonl"}
    row = json.loads((again / "manifest.jsonl").read_text().splitlines()[1])
    assert row["input"] == files.photo.as_uri() and row["style"] == "one"


def test_mistakes_are_named_in_one_line(
    files: TinyFiles, memory: Any, cli: Gesso, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    command = ["batch", files.photo, "-s", files.style, *LIGHT, "-o"]
    refused(cli(*command, "s3://bucket/out"), "s3://bucket/out", "pip install s3fs")
    refused(cli(*command, "memory://m/style.png"), "memory://m/style.png: a file")
    ray = cli(*command, "memory://m/out", "--ray", "auto")
    refused(ray, "--ray", "memory://m/out")
    style = ["batch", files.photo, *LIGHT, "-o", tmp_path / "out", "-s"]
    refused(cli(*style, "memory://m/none.jpg"), "memory://m/none.jpg: no such file")
    refused(cli("batch", "memory://m/none", *command[2:], tmp_path / "out"), "memory://m/none")
    refused(cli("stylize", "memory://m/photos/a.png", *command[2:], tmp_path / "a.png"), "a URL")


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is held on Windows")
def test_two_commands_of_one_machine_are_refused(files: TinyFiles, memory: Any, cli: Gesso) -> None:
    command = ["batch", files.photo, "-s", files.style, *LIGHT, "-o", "memory://m/out"]
    assert cli(*command)[0] == 0
    (lock,) = cache_folder("locks").iterdir()
    with locked(lock, "held"):
        refused(cli(*command), "another gesso batch is at work in this folder")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_batch_behind_urls_killed_again_and_again_is_that_of_one_nobody_disturbed(
    tmp_path: Path,
) -> None:
    photos, out, undisturbed = (tmp_path / name for name in ("photos", "out", "undisturbed"))
    batch_torture.make_pictures(photos, 60, 6)
    urls = [batch_torture.URLS]
    assert batch_torture.start(photos, undisturbed, urls).wait() == 1
    batch_torture.torture(photos, out, 4, 24, urls)
    batch_torture.check(photos, out, undisturbed, urls)
