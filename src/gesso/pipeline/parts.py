"""A file of lines that grows, where nothing can be added to a file. Needs no torch.

What is new lies beside it, in parts of some lines, each written whole; `replace` makes one
file of all. Lines that need not be there at once wait up to a second, and are written together.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

from gesso.errors import GessoError

PAUSE = 1.0  # seconds between two writes, unless something must be there at once
MOST_LINES = 1000  # of a part, which is written anew with each line


class Store(Protocol):
    """What parts need of a file system."""

    def data(self, name: str) -> bytes:
        """All bytes of a file."""

    def exists(self, name: str) -> bool:
        """Whether it is there."""

    def paths(self, folder: str) -> list[str]:
        """The paths of what is in a folder."""

    def make_folder(self, name: str) -> None:
        """Make a folder where none is."""

    def remove_folder(self, name: str) -> None:
        """Remove a folder, where folders are more than names, with what is left in it."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""


class Parts:
    """A `gesso.pipeline.files.Journal` of the file `name`, with parts in the folder ".NAME"."""

    ahead = 32

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        above, _, own = name.rpartition("/")
        self.folder = f"{above}/.{own}"
        self._number = 0  # of the last part
        self._data: bytes | None = None  # of it; None: the next line begins another one
        self._known = False  # whether the parts that are there are this journal's
        self._waiting, self._written = False, 0.0
        self._timer: threading.Timer | None = None
        self._trouble: GessoError | None = None
        self._lock = threading.RLock()

    def read(self) -> bytes:
        """What was written, in order. Without the file itself its parts count for nothing."""
        if not self.store.exists(self.name):
            return b""
        self._known = True
        numbers = self._numbers()
        self._number = max(numbers, default=0)
        pieces = [self.name, *map(self._part, numbers)]
        found = [self.store.data(piece) for piece in pieces]
        return b"".join(one if one.endswith(b"\n") else one + b"\n" for one in found if one)

    def append(self, data: bytes, now: bool = True) -> None:
        """Add lines, which are there when this returns, or within a second."""
        with self._lock:
            if self._trouble is not None:
                raise self._trouble
            if self._data is None or self._data.count(b"\n") >= MOST_LINES:
                self._put()
                self.store.make_folder(self.folder)
                self._number, self._data = self._number + 1, b""
            self._data, self._waiting = self._data + data, True
            if now or time.monotonic() - self._written >= PAUSE:
                self._put()
            elif self._timer is None:
                self._timer = threading.Timer(PAUSE, self._later)
                self._timer.daemon = True
                self._timer.start()

    def replace(self, data: bytes) -> None:
        """Have the file hold this, and no parts beside it. Those of another run, which count for
        nothing, go first; those that it was made of, last."""
        with self._lock:
            self._waiting = False
            old = [self._part(number) for number in self._numbers()]
            if not self._known:
                self._remove(old)
                old = []
            self.store.write(self.name, data)
            self._remove(old)
            self._known, self._number, self._data = True, 0, None

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._trouble is not None:
                raise self._trouble
            self._put()

    def _later(self) -> None:
        with self._lock:
            try:
                self._put()
            except GessoError as error:  # for the next who adds something
                self._trouble = error

    def _put(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self.store.write(self._part(self._number), self._data or b"")
            self._waiting, self._written = False, time.monotonic()

    def _numbers(self) -> list[int]:
        names = (path.rpartition("/")[2] for path in self.store.paths(self.folder))
        return sorted(int(name) for name in names if name.isdecimal())

    def _part(self, number: int) -> str:
        return f"{self.folder}/{number:06}"

    def _remove(self, names: list[str]) -> None:
        for name in names:
            self.store.remove(name)
        self.store.remove_folder(self.folder)  # and what a killed writer left
