"""Workers of a Ray cluster in the place of a `Crew`: on one machine or on many. Needs no torch.

Every worker is an actor that is made once, with its weights, and then does one job at a time. Only
names travel: the worker reads the photo and writes the result by the paths that the command was
given, which all machines must share.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from gesso.errors import GessoError, OptionError
from gesso.pipeline.crew import Event

T = TypeVar("T")
Do = Callable[[dict[str, Any]], dict[str, Any]]

LOCAL = "local"
_STARTS = 5  # of workers in a row that do not come up
_QUIET = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
_DOOR, _ANSWER = 5.0, 10.0  # seconds for a connection, and for the cluster behind it to answer
_ASK = f"import sys, ray; print(flush=True); ray.init(address=sys.argv[1], **{_QUIET})"


def ray_of() -> Any:
    """Ray. Raises OptionError, with what to install, where it is missing."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent anywhere
    try:
        import ray
    except ImportError as error:
        trouble = "needs Ray, which is missing; pip install 'gesso[ray]' brings it"
        raise OptionError("ray", trouble) from error
    return ray


class RayCrew(Generic[T]):
    """Workers that do jobs, as `Crew` has them.

    Args:
        address: of the cluster; "local": a cluster of this machine, which ends with the jobs.
        count: how many workers there are at most.
        make: makes of `arguments` what does a job; it is named to the workers, not sent.
        arguments: strings.
        message: a job as JSON values, for the worker.
        threads: processors that a worker takes.
    """

    def __init__(
        self,
        address: str,
        count: int,
        make: Callable[[Sequence[str]], Do],
        arguments: Sequence[str],
        message: Callable[[T], dict[str, Any]],
        threads: int = 1,
    ) -> None:
        self.address, self.count, self.threads = address, count, threads
        self.make, self.arguments, self.message = make, list(arguments), message
        self._jobs: deque[T] = deque()
        self._free: list[Any] = []
        self._running: dict[Any, tuple[Any, T | None]] = {}  # answer to come → worker, job
        self._starts = 0

    def run(self, jobs: Iterable[T]) -> Iterator[Event[T]]:
        """As `Crew.run`. A worker whose process or machine is lost is replaced.

        Raises:
            GessoError: a cluster that is not there; workers that do not come up.
        """
        self._jobs.extend(jobs)
        with self._connected() as ray:
            for _ in range(min(self.count, len(self._jobs))):
                self._hire(ray)
            while self._jobs or any(job is not None for _, job in self._running.values()):
                done, _ = ray.wait(list(self._running), timeout=0.2) if self._running else ([], [])
                for answer in done:
                    yield from self._ended(ray, answer)
                while self._free and self._jobs:
                    job = self._jobs.popleft()
                    yield Event(job, "begun")
                    worker = self._free.pop()
                    self._running[worker.do.remote(self.message(job))] = worker, job

    def again(self, job: T) -> None:
        """Do a job that died once more, after the rest."""
        self._jobs.append(job)

    def _ended(self, ray: Any, answer: Any) -> Iterator[Event[T]]:
        worker, job = self._running.pop(answer)
        try:
            found = ray.get(answer)
        except ray.exceptions.RayError:
            self._lost(ray, job)
            if job is not None:
                yield Event(job, "died", how="its worker was lost")
            return
        if job is not None:
            yield Event(job, "ended", found)
        elif "option" in found:
            raise OptionError(found["option"], found["error"])
        elif "error" in found:
            raise GessoError(found["error"])
        self._starts = 0
        self._free.append(worker)

    def _lost(self, ray: Any, job: T | None) -> None:
        self._starts += job is None
        if self._starts == _STARTS:
            raise GessoError("ray: a worker did not come up")
        self._hire(ray)

    def _hire(self, ray: Any) -> None:
        worker = ray.remote(_Worker).options(num_cpus=self.threads, max_restarts=0)
        made = worker.remote(self.make, self.arguments, os.getcwd())
        self._running[made.trouble.remote()] = made, None

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        ray = ray_of()
        local = {"num_cpus": self.count * self.threads} if self.address == LOCAL else {}
        if not local:
            ask(self.address)
        try:
            ray.init(address=self.address, **local, **_QUIET)
        except (Exception, SystemExit) as error:  # of any class; Ray ends processes, too
            raise _unreachable(self.address, str(error)) from error
        try:
            yield ray
        finally:
            for worker in [*self._free, *(worker for worker, _ in self._running.values())]:
                ray.kill(worker)
            ray.shutdown()


def ask(address: str) -> None:
    """Returns once a cluster answers. Ray itself asks a dead address for five minutes, says so on
    standard error and ends the process; so another process asks first.

    Raises:
        OptionError: nothing answers at the address, within some 15 s.
    """
    _knock(address)
    command = [sys.executable, "-P", "-c", _ASK, address]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # Ray is imported, however long that took
        try:
            _, told = process.communicate(timeout=_ANSWER)
        except subprocess.TimeoutExpired:
            process.kill()
            hint = "if it asks for tokens, set RAY_AUTH_MODE=token"
            raise _unreachable(address, f"no answer within {_ANSWER:g} s; {hint}") from None
    if process.returncode:
        raise _unreachable(address, (told.strip().splitlines() or ["no answer"])[-1])


def _knock(address: str) -> None:
    """Raises OptionError where an address with a port takes no connection."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _DOOR).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, getattr(error, "strerror", None) or str(error)) from error


def _unreachable(address: str, reason: str) -> OptionError:
    line = " ".join(reason.split())[:150]
    return OptionError("ray", f"{address}: no cluster can be reached: {line}")


class _Worker:
    """What runs in a process of the cluster."""

    def __init__(
        self, make: Callable[[Sequence[str]], Do], arguments: Sequence[str], folder: str
    ) -> None:
        self.found: dict[str, Any] = {}
        try:
            os.chdir(folder)
            self.work = make(arguments)
        except OptionError as error:
            self.found = {"option": error.option, "error": error.trouble}
        except GessoError as error:
            self.found = {"error": str(error)}
        except OSError as error:
            self.found = {"error": f"{folder}: not on every machine of the cluster: {error}"}

    def trouble(self) -> dict[str, Any]:
        """Why it cannot work; empty: it can."""
        return self.found

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do a job."""
        return self.work(request)
