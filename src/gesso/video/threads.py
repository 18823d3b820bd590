"""Work that runs ahead of, or behind, the thread that needs it, by a few items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")

ON_THE_WAY = 4  # items between two threads
PATIENCE = 0.1  # seconds after which a thread looks whether the other has given up


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items, which a thread of its own makes a few ahead. What stops it is raised here."""
    queue: Queue[tuple[bool, Any]] = Queue(ON_THE_WAY)
    given_up = Event()

    def put(item: tuple[bool, Any]) -> None:
        while not given_up.is_set():
            try:
                queue.put(item, timeout=PATIENCE)
                return
            except Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put((True, item))
                if given_up.is_set():
                    return
            put((False, None))
        except BaseException as error:
            put((False, error))

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            more, item = queue.get()
            if not more:
                if item is not None:
                    raise item
                return
            yield item
    finally:
        given_up.set()
        thread.join()


class Behind(Generic[T]):
    """Does something with items, in a thread of its own, a few behind."""

    def __init__(self, do: Callable[[T], None]) -> None:
        self._do = do
        self._queue: Queue[T | None] = Queue(ON_THE_WAY)
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Hand an item on; waits while there are many. Raises what an earlier one has raised."""
        self._put(item)
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Wait until all items are done with. Raises what one of them has raised."""
        self._put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _put(self, item: T | None) -> None:
        while self._thread.is_alive():
            try:
                self._queue.put(item, timeout=PATIENCE)
                return
            except Full:
                continue

    def _run(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                self._do(item)
        except BaseException as error:
            self._failure = error
