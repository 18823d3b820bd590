"""Many files, of which some may be bad: what was done, what was not, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gesso.cli.console import complain, say
from gesso.disk.atomic import shown
from gesso.reports import OnProgress, Progress, stage

if TYPE_CHECKING:
    from gesso.pipeline.plan import Job, Plan

SOME_FAILED = 1  # exit code
MOST_RENAMED = 10  # lines about them


class Tally:
    """The jobs of a plan that are to be done, and the failures among them: file → one line."""

    def __init__(self, plan: Plan, todo: list[Job]) -> None:
        self.plan, self.todo = plan, todo
        self.failures = dict(plan.failures)
        self.written = 0

    def run(
        self, do: Callable[[Job], dict[Path, str]], show: OnProgress, title: str = "stylizing"
    ) -> None:
        """Do every job; `do` returns its failures. An interruption says how far it came."""
        try:
            for done, job in enumerate(self.todo):
                show(Progress(title, done, len(self.todo), "pictures"))
                with stage(title):
                    failed = do(job)
                self.failures |= failed
                self.written += not failed
            show(Progress(title, len(self.todo), len(self.todo), "pictures"))
        except KeyboardInterrupt as stop:
            if self.plan.many:
                before = len(self.plan.jobs) - len(self.todo)
                share = f"{before + self.written} of {len(self.plan.jobs)} done"
                stop.add_note(f"{share}; --no-overwrite goes on with the rest")
                for line in self.failures.values():
                    stop.add_note(line)
            raise

    def tell_failures(self) -> int:
        """Print a line for each; returns the exit code."""
        for line in self.failures.values():
            complain(line)
        return SOME_FAILED if self.failures else 0


def tell_renamed(plan: Plan, quiet: bool) -> None:
    """Print which results are not called as their files are."""
    for job in plan.renamed[:MOST_RENAMED]:
        say(f"{shown(job.style or job.photo)}: goes to {shown(job.out)}, its name is taken", quiet)
    if len(plan.renamed) > MOST_RENAMED:
        say(f"{len(plan.renamed) - MOST_RENAMED} more are renamed like that", quiet)
