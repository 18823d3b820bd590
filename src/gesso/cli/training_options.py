"""What all `gesso train` commands take: the folders, and how a run is kept and continued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options as opt
from gesso.cli import train as common

if TYPE_CHECKING:
    from gesso.training_config import TrainConfig


@dataclass(frozen=True)
class Folders:
    """Where the pictures are, and where the run goes."""

    contents: common.Contents
    styles: common.Styles
    out: common.Out


@dataclass(frozen=True)
class Run:
    """How a run starts, is saved, logged and computed."""

    start: common.Start = None
    resume: common.Resume = False
    log_dir: common.LogDir = None
    seed: common.Seed = 0
    warmup: common.Warmup = 0
    grad_clip: common.GradClip = 0.0
    ema: Annotated[
        float, typer.Option(min=0, metavar="X", help="Decay of the weights' moving average.")
    ] = 0.0
    workers: common.Workers = 2
    save_every: common.SaveEvery = 1000
    sample_every: Annotated[
        int, typer.Option(min=0, metavar="N", help="Steps from sample to sample.")
    ] = 1000
    log_every: common.LogEvery = 10
    device: common.Place = "cpu"
    threads: common.Threads = None
    verbose: opt.Verbose = 0

    def config(self, steps: int, lr: float, **more: Any) -> TrainConfig:
        """The trainer's configuration, once the device is checked and the threads are limited."""
        from gesso.training_config import TrainConfig

        common.set_up(self.device, self.threads)
        own = ("seed", "warmup", "grad_clip", "ema", "workers", "save_every", "sample_every")
        shared = {name: getattr(self, name) for name in (*own, "log_every", "device")}
        return TrainConfig(steps, lr, **shared, **more)
