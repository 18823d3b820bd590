"""A process apart: it does one task at a time, within a limit of time, and can be ended.

What it does comes from strangers' files: a decoder that hangs, a picture that takes all memory, a
job that is no longer wanted. The two processes exchange lines of JSON, so that one which a file has
taken over cannot make the other unpickle anything. Needs no torch.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any

from gesso.errors import GessoError

Answer = dict[str, Any]
Heard = Callable[[Answer], None]

START_SECONDS = 120.0  # until Python is up; importing torch on a busy machine takes its time
GRACE_SECONDS = 3.0  # from being asked to stop to being ended
TICK_SECONDS = 0.05
LONGEST_LINE = 1 << 20
ENDED = "ended unexpectedly, perhaps for lack of memory; a smaller size helps"


class Stopped(Exception):
    """The task was given up because it was no longer wanted."""


class _Forced(Stopped):
    """It did not stop by itself."""


class Died(GessoError):
    """The process ended within a task, or was ended because the task took too long."""


class Apart:
    """A process of its own, started when it is first needed. One thread at a time may use it.

    Args:
        module: run as `python -m`; it answers as `gesso.studio.worker` does.
        folder: its working folder.
        environment: what is set there besides this process's own.
    """

    def __init__(
        self, module: str, arguments: list[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.command = [sys.executable, "-P", "-m", module, *arguments]
        self.folder, self.environment = folder, _environment(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._lock = Lock()
        self._closed = self._ready = False

    def start(self) -> None:
        """Start the process, if there is none, without waiting for it."""
        with self._lock:
            if self._closed or (self._process is not None and self._process.poll() is None):
                return
            self._lines, self._ready = queue.SimpleQueue(), False
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if os.environ.get("GESSO_DEBUG") else subprocess.DEVNULL,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )
            assert self._process.stdout is not None
            listen = Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True)
            listen.start()

    def ask(
        self,
        task: Answer,
        seconds: float,
        heard: Heard = lambda answer: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """What the process answers to a task.

        Args:
            task: JSON values.
            seconds: after which it is ended.
            heard: is given what it reports meanwhile.
            stopped: whether the task is to be given up.

        Raises:
            GessoError: the one that the task raised.
            Died: it ended, or had to be ended.
            Stopped: it was given up.
        """
        self.start()
        try:
            self._await_ready()
            self._send({"task": task})
            return self._answer(seconds, heard, stopped)
        except (Died, _Forced):
            self.end()
            self.start()  # the next task does not wait for it
            raise

    def _await_ready(self) -> None:
        if self._ready:
            return
        try:
            answer = self._lines.get(timeout=START_SECONDS)
        except queue.Empty:
            answer = None
        if answer is None or "ready" not in answer:
            raise Died("the process that does this did not start")
        self._ready = True

    def _answer(self, seconds: float, heard: Heard, stopped: Callable[[], bool]) -> Answer:
        end, asked = time.monotonic() + seconds, False
        while True:
            if not asked and stopped():
                asked, end = True, time.monotonic() + GRACE_SECONDS
                self._send({"stop": True})
            left = end - time.monotonic()
            if left <= 0:
                raise _Forced if asked else Died(f"took longer than {seconds:g} s and was ended")
            try:
                answer = self._lines.get(timeout=min(left, TICK_SECONDS))
            except queue.Empty:
                continue
            if answer is None:
                raise _Forced if asked else Died(ENDED)
            if "heard" in answer:
                heard(answer["heard"])
            elif "stopped" in answer:
                raise Stopped
            elif "error" in answer:
                raise GessoError(str(answer["error"]))
            else:
                return dict(answer.get("done") or {})

    def _send(self, message: Answer) -> None:
        process = self._process
        try:
            if process is None or process.stdin is None:
                raise Died(ENDED)
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        except (OSError, ValueError) as error:
            raise Died(ENDED) from error

    def end(self) -> None:
        """End the process at once."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            _kill(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()

    def close(self) -> None:
        """End the process for good."""
        self._closed = True
        self.end()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, and those that it has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment; relative folders of PYTHONPATH would lead nowhere from there."""
    found = {**os.environ, **more}
    if path := found.get("PYTHONPATH"):
        found["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in path.split(os.pathsep))
    return found


def _read(stream: IO[bytes], lines: queue.SimpleQueue[Answer | None]) -> None:
    """Put every line into `lines`, and None at the end or for a line that is no JSON object."""
    with suppress(OSError, ValueError):
        while line := stream.readline(LONGEST_LINE):
            answer = json.loads(line)
            if not isinstance(answer, dict):
                break
            lines.put(answer)
    lines.put(None)
