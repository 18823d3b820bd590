"""The state of a training run: what a checkpoint holds, and what a resumed run must agree on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gesso.disk.atomic import make_folder, sweep_stale
from gesso.disk.lock import locked
from gesso.errors import GessoError, OptionError
from gesso.nn.checkpoint import load_file, read_header, save_file
from gesso.training.config import TrainConfig
from gesso.training.process import World

CHECKPOINT, WEIGHTS, SAMPLES = "checkpoint.safetensors", "weights.safetensors", "samples"
KIND = "checkpoint"
MOMENTS = ("exp_avg", "exp_avg_sq")


class TrainingState:
    """Weights, optimiser moments, moving average and counters.

    Randomness is not among them: it is drawn anew from (seed, step, rank) for every step.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        ema: float,
        constants: Mapping[str, Tensor],
    ) -> None:
        self.module, self.optimizer, self.ema_decay = module, optimizer, ema
        self.constants = constants
        self.parameters = {n: p for n, p in module.named_parameters() if p.requires_grad}
        self.step = self.updates = self.skipped = self.bad_in_a_row = 0
        self.ema = {n: p.detach().clone() for n, p in self.parameters.items()} if ema else {}
        for parameter in self.parameters.values():  # as Adam would on its first step
            zeros = {name: torch.zeros_like(parameter) for name in MOMENTS}
            optimizer.state[parameter] = {"step": torch.tensor(0.0), **zeros}

    def update(self, lr: float) -> None:
        """One optimiser step with the gradients in place, then the moving average."""
        self.step, self.updates, self.bad_in_a_row = self.step + 1, self.updates + 1, 0
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        with torch.no_grad():
            for name, average in self.ema.items():
                average.lerp_(self.parameters[name].detach(), 1 - self.ema_decay)

    def skip(self) -> None:
        """Count a step whose loss or gradient was not finite; the weights stay."""
        self.step, self.skipped = self.step + 1, self.skipped + 1
        self.bad_in_a_row += 1

    @property
    def bytes(self) -> int:
        """The size of all that a save writes: the tensors of a checkpoint and of the weights."""
        written = [*self.tensors().values(), *self.weights().values()]
        return sum(t.numel() * t.element_size() for t in written)

    def tensors(self) -> dict[str, Tensor]:
        """Everything a checkpoint holds, by name (live tensors, not copies)."""
        tensors = {f"model.{n}": t for n, t in self.module.state_dict().items()}
        for name, parameter in self.parameters.items():
            for moment in MOMENTS:
                tensors[f"optimizer.{name}.{moment}"] = self.optimizer.state[parameter][moment]
        return tensors | {f"ema.{n}": t for n, t in self.ema.items()}

    def weights(self) -> dict[str, Tensor]:
        """The tensors that users load: the module's state, with the moving average where there is
        one, and the constants."""
        own = {n: self.ema.get(n, t) for n, t in self.module.state_dict().items()}
        return {**own, **self.constants}

    def counters(self) -> dict[str, int]:
        """Steps done, optimiser updates, steps skipped in all and just now in a row."""
        names = ("step", "updates", "skipped", "bad_in_a_row")
        return {name: getattr(self, name) for name in names}

    def restore(self, tensors: Mapping[str, Tensor], counters: Mapping[str, int]) -> None:
        """Copy a checkpoint's tensors and counters in."""
        with torch.no_grad():
            for name, tensor in self.tensors().items():
                tensor.copy_(tensors[name])
        self._set_counters(counters)

    def _set_counters(self, counters: Mapping[str, int]) -> None:
        for name in self.counters():
            setattr(self, name, int(counters[name]))
        for parameter in self.parameters.values():
            self.optimizer.state[parameter]["step"].fill_(self.updates)

    def share(self, world: World) -> None:
        """Give every process rank 0's state."""
        counters = torch.tensor(list(self.counters().values()), device=world.device)
        world.broadcast_([*self.tensors().values(), counters])
        self._set_counters(dict(zip(self.counters(), counters.tolist(), strict=True)))

    def save(self, out_dir: Path, header: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
        """Write checkpoint and weights, each whole or not at all.

        `header`: config, settings and the log's unfinished row; `weights`: the header of
        weights.safetensors.
        """
        save_file(
            out_dir / CHECKPOINT,
            self.tensors(),
            {"kind": KIND, "counters": self.counters(), **header},
        )
        self.save_weights(out_dir, weights)

    def save_weights(self, out_dir: Path, header: Mapping[str, Any]) -> None:
        """Write weights.safetensors with that header, whole or not at all."""
        save_file(out_dir / WEIGHTS, self.weights(), dict(header))

    def load(self, out_dir: Path) -> dict[str, Any]:
        """Restore from the folder's checkpoint; return its header."""
        tensors, header = load_file(out_dir / CHECKPOINT, kind=KIND, expected=self.tensors())
        self.restore(tensors, header["counters"])
        return header


def weights_step(out_dir: Path) -> int | None:
    """The step of the folder's weights; None where they are missing or damaged."""
    try:
        trained = read_header(out_dir / WEIGHTS).get("trained")
    except GessoError:
        return None
    step = trained.get("steps") if isinstance(trained, dict) else None
    return step if isinstance(step, int) else None


def make_optimizer(parameters: list[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW (weight decay apart from the gradient), as configured."""
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(
        parameters,
        lr=config.lr,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
    )


def check_same_run(
    path: Path, saved: Mapping[str, Any], now: Mapping[str, Any], free: frozenset[str]
) -> None:
    """Refuse to resume under another configuration, naming the first field that differs. Fields
    that an older gesso did not save are not compared."""
    now = json.loads(json.dumps(dict(now)))  # as it comes back from a header: tuples are lists
    for field in sorted(saved):
        before, after = saved[field], now.get(field)
        if field in free or before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            check_same_run(path, before, after, frozenset())
            continue
        raise GessoError(
            f"{path}: cannot resume with {field} = {after!r}: the run was started with {before!r}"
        )


def prepare_folder(out_dir: Path, resume: bool, needed: int) -> None:
    """Refuse to overwrite a run, to resume none, or to start on a full disk.

    `needed`: bytes of one save, checkpoint and weights; there must be room for two of them, as a
    new file is complete before the old one goes.
    """
    checkpoint = out_dir / CHECKPOINT
    if resume and not checkpoint.exists():
        raise OptionError("resume", f"{checkpoint} does not exist, so there is nothing to resume")
    if not resume and checkpoint.exists():
        raise OptionError(
            "resume", f"{out_dir} holds a training run; resume it or name another folder"
        )
    free = shutil.disk_usage(out_dir).free
    if free < 2 * needed:
        sizes = f"{free / 1e6:.0f} MB free, two saves need {2 * needed / 1e6:.0f} MB"
        raise GessoError(f"{out_dir}: too little room: {sizes}")
    for folder in (out_dir, out_dir / SAMPLES):
        sweep_stale(folder)


@contextmanager
def run_lock(out_dir: Path) -> Iterator[None]:
    """Make the folder and hold it for one run; the system lets go even when a run is killed."""
    make_folder(out_dir)
    with locked(out_dir / ".lock", f"{out_dir}: another training run is using this folder"):
        yield
