"""`gesso train metastyle` and `gesso distill`; both also under torchrun (`-m gesso`)."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options as opt

if TYPE_CHECKING:
    from gesso.losses import Objective


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


def metastyle(
    contents: Contents,
    styles: Styles,
    out: Out,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Iterations.")] = 100_000,
    width: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Of the network; the paper's: 32.")
    ] = 16,
    inner_steps: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="T: SGD steps on γ and β; 0: a plain average start."),
    ] = 1,
    inner_lr: Annotated[
        float, typer.Option(metavar="X", help="δ: learning rate of the inner steps.")
    ] = 1e-5,
    first_order: Annotated[
        bool, typer.Option("--first-order", help="Drop the second derivatives.")
    ] = False,
    lr: Annotated[
        float, typer.Option(metavar="X", help="η: Adam's learning rate in the outer loop.")
    ] = 1e-5,
    decay: Annotated[
        float, typer.Option(metavar="X", help="k: both rates fall as 1 / (1 + k·t).")
    ] = 2.5e-5,
    content_batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Contents in an iteration.")
    ] = 4,
    style_batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Styles in an iteration.")
    ] = 4,
    crop: Annotated[
        int, typer.Option(min=16, metavar="PX", help="Side of the contents in px.")
    ] = 256,
    style_crop: Annotated[
        int, typer.Option(min=16, metavar="PX", help="Side of the styles in px.")
    ] = 256,
    resize_max: Annotated[
        int,
        typer.Option(
            min=16, metavar="PX", help="Contents are scaled to at most this before cropping."
        ),
    ] = 288,
    objective: Annotated[
        ObjectiveName,
        typer.Option(help="relative: free of scale; paper: squared errors, style weight 1e5."),
    ] = ObjectiveName.relative,
    content_level: Annotated[
        Level | None, typer.Option(help="Where contents are compared; default: the objective's.")
    ] = None,
    content_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Default: the objective's.")
    ] = None,
    style_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Default: the objective's.")
    ] = None,
    tv_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Of the total variation.")
    ] = None,
    saturation_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Of what lies beyond the sigmoid's bend.")
    ] = None,
    style_chunk: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Styles at a time: less memory, slower; 0: all at once."
        ),
    ] = 0,
    encoder: Annotated[
        str, typer.Option(metavar="compact|vgg16|vgg19|FILE", help="What the losses see.")
    ] = "compact",
    start: Start = None,
    resume: Resume = False,
    log_dir: LogDir = None,
    seed: Seed = 0,
    warmup: Warmup = 0,
    grad_clip: GradClip = 0.0,
    workers: Workers = 2,
    save_every: SaveEvery = 1000,
    sample_every: Annotated[
        int, typer.Option(min=0, metavar="N", help="Steps from sample to sample.")
    ] = 1000,
    log_every: LogEvery = 10,
    device: Place = "cpu",
    threads: Threads = None,
    verbose: opt.Verbose = 0,
) -> int:
    """Meta-learn a start by MetaStyle's Algorithm 1.

    It is written to OUT/weights.safetensors. The defaults are the paper's but for the width and
    the objective (--width 32 --objective paper --encoder vgg16 are its own). Ctrl-C and SIGTERM
    save and stop; --resume goes on, on the CPU bit for bit as if it had never stopped. Several
    processes divide the styles among them: torchrun --nproc-per-node 2 -m gesso train metastyle …
    """
    from gesso.metalearning import InnerLoop
    from gesso.methods.metastyle import Config
    from gesso.methods.metastyle_training import MetaBatch, train_metastyle
    from gesso.training_config import TrainConfig

    set_up(device, threads)
    result = train_metastyle(
        contents,
        styles,
        out,
        Config(
            width,
            _objective(
                objective, content_level, content_weight, style_weight, tv_weight, saturation_weight
            ),
            InnerLoop(inner_steps, inner_lr, decay, first_order, style_chunk),
        ),
        TrainConfig(
            steps,
            lr,
            lr_decay=decay,
            warmup=warmup,
            grad_clip=grad_clip,
            seed=seed,
            save_every=save_every,
            sample_every=sample_every,
            log_every=log_every,
            workers=workers,
            device=device,
        ),
        MetaBatch(content_batch, style_batch, crop, style_crop, resize_max),
        encoder=encoder,
        start=start,
        resume=resume,
        log_dir=log_dir,
    )
    return result.exit_code


def distill(
    contents: Contents,
    styles: Styles,
    out: Out,
    teacher: Annotated[
        str, typer.Option(metavar="vgg16|vgg19|FILE", help="The encoder to learn from.")
    ] = "vgg19",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps.")] = 40_000,
    lr: Annotated[float, typer.Option(metavar="X", help="Learning rate.")] = 4e-4,
    schedule: Annotated[Schedule, typer.Option(help="How it falls.")] = Schedule.cosine,
    warmup: Warmup = 50,
    weight_decay: Annotated[float, typer.Option(metavar="X", help="AdamW's.")] = 1e-4,
    grad_clip: GradClip = 2.0,
    real: Annotated[
        int, typer.Option(min=1, metavar="N", help="Photos, and as many paintings, a step.")
    ] = 2,
    emitted: Annotated[
        int, typer.Option(min=0, metavar="N", help="Pictures of networks a step.")
    ] = 4,
    crop: Annotated[
        int, typer.Option(min=32, metavar="PX", help="Side of the pictures in px.")
    ] = 144,
    gram_weight: Annotated[
        float, typer.Option(metavar="X", help="Of the Gram matrices' error.")
    ] = 0.5,
    start: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A compact encoder with its bases.")
    ] = None,
    emitter: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A start whose pictures to learn on; default: random."),
    ] = None,
    resume: Resume = False,
    log_dir: LogDir = None,
    seed: Seed = 0,
    workers: Workers = 2,
    save_every: SaveEvery = 1000,
    log_every: LogEvery = 10,
    device: Place = "cpu",
    threads: Threads = None,
    verbose: opt.Verbose = 0,
) -> int:
    """Distil the compact encoder from VGG.

    It is written to OUT/weights.safetensors. Stopping and --resume work as in `gesso train`.
    """
    from gesso.distill import DistillBatch
    from gesso.distill import distill as run
    from gesso.encoders import load_encoder
    from gesso.training_config import TrainConfig

    set_up(device, threads)
    training = TrainConfig(
        steps,
        lr,
        schedule=schedule.value,
        warmup=warmup,
        optimizer="adamw",
        weight_decay=weight_decay,
        grad_clip=grad_clip,
        seed=seed,
        save_every=save_every,
        log_every=log_every,
        workers=workers,
        device=device,
    )
    result = run(
        contents,
        styles,
        out,
        load_encoder(teacher).to(device),
        training,
        DistillBatch(real, emitted, crop, gram_weight),
        start=start,
        emitter=emitter,
        resume=resume,
        log_dir=log_dir,
    )
    return result.exit_code


def _objective(
    name: ObjectiveName,
    level: Level | None,
    content: float | None,
    style: float | None,
    tv: float | None,
    saturation: float | None,
) -> Objective:
    from gesso.losses import PAPER, Objective

    given: dict[str, Any] = {
        "content_level": None if level is None else level.value,
        "content_weight": content,
        "style_weight": style,
        "tv_weight": tv,
        "saturation_weight": saturation,
    }
    chosen = PAPER if name is ObjectiveName.paper else Objective()
    return replace(chosen, **{key: value for key, value in given.items() if value is not None})


def set_up(device: str, threads: int | None) -> None:
    """Check the device and choose the GPU of this process; limit the CPU threads."""
    import torch

    from gesso.methods import checked_device

    checked_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    if device == "cuda":  # before anything lands on the first GPU
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
