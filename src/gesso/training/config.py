"""How a network is trained, and how a training run ended. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from gesso.encoders.levels import LEVELS
from gesso.errors import OptionError
from gesso.options import Option, check

FREE = frozenset(
    {"steps", "save_every", "save_minutes", "sample_every", "log_every", "workers", "device"}
    | {"max_bad_steps"}
)
"""The fields that may change when a run is resumed."""

Schedule = Literal["inverse", "cosine"]


@dataclass(frozen=True)
class TrainConfig:
    """How to train. When a run is resumed the fields in FREE may differ, the others may not.

    The learning rate at step t (from 0) is lr / (1 + lr_decay · t) for "inverse" (MetaStyle's),
    half a cosine from lr to 0 over `steps` for "cosine"; both rise linearly over the first
    `warmup` steps. Raises OptionError for a value that makes no sense.
    """

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)]
    lr: Annotated[float, Option("Learning rate.", "X", least=0)] = 1e-3
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "inverse"
    lr_decay: Annotated[
        float, Option("k of the inverse schedule, 1 / (1 + k·t).", "X", least=0, flag="decay")
    ] = 0.0
    warmup: Annotated[int, Option("Steps in which the rate rises.", "N", least=0)] = 0
    optimizer: Annotated[Literal["adam", "adamw"], Option("The optimiser.", shown=False)] = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: Annotated[float, Option("AdamW's weight decay.", least=0, shown=False)] = 0.0
    grad_clip: Annotated[float, Option("Largest norm of the gradient; 0: any.", "X", least=0)] = 0.0
    ema: Annotated[
        float, Option("Decay of the weights' moving average; 0: none.", "X", least=0, most=1)
    ] = 0.0
    seed: Annotated[int, Option("Seed of the weights and of every draw.", "N", least=0)] = 0
    save_every: Annotated[int, Option("Steps from checkpoint to checkpoint.", "N", least=1)] = 1000
    save_minutes: float = 10.0  # and at least this often
    sample_every: Annotated[
        int, Option("Steps from sample to sample; 0: no samples.", "N", least=0)
    ] = 1000
    log_every: Annotated[int, Option("Steps averaged in a row of log.jsonl.", "N", least=1)] = 10
    workers: Annotated[int, Option("Threads that prepare batches.", "N", least=0)] = 2
    device: Annotated[str, Option("cpu, or cuda: one GPU for each process.", "NAME")] = "cpu"
    max_bad_steps: Annotated[
        int, Option("NaN or infinite losses in a row before giving up.", least=1, shown=False)
    ] = 10

    def __post_init__(self) -> None:
        check(self)
        if self.lr <= 0:
            raise OptionError("lr", f"{self.lr}; allowed are numbers above 0")
        if self.ema >= 1:
            raise OptionError("ema", f"{self.ema}; allowed are numbers from 0, below 1")

    def lr_at(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.schedule == "cosine":
            return rise * self.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))
        return rise * self.lr / (1 + self.lr_decay * step)

    def plain(self) -> TrainConfig:
        """Only what the trainer knows, without the fields that a method's `Training` adds."""
        return TrainConfig(**{f.name: getattr(self, f.name) for f in fields(TrainConfig)})


def _weight(help: str = "Default: the objective's.") -> Any:
    return Option(help, "X", least=0)


@dataclass(frozen=True)
class ObjectiveOptions:
    """Fields of a method's `Training` that choose its objective; None is the objective's own."""

    objective: Annotated[
        str,
        Option(
            "relative: free of scale; paper: squared errors, weights set by hand.",
            "relative|paper",
            choices=("relative", "paper"),
        ),
    ] = "relative"
    content_level: Annotated[
        str | None,
        Option("Where contents are compared; default: the objective's.", choices=LEVELS),
    ] = None
    content_weight: Annotated[float | None, _weight()] = None
    style_weight: Annotated[float | None, _weight()] = None
    tv_weight: Annotated[float | None, _weight("Weight of the total variation.")] = None


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


@dataclass(frozen=True)
class GivingBack(TrainConfig):
    """How decoders are trained that learn to give back the picture."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 5000
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    batch: Annotated[int, Option("Pictures in a step.", "N", least=1)] = 8
    crop: Annotated[int, Option("Side of the pictures.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Pictures are scaled to at most this before cropping.", "PX", least=16)
    ] = 512
    pixel_weight: Annotated[float, Option("Weight of the pixels' squared error.", "X", least=0)] = (
        30.0
    )
    feature_weight: Annotated[
        float, Option("Weight of the features' relative squared error.", "X", least=0)
    ] = 1.0
    range_weight: Annotated[float, Option("Weight of values outside [0, 1].", "X", least=0)] = 10.0
