"""How far a command is: bars on a terminal, elsewhere a plain line at least every ten seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gesso.cli.console import say
from gesso.reports import OnProgress, Progress, listening

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from gesso.methods.base import AdaptStep

EVERY_SECONDS = 10.0  # between plain lines
BAR_CHARACTERS = 24


@contextmanager
def showing(
    quiet: bool, console: Console | None = None, every: float = EVERY_SECONDS
) -> Iterator[OnProgress]:
    """Show what the body reports, to the function yielded or by `gesso.reports.report`.

    Args:
        quiet: show nothing.
        console: where to draw bars; None: on stderr, if that is a terminal.
        every: seconds between plain lines where no bars are drawn.
    """
    if quiet:
        yield lambda progress: None
        return
    shown = _Bars(console) if console or sys.stderr.isatty() else _Lines(every)
    try:
        with listening(shown.show):
            yield shown.show
    finally:
        shown.close()


def step_reporter(
    show: OnProgress, title: str, watch: Callable[[], None] | None = None
) -> Callable[[AdaptStep], None]:
    """An `on_step` that shows the steps and losses of an adaptation under `title`, and calls
    `watch` at each."""

    def on_step(step: AdaptStep) -> None:
        if watch is not None:
            watch()
        losses = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items())
        show(Progress(title, step.step, step.steps, note=losses))

    return on_step


class _Lines:
    """A line on stderr about all that is under way, whenever some seconds have passed."""

    def __init__(self, every: float) -> None:
        self.every = every
        self.known: dict[str, tuple[Progress, float, float]] = {}  # with start: done, time
        self.lock, self.closed = threading.Lock(), threading.Event()
        self.ticker: threading.Thread | None = None

    def show(self, progress: Progress) -> None:
        with self.lock:
            if progress.done >= progress.total:
                self.known.pop(progress.title, None)
                return
            first = progress, progress.done, time.monotonic()
            _, done, began = self.known.get(progress.title, first)
            self.known[progress.title] = progress, done, began
        if self.ticker is None:
            self.ticker = threading.Thread(target=self._tick, daemon=True)
            self.ticker.start()

    def close(self) -> None:
        self.closed.set()
        if self.ticker is not None:
            self.ticker.join()

    def _tick(self) -> None:
        while not self.closed.wait(self.every):
            with self.lock:
                told = [_line(*known) for known in self.known.values()]
            if told:
                say("; ".join(told))


def _line(progress: Progress, first: float, began: float) -> str:
    line = f"{progress.title}: {_count(progress, ' of ')}"
    if progress.done > first:
        seconds = (time.monotonic() - began) / (progress.done - first)
        line += f", {_duration(seconds * (progress.total - progress.done))} left"
    return f"{line}, {progress.note}" if progress.note else line


def _count(progress: Progress, between: str) -> str:
    return f"{progress.done:.0f}{between}{progress.total:.0f} {progress.unit}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


class _Bars:
    """Title, bar, count and time left; behind them the notes that there is room for.

    Drawn from the first report on: most single pictures are done before rich is imported.
    """

    def __init__(self, console: Console | None) -> None:
        self.console = console
        self.progress: RichProgress | None = None
        self.tasks: dict[str, TaskID] = {}

    def show(self, progress: Progress) -> None:
        if progress.total <= 1:
            return
        bars = self._drawn()
        count = _count(progress, "/")
        room = bars.console.width - BAR_CHARACTERS - len(count) - len("0:00:00") - 4
        title = _shortened(progress.title, max(room, 8))
        note = _fitting(progress.note, room - len(title))
        if progress.title not in self.tasks:
            self.tasks[progress.title] = bars.add_task(title, total=None, count="", note="")
        task = self.tasks[progress.title]
        done, total = progress.done, progress.total
        bars.update(task, completed=done, total=total, description=title, count=count, note=note)
        if progress.done >= progress.total:
            bars.remove_task(self.tasks.pop(progress.title))

    def close(self) -> None:
        if self.progress is not None:
            self.progress.stop()

    def _drawn(self) -> RichProgress:
        if self.progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            fields = ("description", "fields[count]", "fields[note]")
            title, count, note = (TextColumn(f"{{task.{f}}}", markup=False) for f in fields)
            columns = (title, BarColumn(BAR_CHARACTERS), count, TimeRemainingColumn(), note)
            console = self.console or Console(stderr=True)
            self.progress = Progress(*columns, console=console, transient=True)
            self.progress.start()
        return self.progress


def _shortened(text: str, room: int) -> str:
    """At most `room` characters of `text`: its beginning and its end."""
    if len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}…{text[len(text) - end :]}"


def _fitting(note: str, room: int) -> str:
    """As many of the parts of `note`, which two spaces separate, as there is room for."""
    parts = note.split("  ")
    while parts and len("  ".join(parts)) > room:
        parts.pop()
    return "  ".join(parts)
