"""Many photos in one or many styles: what is to be done, and what became of it. Needs no torch."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gesso.disk.atomic import StrPath, atomic_write, shown, sweep_stale
from gesso.errors import GessoError, OptionError
from gesso.pipeline.crew import Workers
from gesso.pipeline.manifest import Manifest, Row
from gesso.pipeline.names import distinct
from gesso.pipeline.plan import Job, make_folders, plan, refuse_inputs

MOST_DEATHS = 2  # of workers, at the hands of one photo
MOST_LOST = 3  # times that a photo was under way when the whole command was killed


@dataclass(frozen=True)
class Task:
    """A photo, its output below the output folder, and the number and name of its style."""

    job: Job
    output: str
    style: int = 0
    style_name: str = ""

    @property
    def row(self) -> Row:
        """As the manifest knows it, before anything was done."""
        return Row(self.output, os.fspath(self.job.photo), "begun", self.style_name)


@dataclass(frozen=True)
class Shard:
    """Part `number` of `count`, from 1: each output belongs to one part, whatever else there is."""

    number: int = 1
    count: int = 1

    @classmethod
    def read(cls, text: str) -> Shard:
        """Of a text such as "2/8". Raises OptionError."""
        number, slash, count = text.partition("/")
        if slash and number.isdecimal() and count.isdecimal():
            found = cls(int(number), int(count))
            if 1 <= found.number <= found.count:
                return found
        raise OptionError("shard", f"{text[:40]}; allowed is i/n, such as 2/8, i from 1 to n")

    def holds(self, output: str) -> bool:
        """Whether an output belongs to this part."""
        return zlib.crc32(os.fsencode(output)) % self.count == self.number - 1

    def named(self, name: str) -> str:
        """A file's name for this part."""
        path = Path(name)
        part = f"-{self.number}-of-{self.count}" if self.count > 1 else ""
        return f"{path.stem}{part}{path.suffix}"


@dataclass(frozen=True)
class Batch:
    """What is to be done.

    Attributes:
        out: the output folder.
        tasks: one for each photo and style, of this shard.
        failures: entries of the photos' folders that cannot be looked at: path → one line.
        shard: which part this is.
    """

    out: Path
    tasks: list[Task]
    failures: dict[Path, str]
    shard: Shard

    @property
    def manifest(self) -> Path:
        """The file that says what became of each."""
        return self.out / self.shard.named("manifest.jsonl")

    @property
    def report(self) -> Path:
        """The file that lists failures, if there are any."""
        return self.out / self.shard.named("failures.txt")


def plan_batch(
    photos: Sequence[StrPath],
    styles: Sequence[tuple[Path | None, str]],
    out: Path,
    shard: Shard,
    inputs: Iterable[Path] = (),
) -> Batch:
    """Every photo in every style (its file and its name), below the folder `out`: under the
    photo's name, and where there are several styles in a folder of the style's name.

    Raises:
        GessoError: as `gesso.pipeline.plan.plan` does.
    """
    inputs = [*inputs, *(path for path, _ in styles if path is not None)]
    found = plan(photos, out, inputs)
    folders = _folders(styles)
    tasks = []
    for number, folder in enumerate(folders):
        for job in found.jobs:
            output = folder / job.out.relative_to(out)
            text, name = output.as_posix(), styles[number][1] if len(styles) > 1 else ""
            if shard.holds(text):
                tasks.append(Task(Job(job.photo, out / output), text, number, name))
    refuse_inputs([task.job for task in tasks], inputs)
    failures = {p: line for p, line in found.failures.items() if shard.holds(os.fspath(p))}
    return Batch(out, tasks, failures, shard)


def _folders(styles: Sequence[tuple[Path | None, str]]) -> list[Path]:
    if len(styles) == 1:
        return [Path()]
    return distinct([(path or Path(name), Path(name)) for path, name in styles])


def run_batch(
    batch: Batch,
    made_by: Mapping[str, Any],
    crew: Callable[[], Workers[Task]],
    *,
    anew: bool = False,
    retry: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Do what is not done yet; returns a row for every task, done or failed.

    Args:
        batch: what is to be done.
        made_by: what makes the pictures, as for `Manifest`.
        crew: makes the workers.
        anew: do everything.
        retry: do again what has failed.
        on_progress: is given how many have ended, of how many.

    Raises:
        GessoError: a manifest of other pictures; workers that do not come up; a full disk.
    """
    manifest = Manifest(batch.manifest, made_by, anew)
    names = {task.job.out.name for task in batch.tasks}
    make_folders(task.job for task in batch.tasks)
    folders = {task.job.out.parent for task in batch.tasks} | {batch.out}
    for folder in folders:
        sweep_stale(folder, 0, {*names, batch.manifest.name, batch.report.name})
    for path, line in batch.failures.items():
        manifest.note(Row("", os.fspath(path), "failed", reason=line))
    todo = [task for task in batch.tasks if not _has_ended(manifest[task.output], task, retry)]
    todo = list(_tried_too_often(manifest, todo, retry))
    # Those that were under way when the command was killed come last: one may have been why.
    todo.sort(key=lambda task: _lost(manifest, task))
    done = len(batch.tasks) - len(todo)
    on_progress(done, len(batch.tasks))
    if todo:
        for _ in _work(manifest, crew(), todo):
            done += 1
            on_progress(done, len(batch.tasks))
    keys = [*(task.output for task in batch.tasks), *map(os.fspath, batch.failures)]
    rows = manifest.finish(keys)
    _write_report(batch.report, rows)
    return rows


def _has_ended(row: Row | None, task: Task, retry: bool) -> bool:
    if row is None or not row.ended or not row.of(task.job.photo):
        return False
    return task.job.out.exists() if row.state == "done" else not retry


def _lost(manifest: Manifest, task: Task) -> int:
    row = manifest[task.output]
    return 0 if row is None or row.ended else row.lost


def _tried_too_often(manifest: Manifest, todo: Iterable[Task], retry: bool) -> Iterator[Task]:
    """Those that may be tried; the others have failed."""
    for task in todo:
        row = manifest[task.output]
        if row is not None and not row.ended and row.deaths >= MOST_DEATHS:
            manifest.note(_failed(task, f"ended its worker {row.deaths} times"))
        elif row is not None and not row.ended and row.lost >= MOST_LOST and not retry:
            trouble = f"under way all {row.lost} times that the command was killed"
            manifest.note(_failed(task, f"{trouble}; --retry tries it again"))
        else:
            yield task


def _work(manifest: Manifest, crew: Workers[Task], todo: Sequence[Task]) -> Iterator[Row]:
    """The rows of the tasks as they end."""
    for event in crew.run(todo):
        task = event.job
        if event.kind == "begun":
            manifest.note(task.row)
        elif event.answer is not None:
            yield manifest.note(replace(task.row, **event.answer))
        else:
            row = manifest.note(replace(task.row, state="died", reason=event.how))
            if row.deaths < MOST_DEATHS:
                crew.again(task)
            else:
                yield manifest.note(_failed(task, f"ended its worker twice ({event.how})"))


def _failed(task: Task, trouble: str) -> Row:
    with suppress(OSError):
        now = os.stat(task.job.photo)
        row = replace(task.row, bytes=now.st_size, mtime_ns=now.st_mtime_ns)
        return replace(row, state="failed", reason=f"{shown(task.job.photo)}: {trouble}")
    return replace(task.row, state="failed", reason=f"{shown(task.job.photo)}: {trouble}")


def _write_report(path: Path, rows: Sequence[Row]) -> None:
    lines = [row.reason for row in rows if row.state == "failed"]
    if lines:
        text = "".join(f"{line}\n" for line in lines)
        atomic_write(path, text.encode("utf-8", "backslashreplace"))
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise GessoError(f"{shown(path)}: cannot be removed: {error.strerror}") from error
