"""Kill `gesso batch` again and again, and compare what it leaves with a run that nobody disturbed:

    python benchmarks/batch_torture.py FOLDER --pictures 10000 --broken 500 --kills 50

Half of the kills hit the whole command, half a worker. What must hold: every picture that can be
seen decodes, done + failed = inputs exactly, no temporary stays, both trees are equal byte by byte,
and a last run touches nothing. Prints a line for each kill and for each of these. With --urls
photos and results are named by URLs, and written as an object store's are.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from gesso.images.read import read_photo
from gesso.images.write import write_image

COMMAND = [sys.executable, "-m", "gesso", "batch"]
LOOK = ["--style", "impasto", "--method", "adain", "--engine", "onnxruntime", "-q"]
SIDE = 64
URLS = "--urls"


def make_pictures(folder: Path, count: int, broken: int, seed: int = 0) -> None:
    """`count` pictures of 64 px in folders of 500, `broken` of which cannot be read."""
    rng = np.random.default_rng(seed)
    bad = set(rng.choice(count, broken, replace=False).tolist())
    for i in range(count):
        path = folder / f"{i // 500:03d}" / f"{i:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.random((3, 8, 8)).repeat(SIDE // 8, 1).repeat(SIDE // 8, 2)
        write_image(path, 0.8 * coarse + 0.2 * rng.random((3, SIDE, SIDE)))
        if i in bad:
            data = path.read_bytes()
            path.write_bytes(data[: len(data) // 2] if i % 2 else rng.bytes(300))


def start(photos: Path, out: Path, more: list[str]) -> subprocess.Popen[bytes]:
    """The command, in a process of its own; what it says goes nowhere."""
    nowhere = subprocess.DEVNULL
    names = [str(photos), str(out)]
    if URLS in more:
        more = [flag for flag in more if flag != URLS]
        names = [photos.resolve().as_uri(), out.resolve().as_uri()]
    command = [*COMMAND, names[0], *LOOK, *more, "-o", names[1]]
    return subprocess.Popen(command, stdout=nowhere, stderr=nowhere)


def lines(out: Path) -> int:
    """How long the manifest is by now."""
    count = 0
    for path in (out / "manifest.jsonl", *out.glob(".manifest.jsonl/*")):
        with suppress(FileNotFoundError):  # a part, which has just become one with the others
            count += path.read_bytes().count(b"\n")
    return count


def workers_of(master: int) -> list[int]:
    """The processes that the command has started."""
    path = Path(f"/proc/{master}/task/{master}/children")
    tasks = path.parent.parent.glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def torture(photos: Path, out: Path, kills: int, step: int, more: list[str], seed: int = 0) -> None:
    """Kill the command or a worker, `kills` times, each after up to `step` more lines of the
    manifest; then let it end."""
    pick = random.Random(seed)
    process = start(photos, out, more)
    for kill in range(kills):
        goal = lines(out) + pick.randint(1, step)
        while lines(out) < goal and process.poll() is None:
            time.sleep(0.005)
        if process.poll() is not None:
            break
        whole = kill % 2 == 0
        victims = [process.pid] if whole else workers_of(process.pid)
        for pid in victims[:1]:
            os.kill(pid, signal.SIGKILL)
        print(f"kill {kill + 1}: {'the command' if whole else 'a worker'}, {lines(out)} lines")
        if whole:
            process.wait()
            check_visible(out)
            process = start(photos, out, more)
    process.wait()


def pictures(out: Path) -> dict[str, bytes]:
    """Name → bytes of all files but the manifest and the lock."""
    skipped = ("manifest.jsonl", ".manifest.lock")
    found = sorted(path for path in out.rglob("*") if path.is_file())
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in found
        if path.name not in skipped
    }


def check_visible(out: Path) -> None:
    """Every picture that has its name decodes: none is there by half."""
    for path in out.rglob("*.jpg"):
        if not path.name.startswith("."):
            read_photo(path)


def check(photos: Path, out: Path, undisturbed: Path, more: list[str]) -> None:
    """Raises AssertionError where a promise is not kept."""
    inputs = sum(1 for path in photos.rglob("*.jpg"))
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    done = sum(row["state"] == "done" for row in rows)
    failed = sum(row["state"] == "failed" for row in rows)
    assert done + failed == len(rows) == inputs, (done, failed, len(rows), inputs)
    ours, theirs = pictures(out), pictures(undisturbed)
    assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())[:9]
    assert ours == theirs, [name for name in ours if ours[name] != theirs[name]][:9]
    print(f"{done} done + {failed} failed = {inputs} inputs; both trees are equal")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    start(photos, out, more).wait()
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    print("another run touches nothing")


def main(arguments: list[str] | None = None) -> None:
    """Do all of it in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="default: a new one")
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--broken", type=int, default=500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(URLS, action="store_true")
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="gesso-batch-"))
    photos, out, undisturbed = (folder / n for n in ("photos", "out", "undisturbed"))
    more = ["--workers", str(given.workers), *([URLS] if given.urls else [])]
    if not photos.exists():
        make_pictures(photos, given.pictures, given.broken, given.seed)
    start(photos, undisturbed, more).wait()
    step = max(2, 2 * 2 * given.pictures // (given.kills + 1))  # two lines a picture, and half
    torture(photos, out, given.kills, step, more, given.seed)
    check(photos, out, undisturbed, more)


if __name__ == "__main__":
    main()
