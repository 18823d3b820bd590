"""The measurements of `gesso bench`, in the order in which they are made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch

from gesso.bench import memory
from gesso.bench.contestants import Contestant
from gesso.bench.measures import covering
from gesso.bench.pictures import Pair, file_name, make_folder
from gesso.bench.store import Budget, Row, machine_class
from gesso.bench.tasks import OnTask, Task, run_all, turns
from gesso.bench.workshop import JUDGING_S, Workshop
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.stylizers.progress import OnStep

SIZES = (256, 512)  # px, of the papers' tables
CURVE_SHARES = (1 / 27, 1 / 9, 1 / 3)  # of a method's steps, for the loss against time


def _side(sides: tuple[int, int]) -> int:
    """The side of a square of as many pixels."""
    return math.isqrt(sides[0] * sides[1])


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        runs: of every method at every size, after a warm-up.
        slow_s: a method whose warm-up takes longer has that for its only run.
        memory_steps: at most so many steps while the peak memory is measured: 33 fill every
            cache of an adaptation.
        curve_pairs: pairs over which the loss against time is averaged.
        large_s: methods that are reckoned to need at most so long for a picture of 12 megapixels
            make one; 0: none does.
    """

    runs: int = 5
    slow_s: float = 20.0
    memory_steps: int = 33
    curve_pairs: int = 1
    large_s: float = 300.0
    sizes: tuple[int, ...] = SIZES


class Bench(Workshop):
    """Measures contestants on a gallery, and knows what has been measured so far.

    Args:
        memory_of: measures the peak memory of an entry, as `memory.in_own_process`.
    """

    def __init__(
        self,
        *args: Any,
        plan: Plan,
        memory_of: Callable[..., Row],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.plan, self.memory_of = plan, memory_of
        self._warm: dict[tuple[str, int], float] = {}

    def measure(
        self, budget: Budget, on_task: OnTask | None = None, on_step: OnStep | None = None
    ) -> bool:
        """Measure all that is missing; returns whether everything is there."""
        return run_all(self.tasks(), self.store, budget, on_task, on_step)

    def tasks(self) -> list[Task]:
        """Every measurement; what says most comes first."""
        first = self.gallery.pairs()[0]
        return [
            *(self.adaptation(c, first) for c in self.contestants),
            *self.speeds(),
            *(self.memory(c) for c in self.contestants),
            *(self.large(c) for c in self.contestants if self.makes_large(c)),
            *self.qualities(),
            *(task for c in self.contestants for task in self._curve(c)),
        ]

    # Seconds per image

    def speeds(self) -> list[Task]:
        """Size by size; in every round each method once, and each round another one first."""
        return [
            self._speed(c, size, run)
            for size in self.plan.sizes
            for run in range(self.plan.runs)
            for c in turns(self.contestants, run)
        ]

    def _speed(self, c: Contestant, size: int, run: int) -> Task:
        pair = self.gallery.pairs()[0]
        files = {"content": pair.content.sha256, "style": pair.style.sha256}
        settings = {**c.settings, **files, "size": size, "machine": machine_class()}
        settings["torch"] = torch.__version__
        key = f"speed | {c.name} | {size} px"

        def first() -> Row | None:
            return self.store.get(f"{key} | 1", settings)

        def timed() -> Row:
            picture = covering(pair.content.read(), size, size)
            return {"seconds": self.stylized(c, self.card(c, pair), picture)[1]}

        def measured(on_step: OnStep | None) -> Row:
            if (c.name, size) not in self._warm:
                warm = timed()
                self._warm[c.name, size] = warm["seconds"]
                if warm["seconds"] > self.plan.slow_s:
                    return warm
            return timed()

        def needed() -> bool:
            row = first()
            return run == 0 or row is None or row["seconds"] <= self.plan.slow_s

        return Task(f"{key} | {run + 1}", settings, c.picture_seconds(size), measured, needed)

    # Memory, and a large picture

    def memory(self, c: Contestant) -> Task:
        """The peak memory of a contestant."""
        return self._in_own_process("memory", c, memory.SIDES_PX, {})

    def large(self, c: Contestant) -> Task:
        """Peak memory and seconds of a picture of 12 megapixels; where it cannot be made, because
        memory does not suffice for one, the row has the trouble."""
        return self._in_own_process("large", c, memory.LARGE_PX, {"machine": machine_class()})

    def makes_large(self, c: Contestant) -> bool:
        """Whether there is time for such a picture."""
        return c.picture_seconds(_side(memory.LARGE_PX)) <= self.plan.large_s

    def _in_own_process(
        self, what: str, c: Contestant, sides: tuple[int, int], more: dict[str, Any]
    ) -> Task:
        pair = self.gallery.pairs()[0]
        steps = None if c.steps is None else min(c.steps, self.plan.memory_steps)
        threads = torch.get_num_threads()
        settings = {**c.settings, "style": pair.style.sha256, "steps": steps, "threads": threads}

        def run(on_step: OnStep | None) -> Row:
            given = (c.entry, pair.style.path, pair.content.path, steps, threads, sides)
            try:
                row = self.memory_of(*given)
            except GessoError as error:
                if sides == memory.SIDES_PX:
                    raise
                row = {"trouble": str(error)}
            return {**row, "steps": steps}

        cost = 5 + c.style_seconds(steps) + c.picture_seconds(_side(sides), steps)
        return Task(f"{what} | {c.name}", settings | more, cost, run)

    # Loss against time

    def _curve_pairs(self, c: Contestant) -> list[Pair]:
        mine = {pair.name for pair in self.pairs(c)}
        return [p for p in self.gallery.pairs()[: self.plan.curve_pairs] if p.name in mine]

    def curve_steps(self, c: Contestant) -> list[int]:
        """Numbers of steps below the method's own. Every number is run from the beginning, because
        the learning rates fall with the share of the steps that are done."""
        if c.steps is None or c.entry.polish:
            return []
        own = c.steps
        return sorted({n for share in CURVE_SHARES if 1 <= (n := round(share * own)) < own})

    def _curve(self, c: Contestant) -> list[Task]:
        pairs = self._curve_pairs(c)
        return [self._point(c, steps, pair) for steps in self.curve_steps(c) for pair in pairs]

    def _point(self, c: Contestant, steps: int, pair: Pair) -> Task:
        name = file_name(f"{c.name}-{steps}-{pair.content.name}")
        path = self.out / "pictures" / "curves" / f"{name}.png"

        def run(on_step: OnStep | None) -> Row:
            card, adapting = self.adapted(c, pair, steps, on_step)
            image, making = self.stylized(c, card, pair.content.read())
            make_folder(path.parent)
            write_image(path, image)
            judged = self.judged(pair, path)
            return {"seconds": adapting + making, "objective": judged["objective"]}

        settings = {**c.settings, **self.judging(pair), "steps": steps, "machine": machine_class()}
        key = f"curve | {c.name} | {steps} | {pair.name}"
        cost = JUDGING_S + c.style_seconds(steps) + c.picture_seconds(256, steps)
        return self.task(key, settings, cost, run, path)

    # What is known

    def adaptations(self, c: Contestant) -> list[float]:
        """Seconds of every adaptation so far."""
        tasks = {task.key: task for pair in self.pairs(c) if (task := self.adaptation(c, pair))}
        return [row["seconds"] for task in tasks.values() if (row := task.kept(self.store))]

    def runs(self, c: Contestant, size: int) -> list[float]:
        """Seconds of every run so far."""
        tasks = (self._speed(c, size, run) for run in range(self.plan.runs))
        return [row["seconds"] for task in tasks if (row := task.kept(self.store))]

    def peak(self, c: Contestant) -> Row | None:
        """Memory, if it has been measured."""
        return self.memory(c).kept(self.store)

    def of_large(self, c: Contestant) -> Row:
        """What is known of the large picture; {} before it was made."""
        return self.large(c).kept(self.store) or {}

    def curve(self, c: Contestant) -> list[tuple[float, float]]:
        """(seconds, objective) from the first number of steps to the method's own, each the mean
        over the pairs; those that are not complete are left out."""
        pairs = self._curve_pairs(c)
        rows = [
            [self._point(c, steps, pair).kept(self.store) for pair in pairs]
            for steps in self.curve_steps(c)
        ]
        rows.append([self.whole(c, pair) for pair in pairs])
        complete = [[row for row in point if row] for point in rows if point and all(point)]
        return [
            (fmean(row["seconds"] for row in point), fmean(row["objective"] for row in point))
            for point in complete
        ]
