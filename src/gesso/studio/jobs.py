"""Work that takes its time: a queue with bounds, done by processes apart, that can be watched."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gesso.errors import GessoError
from gesso.studio.apart import Answer, Apart, Stopped
from gesso.studio.limits import Limits
from gesso.studio.refusals import BUSY, TOO_MANY, Refused, unknown, without_folders
from gesso.studio.store import Entry, Store

State = Literal["waiting", "running", "done", "failed", "cancelled"]
OVER: tuple[State, ...] = ("done", "failed", "cancelled")
MOST_KEPT = 1000  # jobs that are over
SHARE_OF_SESSION = 4  # of all waiting jobs


@dataclass
class Step:
    """One task of a job, and what becomes of it.

    Attributes:
        task: for the process apart.
        made: the entry whose file it writes.
        keep: is called once it is written, where it goes elsewhere; returns what is told of it.
            None: it stays where it is.
    """

    task: Answer
    made: Entry
    keep: Callable[[], Answer] | None = None


@dataclass
class Job:
    """What is to be done, in steps, and how far it is."""

    session: str
    kind: str
    steps: Sequence[Step]  # empty once it is over
    inputs: list[Entry] = field(default_factory=list)
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: State = "waiting"
    progress: Answer = field(default_factory=dict)
    results: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    preview: Path | None = None
    previews: int = 0
    done: int = 0
    version: int = 0
    unwanted: bool = False
    total: int = 0

    def __post_init__(self) -> None:
        self.total = len(self.steps)

    def shown(self) -> Answer:
        """What its owner is told of it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "done": self.done,
            "steps": self.total,
            "progress": self.progress,
            "preview": self.previews,
            "results": list(self.results),
            "errors": list(self.failures),
        }


class Jobs:
    """The queue, and the threads that empty it.

    Args:
        store: where inputs and results are.
        limits: of waiting jobs and their time.
        workers: the processes that do them, one job each at a time.
        folders: that errors do not name.
    """

    def __init__(
        self, store: Store, limits: Limits, workers: Sequence[Apart], folders: Sequence[Path]
    ) -> None:
        self.store, self.limits, self.folders = store, limits, folders
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.workers = list(workers)
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in workers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> Job:
        """Put a job at the end of the queue. Raises Refused where too many wait."""
        with self._changed:
            mine = sum(one.session == job.session for one in self._waiting)
            most = self.limits.max_waiting
            if mine >= most:
                text = f"jobs: {mine} are waiting; allowed are {most} at a time"
                raise Refused(TOO_MANY, text, self._expected())
            if len(self._waiting) >= SHARE_OF_SESSION * most:
                raise Refused(BUSY, "jobs: too many are waiting; try again later", self._expected())
            self._jobs[job.id] = job
            self._waiting.append(job)
            self.store.pin(job.inputs, 1)
            self._forget()
            self._changed.notify_all()
        return job

    def get(self, session: str, key: str) -> Job:
        """A session's job. Raises Refused for an unknown one, and for another session's."""
        found = self._jobs.get(key)
        if found is None or found.session != session:
            raise unknown("job")
        return found

    def of(self, session: str) -> list[Job]:
        """All jobs of a session, the newest first."""
        with self._changed:
            return [job for job in reversed(self._jobs.values()) if job.session == session]

    def cancel(self, job: Job) -> None:
        """Give a job up: one that waits at once, one that runs within a few seconds."""
        with self._changed:
            job.unwanted = True
            if job in self._waiting:
                self._waiting.remove(job)
                self._over(job, "cancelled")

    def wait(self, job: Job, seconds: float) -> None:
        """Return once a job is over, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: job.state in OVER, seconds)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return all(job.state in OVER for job in list(self._jobs.values()))

    def close(self) -> None:
        """Give all jobs up and end the processes."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            for job in self._jobs.values():
                job.unwanted = True
            self._changed.notify_all()
        for worker in self.workers:
            worker.close()

    def _expected(self) -> int:
        """Seconds after which another job may be taken: a guess."""
        return max(2, min(60, 5 * len(self._waiting) // max(1, len(self.workers))))

    def _forget(self) -> None:
        over = [job for job in self._jobs.values() if job.state in OVER]
        for job in over[: max(0, len(over) - MOST_KEPT)]:
            del self._jobs[job.id]

    def _work(self, worker: Apart) -> None:
        for job in self._taken():
            try:
                for step in job.steps:
                    self._do(worker, job, step)
                state: State = "done" if job.results or not job.failures else "failed"
            except Stopped:
                state = "cancelled"
            except Exception as error:  # a mistake of ours ends the job, not the thread
                job.failures.append(f"unexpected error ({type(error).__name__})")
                state = "failed"
            with self._changed:
                self._over(job, state)

    def _taken(self) -> Iterator[Job]:
        """The jobs, one after the other."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job = self._waiting.popleft()
                self._told(job, state="running")
            yield job

    def _do(self, worker: Apart, job: Job, step: Step) -> None:
        """Do a step. What goes wrong is the step's, not the job's."""
        if job.unwanted:
            raise Stopped

        def heard(message: Answer) -> None:
            if "preview" in message:
                self._told(job, preview=Path(message["preview"]), previews=job.previews + 1)
            else:
                self._told(job, progress=message)

        try:
            self.store.place(step.made)
            seconds = 60 * self.limits.job_minutes
            facts = worker.ask(step.task, seconds, heard, lambda: job.unwanted)
            job.results.append(self._kept(step, facts))
        except GessoError as error:
            self.store.drop(step.made)
            job.failures.append(without_folders(str(error), self.folders))
        except BaseException:
            self.store.drop(step.made)
            raise
        self._told(job, done=job.done + 1)

    def _kept(self, step: Step, facts: Answer) -> Answer:
        """What is told of a finished step."""
        if step.keep is not None:
            return step.keep()
        step.made.facts = {"made": True, **facts}
        return self.store.add(step.made).shown()

    def _told(self, job: Job, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(job, name, value)
        job.version += 1

    def _over(self, job: Job, state: State) -> None:
        self.store.pin(job.inputs, -1)
        self._told(job, state=state, inputs=[], steps=job.steps[:0])
        self._changed.notify_all()
