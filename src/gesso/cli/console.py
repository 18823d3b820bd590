"""What the command line tells: lines and progress bars, all of it on stderr."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

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
    thousands of objects that are all to stay."""
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
def counting(title: str, total: int, quiet: bool) -> Iterator[Callable[[object], None] | None]:
    """A bar of pictures done."""
    if total < 2 or not _shows_bars(quiet):
        yield None
        return
    with _progress() as progress:
        task = progress.add_task(title, total=total)
        yield lambda _: progress.advance(task)


def _progress(*more: ProgressColumn) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    title = TextColumn("{task.description}", markup=False)
    columns = (title, BarColumn(24), MofNCompleteColumn(), TimeLeft(), *more)
    return Progress(*columns, console=Console(stderr=True), transient=True)
