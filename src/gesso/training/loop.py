"""One training loop for every trained method and for distillation.

    train(Recipe(net, losses, make_batch), TrainConfig(steps=1000), "run")

The global generators of random numbers are seeded from (seed, step, rank) before every step. Losses
that take their randomness from nowhere else make several processes, or a run that was stopped and
resumed, do what one uninterrupted process does.
"""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.nn.checkpoint import read_header
from gesso.training.batches import prefetch
from gesso.training.config import FREE, TrainConfig, TrainResult
from gesso.training.log import TrainingLog
from gesso.training.malloc import keep_freed_memory
from gesso.training.process import FlatGradients, StopSignal, join_world, seed_step
from gesso.training.recipe import Recipe
from gesso.training.state import (
    CHECKPOINT,
    TrainingState,
    check_same_run,
    make_optimizer,
    prepare_folder,
    run_lock,
    weights_step,
)

__all__ = ["OnTrained", "TrainConfig", "TrainResult", "train"]

log = logging.getLogger(__name__)
OnTrained = Callable[[int, dict[str, float]], None]
"""Is given the number of steps done and the step's values."""


def train(
    recipe: Recipe,
    config: TrainConfig,
    out_dir: str | Path,
    *,
    resume: bool = False,
    log_dir: str | Path | None = None,
    on_step: OnTrained | None = None,
) -> TrainResult:
    """Train by a recipe; write checkpoint, weights and log to `out_dir`.

    The module is moved to `config.device`; whatever else the losses use has to be there already.

    Args:
        resume: continue the run in `out_dir`: on the CPU bit for bit as if it had never stopped.
        log_dir: also write TensorBoard scalars and samples there.
        on_step: called after every step, in the process of rank 0.

    Ctrl-C and SIGTERM finish the step, save and return; a second one stops at once.

    Raises:
        GessoError: the folder holds a run and `resume` is not set, or holds none and it is; another
            process is using it; the configuration differs; the disk is full; or
            `config.max_bad_steps` losses in a row were not finite (the last checkpoint stays).
    """
    keep_freed_memory()
    with ExitStack() as stack:
        trainer = _Trainer(recipe, config, Path(out_dir), on_step)
        trainer.open(stack, resume, log_dir)
        return trainer.run()


class _Trainer:
    log: TrainingLog | None = None  # only rank 0 has one, and writes

    def __init__(
        self, recipe: Recipe, config: TrainConfig, folder: Path, on_step: OnTrained | None
    ) -> None:
        self.recipe, self.config, self.folder, self.on_step = recipe, config, folder, on_step
        self.world = join_world(config.device)
        recipe.module.to(self.world.device)
        trained = [p for p in recipe.module.parameters() if p.requires_grad]
        if not trained:
            raise GessoError("nothing to train: no parameter requires gradients")
        optimizer = make_optimizer(trained, config)
        self.state = TrainingState(recipe.module, optimizer, config.ema, recipe.constants)
        self.gradients = FlatGradients(trained)

    def open(self, stack: ExitStack, resume: bool, log_dir: str | Path | None) -> None:
        """Take the folder and load the checkpoint, or write the first one (rank 0); give the state
        to the other processes."""
        if self.world.rank == 0:
            folder, config = self.folder, self.config
            stack.enter_context(run_lock(folder))
            prepare_folder(folder, resume, self.state.bytes)
            row = self._load()["row"] if resume else ({}, 0)
            self.log = TrainingLog(folder, log_dir, self.state.step, config.steps, config.log_every)
            stack.callback(self.log.close)
            self.log.sums, self.log.count = row
            if not resume:
                self._save()  # a folder that cannot be written is known now, not hours later
            elif weights_step(folder) != self.state.step:  # killed between the two files of a save
                self.state.save_weights(folder, self._weights_header())
        self.state.share(self.world)
        self._saved = self._tried = self.state.step
        self._tried_at = time.monotonic()

    def _load(self) -> dict[str, Any]:
        path = self.folder / CHECKPOINT
        saved = read_header(path, verify=False)  # the configuration explains more than shapes do
        check_same_run(path, saved.get("config", {}), asdict(self.config), FREE)
        check_same_run(path, saved.get("settings", {}), self.recipe.settings, frozenset())
        return self.state.load(self.folder)

    def run(self) -> TrainResult:
        """All steps that are left, or as many as a signal allows."""
        state, world = self.state, self.world

        def make(step: int) -> dict[str, Tensor]:
            return self.recipe.make_batch(step, world.rank, world.size)

        batches = prefetch(make, state.step, self.config.steps, self.config.workers)
        stopping = False
        with StopSignal() as stop, closing(batches):
            for batch in batches:
                stopping = self._step(batch, stop.signal is not None)
                if stopping:
                    break
                self._save_when_due()
            self._finish(stop.signal)
        number = stop.signal or (signal.SIGTERM if stopping else None)  # another process got it
        return TrainResult(state.step, state.skipped, number)

    def _step(self, batch: dict[str, Tensor], stop: bool) -> bool:
        """Take one step; return True when any process was asked to stop."""
        state, step = self.state, self.state.step
        seed_step(self.config.seed, step, self.world)
        self.gradients.zero_()
        moved = {n: t.to(self.world.device, non_blocking=True) for n, t in batch.items()}
        losses = self.recipe.losses(moved, step)
        total = torch.stack([v for n, v in losses.items() if not n.startswith("_")]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        values, stopping = self._agree(losses, total, stop)
        values["lr"] = self.config.lr_at(step)
        if math.isfinite(values["total"]) and math.isfinite(values["grad_norm"]):
            state.update(values["lr"])
        else:
            state.skip()
        if self.log is not None:
            images = sum(len(t) for t in batch.values()) * self.world.size
            self._report(self.log, values, images, stopping)
        self._give_up_on_nan()
        return stopping

    def _agree(
        self, losses: dict[str, Tensor], total: Tensor, stop: bool
    ) -> tuple[dict[str, float], bool]:
        """Average gradients and losses over the processes; clip; one transfer to the host."""
        norm = self.world.mean_(self.gradients.flat).norm()
        if self.config.grad_clip:
            self.gradients.clip_(norm, self.config.grad_clip)
        scalars = [total, *losses.values(), total.new_tensor(float(stop))]
        means = self.world.mean_(torch.stack([s.detach().float() for s in scalars]))
        *numbers, stopping, grad_norm = torch.cat([means, norm.float().view(1)]).tolist()
        values = dict(zip(["total", *losses], numbers, strict=True))
        return values | {"grad_norm": grad_norm}, stopping > 0

    def _report(
        self, log: TrainingLog, values: dict[str, float], images: int, stopping: bool
    ) -> None:
        step, last, every = self.state.step, self.config.steps, self.config.sample_every
        log.record(step, values, images)
        due = every > 0 and (step % every == 0 or step == last) and not stopping
        if due and self.recipe.sample is not None:
            log.sample(step, self.recipe.sample(self.recipe.make_batch(step, 0, 1)))
        if self.on_step is not None:
            self.on_step(step, values)

    def _give_up_on_nan(self) -> None:
        if self.state.bad_in_a_row >= self.config.max_bad_steps:
            raise GessoError(
                f"{self.folder}: stopped at step {self.state.step}: NaN or infinite losses or "
                f"gradients {self.state.bad_in_a_row} times in a row; the checkpoint of step "
                f"{self._saved} is kept (a lower lr or a grad_clip may help)"
            )

    def _save_when_due(self) -> None:
        step, every = self.state.step, self.config.save_every
        minutes = (time.monotonic() - self._tried_at) / 60
        due = step // every > self._tried // every or minutes >= self.config.save_minutes
        if not due or self.state.bad_in_a_row:  # in doubt the last good checkpoint stays
            return
        self._tried, self._tried_at = step, time.monotonic()
        try:
            self._save()
        except GessoError as error:
            log.warning("%s; training goes on, the next save tries again", error)

    def _finish(self, number: int | None) -> None:
        if self.log is not None and number is not None:
            name = signal.Signals(number).name
            log.warning("%s: saving step %d, then stopping", name, self.state.step)
        if self._saved != self.state.step:
            self._save()

    def _save(self) -> None:
        if self.log is None:
            return
        checkpoint = {**self._run(), "row": (self.log.sums, self.log.count)}
        self.state.save(self.folder, checkpoint, self._weights_header())
        self._saved = self.state.step

    def _run(self) -> dict[str, Any]:
        return {"config": asdict(self.config), "settings": dict(self.recipe.settings)}

    def _weights_header(self) -> dict[str, Any]:
        return {**self.recipe.header, "trained": {"steps": self.state.step, **self._run()}}
