"""The processes that read what strangers send, each one file at a time. Needs no torch."""

from __future__ import annotations

import queue
from pathlib import Path

from gesso.studio.apart import Answer, Apart
from gesso.studio.limits import Limits
from gesso.studio.refusals import BUSY, Refused

COUNT = 2
MOST_WAITING = 8


class Readers:
    """Reading processes; several threads may ask at one time.

    Args:
        limits: of time, and of the memory that pictures of their size need.
        folder: the working folder.
    """

    def __init__(self, limits: Limits, folder: Path) -> None:
        self.seconds = limits.decode_timeout
        memory = str(1024 + 40 * limits.max_pixels // 2**20)  # MB; a picture is 12 B a pixel
        self.all = [
            Apart("gesso.studio.worker", ["reading", memory], folder, {}) for _ in range(COUNT)
        ]
        self._free: queue.SimpleQueue[Apart] = queue.SimpleQueue()
        for one in self.all:
            one.start()
            self._free.put(one)
        self._asked = 0

    def check_room(self) -> None:
        """Raises Refused where so much is being read that more would only wait."""
        if self._asked >= COUNT + MOST_WAITING:
            raise Refused(BUSY, "too many files are being read; try again", retry_after=2)

    def ask(self, task: Answer) -> Answer:
        """What a process says of a file. Raises GessoError."""
        self._asked += 1
        try:
            reader = self._free.get()
            try:
                return reader.ask(task, self.seconds)
            finally:
                self._free.put(reader)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """End the processes."""
        for one in self.all:
            one.close()
