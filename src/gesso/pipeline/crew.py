"""Processes that each do one job at a time: when a job ends its process, another goes on. Needs no
torch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Generic, Literal, Protocol, TypeVar

from gesso.errors import GessoError, OptionError
from gesso.images.wire import ending, receive, send

T = TypeVar("T")
_ROOT = Path(__file__).parent.parent.parent
_CODE = f"import sys; sys.path.append({str(_ROOT)!r}); "
_STARTS = 5  # of workers in a row that do not come up


@dataclass(frozen=True)
class Event(Generic[T]):
    """What happened to a job: begun; ended, with the worker's answer; died, as its worker did, and
    `how` says of what."""

    job: T
    kind: Literal["begun", "ended", "died"]
    answer: dict[str, Any] | None = None
    how: str = ""
    seen: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)


class Workers(Protocol[T]):
    """What does jobs: a `Crew`, or a cluster's."""

    def run(self, jobs: Iterable[T]) -> Iterator[Event[T]]:
        """Do the jobs; yields what happens."""

    def again(self, job: T) -> None:
        """Do a job that died once more, after the rest."""


class Crew(Generic[T]):
    """Workers that do jobs.

    Args:
        code: Python that calls `serve` in a process of its own.
        arguments: of that process.
        count: how many workers there are.
        message: a job as JSON values, for the worker.
        environment: variables set for the workers.
    """

    def __init__(
        self,
        code: str,
        arguments: Sequence[str],
        count: int,
        message: Callable[[T], dict[str, Any]],
        environment: dict[str, str] | None = None,
    ) -> None:
        self.command = [sys.executable, "-P", "-c", _CODE + code, *arguments]
        self.count, self.message = count, message
        self.environment = {**os.environ, **(environment or {})}
        self._jobs: deque[T] = deque()
        self._events: SimpleQueue[Event[T] | BaseException] = SimpleQueue()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._over = False
        self._waiting = 0

    def run(self, jobs: Iterable[T]) -> Iterator[Event[T]]:
        """Do the jobs; yields what happens, each job's beginning before anything is done. `again`
        puts a job that died at the end of the rest. When the caller goes away, so do the workers.

        Raises:
            GessoError: a worker that did not come up; what it said, if it said why.
        """
        self._jobs.extend(jobs)
        self._waiting = len(self._jobs)
        count = min(self.count, self._waiting)
        threads = [threading.Thread(target=self._master, daemon=True) for _ in range(count)]
        try:
            for thread in threads:
                thread.start()
            while self._waiting:
                event = self._next()
                if isinstance(event, BaseException):
                    raise event
                self._waiting -= event.kind != "begun"
                yield event
                event.seen.set()
        finally:
            self._end(threads)

    def again(self, job: T) -> None:
        """Do a job that died once more, after the rest."""
        self._waiting += 1
        self._jobs.append(job)

    def _next(self) -> Event[T] | BaseException:
        while True:  # a wait without an end would not hear of Ctrl-C on Windows
            with suppress(Empty):
                return self._events.get(timeout=0.2)

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        with self._lock:
            self._over = True
            for process in self._processes:
                process.kill()
        for thread in threads:
            thread.join()

    def _master(self) -> None:
        """What one thread does: it keeps a worker, and hands it jobs until all are done."""
        starts = 0
        try:
            while not self._over:
                with self._worker() as process:
                    if self._came_up(process):
                        starts = 0
                        self._serve(process)
                    elif (starts := starts + 1) == _STARTS:
                        raise GessoError(f"a worker did not come up ({ending(process)})")
        except BaseException as error:
            self._events.put(error)

    @contextmanager
    def _worker(self) -> Iterator[subprocess.Popen[bytes]]:
        with self._lock:  # so that none is started once all are ended
            try:
                process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=self.environment,
                )
            except OSError as error:
                raise GessoError(f"no worker can be started: {error}") from error
            self._processes.add(process)
        try:
            yield process
        finally:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            process.wait()
            with self._lock:
                self._processes.discard(process)

    def _came_up(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether a worker is ready. Raises GessoError with what it says is in its way."""
        assert process.stdout is not None
        try:
            head = receive(process.stdout)[0]
        except EOFError:
            return False
        if "option" in head:
            raise OptionError(head["option"], head["error"])
        if "error" in head:
            raise GessoError(head["error"])
        return True

    def _serve(self, process: subprocess.Popen[bytes]) -> None:
        """Hand jobs to a worker until one ends it."""
        requests, answers = process.stdin, process.stdout
        assert requests is not None and answers is not None
        while not self._over:
            try:
                job = self._jobs.popleft()
            except IndexError:  # the jobs of others may come back
                threading.Event().wait(0.05)
                continue
            begun = False
            try:
                send(requests, self.message(job))
                receive(answers)
                begun = self._tell_begun(job)
                send(requests, {"go": True})
                answer = receive(answers)[0]
            except (OSError, EOFError):
                if begun:
                    self._events.put(Event(job, "died", how=ending(process)))
                else:
                    self._jobs.appendleft(job)  # it was killed before
                return
            self._events.put(Event(job, "ended", answer))

    def _tell_begun(self, job: T) -> bool:
        """Returns once the caller knows that a job begins."""
        event = Event(job, "begun")
        self._events.put(event)
        while not event.seen.wait(0.5) and not self._over:
            pass
        return True


def serve(make: Callable[[], Callable[[dict[str, Any]], dict[str, Any]]]) -> None:
    """Be a worker: do what comes on standard input by the function that `make` makes, and answer
    on standard output. The process ends when its master does, even within a job."""
    with suppress(ValueError, AttributeError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the master's to answer
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what prints, prints beside
    came: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, came), daemon=True).start()
    try:
        do = make()
    except OptionError as error:
        send(answers, {"option": error.option, "error": error.trouble})
        return
    except GessoError as error:
        send(answers, {"error": str(error)})
        return
    with suppress(OSError):
        send(answers, {"ready": True})
        while True:
            request = came.get()
            send(answers, {"begun": True})
            came.get()
            send(answers, do(request))


def _listen(requests: IO[bytes], came: SimpleQueue[dict[str, Any]]) -> None:
    with suppress(EOFError, OSError, ValueError):
        while True:
            came.put(receive(requests)[0])
    os._exit(1)
