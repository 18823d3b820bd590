"""One training loop for every trained method and for distillation.

    train(net, loss_fn, make_batch, TrainConfig(steps=1000), "run")

`loss_fn(batch, step)` gives named scalars; the sum of those whose names do not start with "_" is
minimised, the others are only logged. Each is a mean over the batch, and takes its randomness from
the global generators alone (they are seeded from (seed, step, rank) before every step): then
several processes, or a run that was stopped and resumed, do what one uninterrupted process does.
"""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gesso.errors import GessoError
from gesso.nn.checkpoint import read_header
from gesso.training.batches import MakeBatch, prefetch
from gesso.training.config import FREE, TrainConfig, TrainResult, make_optimizer
from gesso.training.log import TrainingLog
from gesso.training.malloc import keep_freed_memory
from gesso.training.process import FlatGradients, StopSignal, World, join_world, seed_step
from gesso.training.state import (
    CHECKPOINT,
    TrainingState,
    check_same_run,
    prepare_folder,
    run_lock,
)

__all__ = ["LossFn", "TrainConfig", "TrainResult", "train"]

log = logging.getLogger(__name__)
LossFn = Callable[[dict[str, Tensor], int], dict[str, Tensor]]


def train(
    module: nn.Module,
    loss_fn: LossFn,
    make_batch: MakeBatch,
    config: TrainConfig,
    out_dir: str | Path,
    *,
    resume: bool = False,
    log_dir: str | Path | None = None,
    header: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    sample_fn: Callable[[int], Tensor] | None = None,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> TrainResult:
    """Train the module's parameters that require gradients (all of one dtype); save to `out_dir`.

    The module is moved to `config.device`; whatever else `loss_fn` uses has to be there already.

    Args:
        make_batch: (step, rank, world) -> the tensors of this process's part of the batch; a pure
            function, called from `config.workers` threads. See `gesso.data`.
        resume: continue the run in `out_dir`: on the CPU bit for bit as if it had never stopped.
        log_dir: also write TensorBoard scalars and samples there.
        header: header of weights.safetensors: kind, method, config.
        settings: what else defines the run (data, crop, method options; JSON values); a resumed
            run must have the same.
        sample_fn: step -> image (3, H, W) in [0, 1], every `config.sample_every` steps, rank 0.
        on_step: called with the number of steps done and the step's values, rank 0.

    Ctrl-C and SIGTERM finish the step, save and return; a second one stops at once.

    Raises:
        GessoError: the folder holds a run and `resume` is not set, or holds none and it is; another
            process is using it; the configuration differs; the disk is full; or
            `config.max_bad_steps` losses in a row were not finite (the last checkpoint stays).
    """
    job = _Job(
        *(loss_fn, make_batch, config, Path(out_dir), resume, log_dir),
        *(dict(header or {"kind": "weights"}), dict(settings or {}), sample_fn, on_step),
    )
    keep_freed_memory()
    with ExitStack() as stack:
        trainer = _Trainer(module, job, join_world(config.device))
        trainer.open(stack)
        return trainer.run()


@dataclass(frozen=True)
class _Job:
    loss_fn: LossFn
    make_batch: MakeBatch
    config: TrainConfig
    out_dir: Path
    resume: bool
    log_dir: str | Path | None
    header: dict[str, Any]
    settings: dict[str, Any]
    sample_fn: Callable[[int], Tensor] | None
    on_step: Callable[[int, dict[str, float]], None] | None


class _Trainer:
    log: TrainingLog | None = None  # rank 0 alone has one, and writes

    def __init__(self, module: nn.Module, job: _Job, world: World) -> None:
        self.job, self.config, self.world = job, job.config, world
        module.to(world.device)
        trained = [p for p in module.parameters() if p.requires_grad]
        if not trained:
            raise GessoError("nothing to train: no parameter requires gradients")
        self.state = TrainingState(module, make_optimizer(trained, job.config), job.config.ema)
        self.gradients = FlatGradients(trained)

    def open(self, stack: ExitStack) -> None:
        """Take the folder, load the checkpoint or write the first (rank 0); tell the others."""
        if self.world.rank == 0:
            folder, config = self.job.out_dir, self.config
            stack.enter_context(run_lock(folder))
            prepare_folder(folder, self.job.resume, self.state.bytes)
            row = self._load()["row"] if self.job.resume else ({}, 0)
            start = self.state.step
            self.log = TrainingLog(folder, self.job.log_dir, start, config.steps, config.log_every)
            stack.callback(self.log.close)
            self.log.sums, self.log.count = row
            if not self.job.resume:
                self._save()  # a folder that cannot be written is known now, not hours later
        self.state.share(self.world)
        self._saved = self._tried = self.state.step
        self._tried_at = time.monotonic()

    def _load(self) -> dict[str, Any]:
        path = self.job.out_dir / CHECKPOINT
        saved = read_header(path, verify=False)  # the configuration explains more than shapes do
        check_same_run(path, saved.get("config", {}), asdict(self.config), FREE)
        check_same_run(path, saved.get("settings", {}), self.job.settings, frozenset())
        return self.state.load(self.job.out_dir)

    def run(self) -> TrainResult:
        """All steps that are left, or as many as a signal allows."""
        state, world = self.state, self.world

        def make(step: int) -> dict[str, Tensor]:
            return self.job.make_batch(step, world.rank, world.size)

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
        """One step; True when any process was asked to stop."""
        state, step = self.state, self.state.step
        seed_step(self.config.seed, step, self.world)
        self.gradients.zero_()
        moved = {n: t.to(self.world.device, non_blocking=True) for n, t in batch.items()}
        losses = self.job.loss_fn(moved, step)
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
        if due and self.job.sample_fn is not None:
            log.sample(step, self.job.sample_fn(step))
        if self.job.on_step is not None:
            self.job.on_step(step, values)

    def _give_up_on_nan(self) -> None:
        if self.state.bad_in_a_row >= self.config.max_bad_steps:
            raise GessoError(
                f"{self.job.out_dir}: stopped at step {self.state.step}: NaN or infinite losses or "
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
        run = {"config": asdict(self.config), "settings": self.job.settings}
        checkpoint = {**run, "row": (self.log.sums, self.log.count)}
        weights = {**self.job.header, "trained": {"steps": self.state.step, **run}}
        self.state.save(self.job.out_dir, checkpoint, weights)
        self._saved = self.state.step
