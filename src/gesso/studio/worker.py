"""The other side of `gesso.studio.apart`: `python -m gesso.studio.worker reading|painting`.

It reads lines of JSON from standard input and writes lines of JSON to what was standard output:
{"ready": true} once; then for every task {"heard": …} as often as there is something to report, and
one of {"done": …}, {"error": "one line"} and {"stopped": true}. When the other process is gone,
this one ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from threading import Event, Thread
from typing import Any

from gesso.errors import GessoError

KINDS = {"reading": "gesso.studio.reading", "painting": "gesso.studio.painting"}
EVERY_SECONDS = 0.1  # between reports

Task = dict[str, Any]


class Stop(BaseException):
    """Raised within a task that is no longer wanted; no task catches it."""


class Listener:
    """What a task reports to: `say` writes a line at most every EVERY_SECONDS, and raises Stop once
    the task is no longer wanted."""

    def __init__(self, write: Callable[[Task], None], unwanted: Event) -> None:
        self._write, self._unwanted, self._last = write, unwanted, 0.0

    def check(self) -> None:
        """Raises Stop where the task is no longer wanted."""
        if self._unwanted.is_set():
            raise Stop

    def say(self, message: Task, always: bool = False) -> None:
        """Report something; what comes soon after another report is left out, unless `always`."""
        self.check()
        now = time.monotonic()
        if always or now - self._last >= EVERY_SECONDS:
            self._last = now
            self._write({"heard": message})


class _Worker:
    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what libraries print must not come between the lines
        self.tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self.unwanted = Event()

    def write(self, message: Task) -> None:
        try:
            self.out.write(json.dumps(message).encode() + b"\n")
            self.out.flush()
        except OSError:
            os._exit(0)

    def listen(self) -> None:
        """Hand on what comes in; the end of it is the end of this process."""
        with suppress(Exception):
            for line in sys.stdin.buffer:
                message = json.loads(line)
                if "stop" in message:
                    self.unwanted.set()
                else:
                    self.tasks.put(message["task"])
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with those that a task has started
        os._exit(0)

    def run(self, kind: str) -> None:
        os.umask(0o077)
        tasks = import_module(KINDS[kind]).TASKS
        Thread(target=self.listen, daemon=True).start()
        self.write({"ready": True})
        while True:
            task = self.tasks.get()
            answer = self.done(tasks, task)
            self.unwanted.clear()
            self.write(answer)

    def done(self, tasks: dict[str, Callable[[Task, Listener], Any]], task: Task) -> Task:
        try:
            return {"done": tasks[task["do"]](task, Listener(self.write, self.unwanted))}
        except Stop:
            return {"stopped": True}
        except GessoError as error:
            return {"error": str(error)}
        except MemoryError:
            return {"error": "more memory is needed than there is; a smaller size helps"}
        except Exception as error:
            traceback.print_exc()
            return {"error": f"unexpected error, please report it ({type(error).__name__})"}


if __name__ == "__main__":
    _Worker().run(sys.argv[1])
