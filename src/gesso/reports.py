"""What long work reports to whoever listens: how far it is, pictures on the way, and the seconds of
its stages.

Work that is called with an `on_step` reports there. This is for what lies deep below its caller,
such as a download, and for seconds that only `-v` shows. Nobody listens by default. A listener
hears the thread that it listens in. Needs no torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far some work is: `done` of `total` `unit`, such as 3 of 60 "steps".

    Attributes:
        title: what is done; reports of the same title are about the same work.
        note: what else is known, such as losses; of less interest than all else.
    """

    title: str
    done: float
    total: float
    unit: str = "steps"
    note: str = ""


OnProgress = Callable[[Progress], None]

Draft = Callable[[], Any]
"""Returns a picture as it is now, (1, 3, H, W) in about [0, 1]: an array or a tensor."""

_listener: ContextVar[OnProgress | None] = ContextVar("listener", default=None)
_watcher: ContextVar[Callable[[Draft], None] | None] = ContextVar("watcher", default=None)
_seconds: ContextVar[dict[str, float] | None] = ContextVar("seconds", default=None)


def report(progress: Progress) -> None:
    """Hand `progress` to the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(progress)


@contextmanager
def listening(listener: OnProgress) -> Iterator[None]:
    """Have `listener` called with what is reported in the body, by this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def look(draft: Draft) -> None:
    """Offer a picture on the way to a result to whoever watches; it is made if it is wanted."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(draft)


@contextmanager
def watching(watcher: Callable[[Draft], None]) -> Iterator[None]:
    """Have `watcher` called with pictures on the way that the body offers, by this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the seconds of the body to those of the stage `name`, if someone counts them.

    A stage within a stage is counted twice: both name what they took.
    """
    counted = _seconds.get()
    if counted is None:
        yield
        return
    start = time.perf_counter()
    try:
        yield
    finally:
        counted[name] = counted.get(name, 0.0) + time.perf_counter() - start


@contextmanager
def counting() -> Iterator[dict[str, float]]:
    """Yields a dictionary into which the stages of the body enter their seconds, by name."""
    counted: dict[str, float] = {}
    token = _seconds.set(counted)
    try:
        yield counted
    finally:
        _seconds.reset(token)
