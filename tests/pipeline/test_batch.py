"""Batches: each photo ends as done or failed, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gesso.errors import GessoError, OptionError
from gesso.pipeline.batch import run_batch
from gesso.pipeline.crew import Crew
from gesso.pipeline.manifest import Manifest, Row
from gesso.pipeline.tasks import Batch, Shard, Task, plan_batch

WORKER = """
import os, signal, shutil, sys
from pathlib import Path
from gesso.disk.atomic import atomic_write
from gesso.errors import GessoError, OptionError
from gesso.pipeline.crew import serve

def do(request):
    photo, out = Path(request["photo"]), Path(request["out"])
    with open(sys.argv[1], "a") as log:
        log.write(photo.name + "\\n")
    data, status = photo.read_bytes(), photo.stat()
    known = {"sha256": "", "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    if data.startswith(b"poison"):
        (out.parent / f".tmp-{'0' * 16}-{out.name}").touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    if data.startswith(b"master") and "GESSO_TEST_MASTER" in os.environ:
        import fcntl
        held = open(sys.argv[1] + ".held", "w")
        fcntl.flock(held, fcntl.LOCK_EX)
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()
    if data.startswith(b"bad"):
        return {"state": "failed", "reason": f"{photo}: bad", **known}
    atomic_write(out, data.upper())
    return {"state": "done", **known}

def make():
    if len(sys.argv) > 2:
        raise OptionError("size", sys.argv[2])
    return do

serve(make)
"""
MASTER = """
import sys
from pathlib import Path
from test_batch import run
run(Path(sys.argv[1]))
"""


def message(task: Task) -> dict[str, Any]:
    return {"photo": task.photo, "out": task.out}


def crew(folder: Path, count: int = 1, *more: str) -> Crew[Task]:
    return Crew(WORKER, [str(folder / "log"), *more], count, message)


def planned(folder: Path, shard: str = "1/1") -> Batch:
    (folder / "out").mkdir(exist_ok=True)
    return plan_batch([folder / "in"], [(None, "style")], folder / "out", Shard.read(shard))


def run(folder: Path, workers: int = 1, shard: str = "1/1", **options: Any) -> list[Row]:
    """Do the batch of a folder; clears the log of what its workers tried."""
    (folder / "log").write_text("")
    made_by = options.pop("made_by", {"size": 9})
    batch = planned(folder, shard)
    return run_batch(batch, made_by, lambda: crew(folder, workers), **options)


def tried(folder: Path) -> list[str]:
    return (folder / "log").read_text().split()


def states(rows: list[Row]) -> dict[str, str]:
    return {row.output: row.state for row in rows}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photos, one of them bad."""
    (tmp_path / "in/sub").mkdir(parents=True)
    for name in ("a.jpg", "b.png", "sub/c.jpg", "d.jpg", "e.gif"):
        (tmp_path / "in" / name).write_text(f"photo {name}")
    (tmp_path / "in/bad.jpg").write_text("bad")
    return tmp_path


def test_every_photo_ends_as_done_or_failed(folder: Path) -> None:
    os.symlink(folder / "nowhere", folder / "in/dangling.jpg")
    rows = run(folder, workers=2)
    failed = {row.input for row in rows if row.state == "failed"}
    assert failed == {str(folder / "in/bad.jpg"), str(folder / "in/dangling.jpg")}
    assert [row.output for row in rows if row.state == "done"] == [
        *("a.jpg", "b.png", "d.jpg", "e.gif.png", "sub/c.jpg")
    ]
    assert (folder / "out/sub/c.jpg").read_text() == "PHOTO SUB/C.JPG"
    lines = (folder / "out/manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines[1:]].count("done") == 5 and len(lines) == 8
    report = (folder / "out/failures.txt").read_text().splitlines()
    assert report[0] == f"{folder / 'in/bad.jpg'}: bad" and "dangling.jpg: a link" in report[1]


def test_what_is_finished_is_not_touched(folder: Path) -> None:
    run(folder)
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*.jpg")}
    assert len(run(folder)) == 6 and tried(folder) == []
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_new_changed_and_missing_ones_are_done(folder: Path) -> None:
    run(folder)
    (folder / "in/new.jpg").write_text("new")
    (folder / "in/a.jpg").write_text("changed")
    (folder / "out/d.jpg").unlink()
    (folder / "in/b.png").unlink()
    os.utime(folder / "in/sub/c.jpg", (1, 1))  # its bytes are the same, but its hash is not known
    assert states(run(folder))["new.jpg"] == "done"
    assert sorted(tried(folder)) == ["a.jpg", "c.jpg", "d.jpg", "new.jpg"]
    assert (folder / "out/a.jpg").read_text() == "CHANGED"
    assert "b.png" not in (folder / "out/manifest.jsonl").read_text()


def test_failed_ones_are_tried_again_when_they_change_or_on_demand(folder: Path) -> None:
    run(folder)
    run(folder, retry=True)
    assert tried(folder) == ["bad.jpg"]
    (folder / "in/bad.jpg").write_text("good now")
    assert set(states(run(folder)).values()) == {"done"}
    assert not (folder / "out/failures.txt").exists()
    run(folder, anew=True)
    assert len(tried(folder)) == 6


def test_poison_is_tried_twice_and_then_has_failed(folder: Path) -> None:
    (folder / "in/aaa.jpg").write_text("poison")
    for workers in (1, 3):
        rows = run(folder, workers, anew=True)
        assert tried(folder).count("aaa.jpg") == 2
        assert len(rows) == 7 and states(rows)["aaa.jpg"] == "failed"
        assert (folder / "in/aaa.jpg").as_posix() + ": ended its worker twice (SIGSEGV)" in {
            row.reason for row in rows
        }
        assert sum(row.state == "done" for row in rows) == 5
        assert not list((folder / "out").rglob(".tmp-*"))
    run(folder)
    assert tried(folder) == []


def test_what_kills_the_whole_command_comes_last_and_fails_the_third_time(folder: Path) -> None:
    (folder / "in/aaa.jpg").write_text("master")
    environment = {
        **os.environ,
        "GESSO_TEST_MASTER": "killed",
        "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
    }
    for _ in range(3):
        command = [sys.executable, "-c", MASTER, str(folder)]
        assert subprocess.run(command, env=environment, check=False).returncode == -9
        wait_until_free(folder / "log.held")  # the worker ends when its master does
    assert tried(folder) == ["aaa.jpg"]
    rows = run(folder)
    assert tried(folder) == [] and states(rows)["aaa.jpg"] == "failed"
    assert sum(row.state == "done" for row in rows) == 5


def wait_until_free(path: Path) -> None:
    import fcntl

    with open(path) as file:
        for _ in range(200):
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
    raise AssertionError("a worker lives on without its master")


def test_what_follows_a_line_cut_short_stands_on_a_line_of_its_own(folder: Path) -> None:
    path = folder / "manifest.jsonl"
    one, two, three = (Row(name, name, "done") for name in ("one", "two", "three"))
    first = Manifest(path, {})
    first.note(one)
    first.note(two)
    path.write_bytes(path.read_bytes()[:-20])
    Manifest(path, {}).note(three)
    assert Manifest(path, {}).rows == {"one": one, "three": three}


def test_lines_cut_short_are_passed_over(folder: Path) -> None:
    run(folder)
    path = folder / "out/manifest.jsonl"
    data = path.read_bytes()
    for cut in (len(data) - n for n in (1, 2, 150, 300)):
        path.write_bytes(data[:cut])
        again = run(folder)
        assert set(states(again)) == {
            "a.jpg",
            "b.png",
            "bad.jpg",
            "d.jpg",
            "e.gif.png",
            "sub/c.jpg",
        }
        assert len(tried(folder)) <= 2
        assert path.read_bytes().count(b"\n") == 7


def test_temporaries_of_killed_workers_are_removed_and_no_others(folder: Path) -> None:
    (folder / "out").mkdir()
    ours, other = (folder / "out" / f".tmp-{'0' * 16}-{name}.jpg" for name in ("a", "other"))
    ours.touch()
    other.touch()
    run(folder)
    assert not ours.exists() and other.exists()


def test_pictures_of_other_options_are_not_mixed(folder: Path) -> None:
    run(folder)
    with pytest.raises(GessoError, match=r"manifest.jsonl: its pictures .* size = 9, now 8"):
        run(folder, made_by={"size": 8})
    assert len(run(folder, made_by={"size": 8}, anew=True)) == 6
    (folder / "out/manifest.jsonl").write_text("something else\n")
    with pytest.raises(GessoError, match="not a manifest"):
        run(folder)


def test_shards_share_the_photos_and_keep_theirs_when_there_are_more(folder: Path) -> None:
    def shares() -> list[set[str]]:
        return [{task.output for task in planned(folder, f"{i}/3").tasks} for i in (1, 2, 3)]

    before = shares()
    assert sorted(name for share in before for name in share) == sorted(states(run(folder)))
    for i in range(20):
        (folder / f"in/more{i}.jpg").touch()
    after = shares()
    assert all(old <= new for old, new in zip(before, after, strict=True))
    assert sum(map(len, after)) == 26 and all(after)
    rows = run(folder, shard="2/3")
    assert (folder / "out/manifest-2-of-3.jsonl").exists() and set(states(rows)) == after[1]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "-1/2", "1/0", "1/2/3", ""])
def test_shards_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"shard: .*allowed is i/n"):
        Shard.read(text)


def test_styles_have_folders_of_their_own_that_cannot_collide(folder: Path) -> None:
    (folder / "x").mkdir()
    styles: list[tuple[Path | None, str]] = [(folder / "s.png", "s"), (folder / "x/s.png", "s")]
    batch = plan_batch([folder / "in"], styles, folder / "out", Shard())
    outs = {task.output for task in batch.tasks}
    assert len(outs) == 12 and not any(out.startswith(("/", "..")) for out in outs)
    assert {task.style_name for task in batch.tasks} == {"s"}


def test_an_input_is_never_an_output(folder: Path) -> None:
    with pytest.raises(GessoError, match="is an input"):
        plan_batch([folder / "in/a.jpg"], [(None, "s")], folder / "in", Shard())


def test_a_worker_that_cannot_work_says_why(folder: Path) -> None:
    with pytest.raises(OptionError, match="size: too small"):
        list(crew(folder, 1, "too small").run(planned(folder).tasks))
    broken: Crew[Task] = Crew("raise SystemExit(3)", [], 2, message)
    with pytest.raises(GessoError, match=r"a worker did not come up \(exit code 3\)"):
        list(broken.run(planned(folder).tasks))


def test_a_full_disk_ends_the_batch_in_one_line(folder: Path, monkeypatch: Any) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    batch = planned(folder)
    manifest = Manifest(batch.manifest, {})
    monkeypatch.setattr("gesso.pipeline.files.os.write", full)
    with pytest.raises(GessoError, match=r"manifest.jsonl: cannot be written: No space left"):
        manifest.note(batch.tasks[0].row)
    monkeypatch.setattr("gesso.pipeline.files.os.write", lambda _, data: len(data) - 1)
    with pytest.raises(GessoError, match=r"manifest.jsonl: cannot be written: the disk is full"):
        manifest.note(batch.tasks[0].row)


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    tasks = Path("/proc/self/task")
    if tasks.is_dir():
        assert not [t for t in tasks.iterdir() if (t / "children").read_text()]
