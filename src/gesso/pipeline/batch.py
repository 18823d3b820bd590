"""Many photos in one or many styles: each ends as done or failed. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.pipeline.crew import Workers
from gesso.pipeline.files import files_at
from gesso.pipeline.manifest import Manifest, Row
from gesso.pipeline.tasks import Batch, Task

MOST_DEATHS = 2  # of workers, at the hands of one photo
MOST_LOST = 3  # times that a photo was under way when the whole command was killed


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
    written = [*(task.out for task in batch.tasks), batch.manifest, batch.report]
    files = files_at(batch.out)
    files.prepare(written)
    for name, line in batch.failures.items():
        manifest.note(Row("", name, "failed", reason=line))
    todo = [task for task in batch.tasks if not _has_ended(manifest[task.output], task, retry)]
    todo = list(_tried_too_often(manifest, todo, retry))
    # Those that were under way when a worker or the command was killed come last: they may be why.
    todo.sort(key=lambda task: _ends_seen(manifest, task))
    done = len(batch.tasks) - len(todo)
    on_progress(done, len(batch.tasks))
    if todo:
        try:
            for _ in _work(manifest, crew(), todo):
                done += 1
                on_progress(done, len(batch.tasks))
        finally:
            manifest.flush()
        files.prepare(written)  # without what workers left that were killed
    rows = manifest.finish([*(task.output for task in batch.tasks), *batch.failures])
    _write_report(batch.report, rows)
    return rows


def _has_ended(row: Row | None, task: Task, retry: bool) -> bool:
    if row is None or not row.ended or not row.of(task.photo):
        return False
    return files_at(task.out).was_there(task.out) if row.state == "done" else not retry


def _ends_seen(manifest: Manifest, task: Task) -> int:
    row = manifest[task.output]
    return 0 if row is None or row.ended else row.lost + row.deaths


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
    places = {task.output: place for place, task in enumerate(todo)}
    for event in crew.run(todo):
        task = event.job
        if event.kind == "begun":
            place = places[task.output]
            _begin(manifest, todo[place : place + manifest.ahead])
        elif event.answer is not None:
            yield manifest.note(replace(task.row, **event.answer))
        else:
            row = manifest.note(replace(task.row, state="died", reason=event.how))
            if row.deaths < MOST_DEATHS:
                crew.again(task)
            else:
                yield manifest.note(_failed(task, f"ended its worker twice ({event.how})"))


def _begin(manifest: Manifest, todo: Sequence[Task]) -> None:
    """Write down that the first of these begins. Where a line costs much, so do those after it,
    unless they may be why a worker or the command has ended: these are written down alone."""
    first, *rest = todo
    row = manifest[first.output]
    if row is not None and row.state == "begun":
        return
    rows = [first.row]
    if not _is_suspect(manifest, first):
        rows += [task.row for task in rest if not _is_suspect(manifest, task)]
    manifest.begin(rows)


def _is_suspect(manifest: Manifest, task: Task) -> bool:
    row = manifest[task.output]
    return row is not None and not row.ended


def _failed(task: Task, trouble: str) -> Row:
    row = replace(task.row, state="failed", reason=f"{shown(task.photo)}: {trouble}")
    with suppress(OSError, GessoError):
        return replace(row, **files_at(task.photo).stamp(task.photo)._asdict())
    return row


def _write_report(name: str, rows: Sequence[Row]) -> None:
    files = files_at(name)
    lines = [row.reason for row in rows if row.state == "failed"]
    if not lines:
        files.remove(name)
        return
    text = "".join(f"{line}\n" for line in lines)
    files.write(name, text.encode("utf-8", "backslashreplace"))
