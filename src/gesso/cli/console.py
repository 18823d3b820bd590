"""What the command line tells: lines and progress bars, all of it on stderr."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from gesso.methods.base import AdaptStep, OnStep


def one_line(text: str) -> str:
    """`text` without line breaks and other control characters."""
    text = " ".join(text.split())
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def complain(text: str) -> None:
    """One line about something that went wrong."""
    print(one_line(text), file=sys.stderr, flush=True)


def say(text: str, quiet: bool = False) -> None:
    """One line about what was done."""
    if not quiet:
        complain(text)


class _Stderr(logging.Handler):
    """Looks stderr up anew for every line: progress bars put themselves in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))


def set_up_logging(verbose: int) -> int:
    """Warnings by default; what is done and why at 1, everything at 2."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logger = logging.getLogger("gesso")
    logger.setLevel(level)
    logger.handlers = [_Stderr()]
    logger.propagate = False
    return verbose


def import_torch() -> None:
    """Import torch an eighth faster: the garbage collector would look for cycles among hundreds of
    thousands of objects that are all to stay. Its tensors' memory is used again."""
    from gesso.training.malloc import keep_small_blocks

    keep_small_blocks()
    gc.disable()
    try:
        import torch  # noqa: F401
    finally:
        gc.freeze()
        gc.enable()


def _shows_bars(quiet: bool) -> bool:
    return not quiet and sys.stderr.isatty()


@contextmanager
def adapting(title: str, quiet: bool) -> Iterator[OnStep | None]:
    """A bar of adaptation steps with the time left and the losses."""
    if not _shows_bars(quiet):
        yield None
        return
    from rich.progress import TextColumn

    with _progress(TextColumn("{task.fields[losses]}", markup=False)) as progress:
        task = progress.add_task(title, total=None, losses="")

        def on_step(step: AdaptStep) -> None:
            losses = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items())
            progress.update(task, completed=step.step, total=step.steps, losses=losses)

        yield on_step


@contextmanager
def stylizing(
    title: str, total: int, quiet: bool
) -> Iterator[tuple[Callable[[object], None] | None, OnStep | None]]:
    """A bar of pictures done and, for a method that optimises each, one of its steps."""
    if not _shows_bars(quiet):
        yield None, None
        return
    bars = _Bars(title, total)
    try:
        yield bars.job if total > 1 else None, bars.step
    finally:
        bars.stop()


class Benchmarking:
    """A bar of all measurements by their costs, with the one under way and its steps."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.whole = progress.add_task("bench", total=None)
        self.title = ""

    def task(self, title: str, done: float, total: float) -> None:
        """A measurement begins."""
        self.title = title
        self.progress.update(self.whole, description=title, completed=done, total=total)

    def step(self, step: AdaptStep) -> None:
        """A step of an adaptation."""
        title = f"{self.title}, step {step.step} of {step.steps}"
        self.progress.update(self.whole, description=title)


@contextmanager
def benchmarking(quiet: bool) -> Iterator[Benchmarking | None]:
    """The bar of `gesso bench`, with the time left."""
    if not _shows_bars(quiet):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    title = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(24), TaskProgressColumn(), TimeLeft(), title)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Benchmarking(progress)


class _Bars:
    """Drawn from the first report on: most single pictures are done before rich is imported."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self.progress: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def job(self, _: object) -> None:
        self.done += 1
        self._show("pictures", self.title, self.done, self.total, "")

    def step(self, step: AdaptStep) -> None:
        losses = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items())
        self._show("steps", "optimizing", step.step, step.steps, losses)

    def stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()

    def _show(self, key: str, title: str, done: int, total: int, losses: str) -> None:
        from rich.progress import TextColumn

        if self.progress is None:
            self.progress = _progress(TextColumn("{task.fields[losses]}", markup=False))
            self.progress.start()
        if key not in self.tasks:
            self.tasks[key] = self.progress.add_task(title, losses="")
        self.progress.update(self.tasks[key], completed=done, total=total, losses=losses)


def _progress(*more: ProgressColumn) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    title = TextColumn("{task.description}", markup=False)
    columns = (title, BarColumn(24), MofNCompleteColumn(), TimeLeft(), *more)
    return Progress(*columns, console=Console(stderr=True), transient=True)
