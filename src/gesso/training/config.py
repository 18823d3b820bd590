"""How a network is trained, and how a training run ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from gesso.errors import GessoError

__all__ = ["FREE", "TrainConfig", "TrainResult", "make_optimizer"]

FREE = frozenset(
    {"steps", "save_every", "save_minutes", "sample_every", "log_every", "workers", "device"}
    | {"max_bad_steps"}
)
"""The fields that may change when a run is resumed."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train. When a run is resumed the fields in FREE may differ, the others may not.

    The learning rate at step t (from 0) is lr / (1 + lr_decay · t) for "inverse" (MetaStyle's),
    half a cosine from lr to 0 over `steps` for "cosine"; both rise linearly over the first
    `warmup` steps. Raises GessoError for a value that makes no sense.
    """

    steps: int
    lr: float = 1e-3
    schedule: Literal["inverse", "cosine"] = "inverse"
    lr_decay: float = 0.0
    warmup: int = 0
    optimizer: Literal["adam", "adamw"] = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    grad_clip: float = 0.0  # largest global norm of the gradient; 0: no limit
    ema: float = 0.0  # decay of the moving average of the weights; 0: none
    seed: int = 0
    save_every: int = 1000  # steps
    save_minutes: float = 10.0  # and at least this often
    sample_every: int = 0  # steps; 0: never
    log_every: int = 10  # steps
    workers: int = 2  # threads that prepare batches
    device: str = "cpu"
    max_bad_steps: int = 10  # NaN or infinite in a row before giving up

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "log_every", "max_bad_steps"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("lr_decay", "warmup", "weight_decay", "grad_clip", "seed", "sample_every"):
            self._require(name, getattr(self, name) >= 0, "at least 0")
        self._require("workers", self.workers >= 0, "at least 0")
        self._require("lr", 0 < self.lr < math.inf, "above 0")
        self._require("ema", 0 <= self.ema < 1, "at least 0 and below 1")
        self._require("schedule", self.schedule in ("inverse", "cosine"), "inverse or cosine")
        self._require("optimizer", self.optimizer in ("adam", "adamw"), "adam or adamw")

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise GessoError(f"{name} = {getattr(self, name)!r}: must be {allowed}")

    def lr_at(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.schedule == "cosine":
            return rise * self.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return rise * self.lr / (1 + self.lr_decay * step)


@dataclass(frozen=True)
class TrainResult:
    """How a run ended: steps done, steps skipped for NaN, and the signal that stopped it."""

    step: int
    skipped: int
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """0, or 128 + the signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 0 if self.signal is None else 128 + self.signal


def make_optimizer(parameters: list[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW (weight decay apart from the gradient), as configured."""
    kinds: dict[str, type[torch.optim.Adam]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    return kinds[config.optimizer](
        parameters,
        lr=config.lr,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
    )
