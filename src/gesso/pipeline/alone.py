"""A worker in this process, for files that no other process reaches. Needs no torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from gesso.pipeline.crew import Event

T = TypeVar("T")
Do = Callable[[dict[str, Any]], dict[str, Any]]


class Alone(Generic[T]):
    """Does jobs one after the other, as `gesso.pipeline.crew.Workers` do; what ends a worker ends
    all.

    Args:
        make: makes what does a job.
        message: a job as JSON values.
    """

    def __init__(
        self,
        make: Callable[[], AbstractContextManager[Do]],
        message: Callable[[T], dict[str, Any]],
    ) -> None:
        self.make, self.message = make, message
        self._jobs: deque[T] = deque()

    def run(self, jobs: Iterable[T]) -> Iterator[Event[T]]:
        """Do the jobs; yields what happens. Raises what `make` raises."""
        self._jobs.extend(jobs)
        with self.make() as do:
            while self._jobs:
                job = self._jobs.popleft()
                yield Event(job, "begun")
                yield Event(job, "ended", do(self.message(job)))

    def again(self, job: T) -> None:
        """Do a job once more, after the rest."""
        self._jobs.append(job)
