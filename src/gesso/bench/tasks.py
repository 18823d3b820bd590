"""Single measurements: made once, kept at once, so that an interrupted benchmark goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gesso.bench.store import Budget, Row, Store
from gesso.stylizers.progress import OnStep

T = TypeVar("T")


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Task:
    """One measurement.

    Attributes:
        key: its name in the store.
        settings: all that decides its result.
        cost: roughly its seconds, for the time left.
        run: measures; is given what its steps are reported to.
        needed: asked before; other rows may have made it superfluous.
        file: what it writes besides; without that file it is made again.
    """

    key: str
    settings: dict[str, Any]
    cost: float
    run: Callable[[OnStep | None], Row]
    needed: Callable[[], bool] = _always
    file: Path | None = None

    def kept(self, store: Store) -> Row | None:
        """The row, if it has been measured under these settings and its file is still there."""
        row = store.get(self.key, self.settings)
        return None if row is None or (self.file and not self.file.is_file()) else row


OnTask = Callable[[str, float, float], None]
"""Is given the task that begins, the costs done and those of all."""


def run_all(
    tasks: Sequence[Task],
    store: Store,
    budget: Budget,
    on_task: OnTask | None = None,
    on_step: OnStep | None = None,
) -> bool:
    """Measure what is missing, in order; returns whether everything is there afterwards."""
    several = {task.key: task for task in tasks}  # some are named twice
    missing = [task for task in several.values() if task.kept(store) is None]
    total, done = sum(task.cost for task in missing), 0.0
    for task in missing:
        if task.needed() and task.kept(store) is None:
            if budget.over():
                return False
            if on_task is not None:
                on_task(task.key, done, total)
            store.put(task.key, task.settings, task.run(on_step))
        done += task.cost
    return True


def turns(items: Sequence[T], turn: int) -> list[T]:
    """The items in the order of a turn: each turn another one begins, so that what drifts while
    measuring, the processor's clock for one, hits all alike."""
    start = turn % len(items) if items else 0
    return [*items[start:], *items[:start]]
