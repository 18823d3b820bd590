"""The measurements of `gesso bench`, in the order in which they are made."""

from __future__ import annotations

from statistics import fmean

import torch

from gesso.bench.contestants import Contestant
from gesso.bench.measures import covering
from gesso.bench.pictures import Pair, make_folder
from gesso.bench.store import Budget, Row, machine_class
from gesso.bench.tasks import OnTask, Task, run_all, turns
from gesso.bench.workshop import CONTROLS, Workshop, rough_cost
from gesso.images.write import write_image

CURVE_SHARES = (1 / 27, 1 / 9, 1 / 3)  # of a method's steps, for the loss against time


class Bench(Workshop):
    """Measures contestants on a gallery, and tells what is known so far."""

    def measure(self, budget: Budget, on_task: OnTask | None = None) -> bool:
        """All that is missing; whether everything is there."""
        return run_all(self.tasks(), self.store, budget, on_task)

    def tasks(self) -> list[Task]:
        """Every measurement; what tells most comes first."""
        first = self.gallery.pairs()[0]
        return [
            *(self.adaptation(c, first.style) for c in self.contestants),
            *self._speeds(),
            *(self._memory(c) for c in self.contestants),
            *self._qualities(),
            *(task for c in self.contestants for task in self._curve(c)),
        ]

    # Seconds per image

    def _speeds(self) -> list[Task]:
        """Size by size; in every round each method once, and each round another one first."""
        return [
            self._speed(c, size, run)
            for size in self.plan.sizes
            for run in range(self.plan.runs)
            for c in turns(self.contestants, run)
        ]

    def _speed(self, c: Contestant, size: int, run: int) -> Task:
        content, style = self.gallery.contents[0], self.gallery.styles[0]
        files = {"content": content.sha256, "style": style.sha256}
        settings = {**c.settings, **files, "size": size, "machine": machine_class()}
        settings["torch"] = torch.__version__
        key = f"speed | {c.name} | {size} px"

        def first() -> Row | None:
            return self.store.get(f"{key} | 1", settings)

        def timed() -> Row:
            picture = covering(content.read(), size, size)
            return {"seconds": self.stylized(c, self.card(c, style), picture)[1]}

        def measured() -> Row:
            if (c.name, size) not in self._warm:
                warm = timed()
                self._warm[c.name, size] = warm["seconds"]
                if warm["seconds"] > self.plan.slow_s:
                    return warm
            return timed()

        def needed() -> bool:
            row = first()
            return run == 0 or row is None or row["seconds"] <= self.plan.slow_s

        cost = rough_cost(c, size, image=True)
        return Task(f"{key} | {run + 1}", settings, cost, measured, needed)

    # Memory

    def _memory(self, c: Contestant) -> Task:
        content, style = self.gallery.contents[0], self.gallery.styles[0]
        steps = None if c.steps is None else min(c.steps, self.plan.memory_steps)
        threads = torch.get_num_threads()
        settings = {**c.settings, "style": style.sha256, "steps": steps, "threads": threads}

        def run() -> Row:
            row = self.memory_of(c.entry, style.path, content.path, steps, threads)
            return {**row, "steps": steps}

        cost = 5 + rough_cost(c, 512, steps)
        return Task(f"memory | {c.name}", settings, cost, run)

    # Quality

    def _qualities(self) -> list[Task]:
        """Style by style, so that an interrupted benchmark has whole columns."""
        chosen = {c.name: {pair.name for pair in self.pairs(c)} for c in self.contestants}
        by_style: dict[str, list[Pair]] = {}
        for pair in self.gallery.pairs():
            by_style.setdefault(pair.style.name, []).append(pair)
        tasks = [self._control(name, pair) for name in CONTROLS for pair in self.gallery.pairs()]
        for turn, pairs in enumerate(by_style.values()):
            for c in turns(self.contestants, turn):
                mine = [pair for pair in pairs if pair.name in chosen[c.name]]
                tasks += [self.adaptation(c, pair.style) for pair in mine[:1]]
                tasks += [self._quality(c, pair) for pair in mine]
        return tasks

    def _control(self, name: str, pair: Pair) -> Task:
        path = self.picture_path(name, pair)
        key = f"picture | {name} | {pair.name}"
        return Task(key, self.judging(pair), 0.3, lambda: self.judged(pair, path))

    def _quality(self, c: Contestant, pair: Pair) -> Task:
        path = self.picture_path(c.name, pair)

        def run() -> Row:
            image, seconds = self.stylized(c, self.card(c, pair.style), pair.content.read())
            make_folder(path.parent)
            write_image(path, image)
            return {**self.judged(pair, path), "seconds": seconds}

        settings = {**c.settings, **self.judging(pair)}
        key = f"picture | {c.name} | {pair.name}"
        return Task(key, settings, 0.3 + rough_cost(c, 256, image=True), run, file=path)

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
        path = self.out / "pictures" / "curves" / f"{c.name}-{steps}-{pair.content.name}.png"

        def run() -> Row:
            card, adapting = self.adapted(c, pair.style, steps)
            image, making = self.stylized(c, card, pair.content.read())
            make_folder(path.parent)
            write_image(path, image)
            judged = self.judged(pair, path)
            return {"seconds": adapting + making, "objective": judged["objective"]}

        settings = {**c.settings, **self.judging(pair), "steps": steps, "machine": machine_class()}
        key = f"curve | {c.name} | {steps} | {pair.name}"
        return Task(key, settings, 0.3 + rough_cost(c, 256, steps), run, file=path)

    # What is known

    def adaptations(self, c: Contestant) -> list[float]:
        """Seconds of every adaptation so far."""
        styles = dict.fromkeys(pair.style for pair in self.pairs(c))
        rows = (self.adaptation(c, style).kept(self.store) for style in styles)
        return [row["seconds"] for row in rows if row]

    def runs(self, c: Contestant, size: int) -> list[float]:
        """Seconds of every run so far."""
        tasks = (self._speed(c, size, run) for run in range(self.plan.runs))
        return [row["seconds"] for task in tasks if (row := task.kept(self.store))]

    def peak(self, c: Contestant) -> Row | None:
        """Memory, if it has been measured."""
        return self._memory(c).kept(self.store)

    def picture_rows(self, name: str) -> dict[str, Row]:
        """The judged pictures of a contestant or control, by pair."""
        found = {c.name: c for c in self.contestants}.get(name)
        pairs = self.gallery.pairs() if found is None else self.pairs(found)
        tasks = (
            (pair.name, self._quality(found, pair) if found else self._control(name, pair))
            for pair in pairs
        )
        return {pair: row for pair, task in tasks if (row := task.kept(self.store))}

    def curve(self, c: Contestant) -> list[tuple[float, float]]:
        """(seconds, objective) from the first number of steps to the method's own, each the mean
        over the pairs; those that are not complete are left out."""
        pairs = self._curve_pairs(c)
        points = [
            [self._known(self._point(c, steps, pair)) for pair in pairs]
            for steps in self.curve_steps(c)
        ]
        points.append([self._whole(c, pair) for pair in pairs])
        complete = [[p for p in point if p] for point in points if point and all(point)]
        return [(fmean(s for s, _ in point), fmean(o for _, o in point)) for point in complete]

    def _known(self, task: Task) -> tuple[float, float] | None:
        row = task.kept(self.store)
        return None if row is None else (row["seconds"], row["objective"])

    def _whole(self, c: Contestant, pair: Pair) -> tuple[float, float] | None:
        """From the style to the picture with the method's own steps."""
        adapted = self.adaptation(c, pair.style).kept(self.store)
        row = self.picture_rows(c.name).get(pair.name)
        if adapted is None or row is None:
            return None
        return adapted["seconds"] + row["seconds"], row["objective"]
