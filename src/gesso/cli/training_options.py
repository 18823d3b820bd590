"""What training commands take: the folders, and how a run is kept and continued."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gesso.cli import options as opt


class ObjectiveName(StrEnum):
    """Which terms a start is trained on."""

    relative = "relative"
    paper = "paper"


class Level(StrEnum):
    """The encoder's levels."""

    relu1_2 = "relu1_2"
    relu2_2 = "relu2_2"
    relu3_3 = "relu3_3"
    relu4_3 = "relu4_3"


class Schedule(StrEnum):
    """How the learning rate falls."""

    inverse = "inverse"
    cosine = "cosine"


Contents = Annotated[
    Path, typer.Option("--contents", metavar="DIR", help="Photos: a folder, or .tar shards.")
]
Styles = Annotated[
    Path, typer.Option("--styles", metavar="DIR", help="Paintings: a folder, or .tar shards.")
]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="DIR", help="Checkpoint, weights and log go here.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder -o.")]
LogDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Also write TensorBoard scalars and samples.")
]
Start = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Weights to start from; default: random ones.")
]
SaveEvery = Annotated[
    int, typer.Option(min=1, metavar="N", help="Steps from checkpoint to checkpoint.")
]
LogEvery = Annotated[
    int, typer.Option(min=1, metavar="N", help="Steps averaged in a row of log.jsonl.")
]
Workers = Annotated[int, typer.Option(min=0, metavar="N", help="Threads that prepare batches.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="CPU threads that compute; default: all cores."),
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Of the weights and of every draw.")]
Warmup = Annotated[int, typer.Option(min=0, metavar="N", help="Steps in which the rate rises.")]
GradClip = Annotated[float, typer.Option(metavar="X", help="Largest norm of the gradient; 0: any.")]
Place = Annotated[str, typer.Option(metavar="NAME", help="cpu, or cuda: one GPU for each process.")]
Weight = Annotated[float | None, typer.Option(metavar="X", help="Default: the objective's.")]


@dataclass(frozen=True)
class Folders:
    """Where the pictures are, and where the run goes."""

    contents: Contents
    styles: Styles
    out: Out


@dataclass(frozen=True)
class Run:
    """How a run starts, is saved, logged and computed."""

    start: Start = None
    resume: Resume = False
    log_dir: LogDir = None
    seed: Seed = 0
    warmup: Warmup = 0
    grad_clip: GradClip = 0.0
    ema: Annotated[
        float, typer.Option(min=0, metavar="X", help="Decay of the weights' moving average.")
    ] = 0.0
    workers: Workers = 2
    save_every: SaveEvery = 1000
    sample_every: Annotated[
        int, typer.Option(min=0, metavar="N", help="Steps from sample to sample.")
    ] = 1000
    log_every: LogEvery = 10
    device: Place = "cpu"
    threads: Threads = None
    verbose: opt.Verbose = 0


def train(name: str, folders: Folders, run: Run, encoder: str, **options: Any) -> int:
    """Train a method; the device is checked and the threads are limited first."""
    from gesso.methods.training import train as train_method

    set_up(run.device, run.threads)
    own = ("seed", "warmup", "grad_clip", "ema", "workers", "save_every", "sample_every")
    options |= {field: getattr(run, field) for field in (*own, "log_every", "device")}
    result = train_method(
        *(name, folders.contents, folders.styles, folders.out),
        encoder=encoder,
        start=run.start,
        resume=run.resume,
        log_dir=run.log_dir,
        **{field: getattr(value, "value", value) for field, value in options.items()},
    )
    return result.exit_code


def set_up(device: str, threads: int | None) -> None:
    """Check the device and choose the GPU of this process; limit the CPU threads."""
    import torch

    from gesso.methods.registry import checked_device

    checked_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    if device == "cuda":  # before anything lands on the first GPU
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
