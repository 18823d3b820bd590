"""Many files, of which some may be bad: what was done, what was not, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gesso.cli.console import complain, say
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.reports import OnProgress, Progress, stage

if TYPE_CHECKING:
    from gesso.pipeline.plan import Job, Plan

SOME_FAILED = 1  # exit code
MOST_RENAMED = 10  # lines about them


class Tally:
    """The jobs of a plan that are to be done, and the failures among them: file → one line.

    `todo` are all, or without `overwrite` those whose output does not exist yet; or `only` the one
    with that output. `began` is when the latest was begun, in `time.monotonic`'s seconds.
    """

    def __init__(self, plan: Plan, overwrite: bool, quiet: bool, only: Path | None = None) -> None:
        from gesso.pipeline.plan import unfinished

        self.plan, self.quiet = plan, quiet
        self.todo = plan.jobs if overwrite else unfinished(plan.jobs)
        self.failures = dict(plan.failures)
        if only is not None:
            self.todo, self.failures = [job for job in self.todo if job.out == only], {}
        self.written, self.began = 0, time.monotonic()
        self._tell_renamed()

    def leave_out(self, failures: Mapping[Path, str]) -> None:
        """Do not do the jobs of these outputs, each for a reason in one line."""
        self.failures |= failures
        self.todo = [job for job in self.todo if job.out not in failures]

    def run(self, do: Callable[[Job], None], show: OnProgress, title: str = "stylizing") -> None:
        """Do every job, and note where `do` fails. An interruption says how far it came."""
        try:
            for done, job in enumerate(self.todo):
                show(Progress(title, done, len(self.todo), "pictures"))
                self.began = time.monotonic()
                try:
                    with stage(title):
                        do(job)
                    self.written += 1
                except GessoError as error:
                    self.failures[job.out] = str(error)
            show(Progress(title, len(self.todo), len(self.todo), "pictures"))
        except KeyboardInterrupt as stop:
            if self.plan.many:
                before = len(self.plan.jobs) - len(self.todo)
                share = f"{before + self.written} of {len(self.plan.jobs)} done"
                stop.add_note(f"{share}; --no-overwrite goes on with the rest")
                for line in self.failures.values():
                    stop.add_note(line)
            raise

    def tell(self, out: Path, what: str) -> int:
        """Print what was written to `out`, and a line for each failure; returns the exit code."""
        say(f"{shown(out)}: {self.written} of {len(self.plan.jobs)} {what} written", self.quiet)
        for line in self.failures.values():
            complain(line)
        return SOME_FAILED if self.failures else 0

    def _tell_renamed(self) -> None:
        """Print which results are not called as their files are."""
        for job in self.plan.renamed[:MOST_RENAMED]:
            name = shown(job.style or job.photo)
            say(f"{name}: goes to {shown(job.out)}, its name is taken", self.quiet)
        if (more := len(self.plan.renamed) - MOST_RENAMED) > 0:
            say(f"{more} more are renamed like that", self.quiet)
