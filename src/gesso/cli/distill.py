"""`gesso distill`; also under torchrun (`-m gesso`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options as opt
from gesso.cli import training_options as common


def distill(
    contents: common.Contents,
    styles: common.Styles,
    out: common.Out,
    teacher: Annotated[
        str, typer.Option(metavar="vgg16|vgg19|FILE", help="The encoder to learn from.")
    ] = "vgg19",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps.")] = 40_000,
    lr: Annotated[float, typer.Option(metavar="X", help="Learning rate.")] = 4e-4,
    schedule: Annotated[
        common.Schedule, typer.Option(help="How it falls.")
    ] = common.Schedule.cosine,
    warmup: common.Warmup = 50,
    weight_decay: Annotated[float, typer.Option(metavar="X", help="AdamW's.")] = 1e-4,
    grad_clip: common.GradClip = 2.0,
    real: Annotated[
        int, typer.Option(min=1, metavar="N", help="Photos, and as many paintings, a step.")
    ] = 2,
    emitted: Annotated[
        int, typer.Option(min=0, metavar="N", help="Pictures of networks a step.")
    ] = 2,
    descended: Annotated[
        int, typer.Option(min=0, metavar="N", help="Pictures whose pixels descend, a step.")
    ] = 3,
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
    resume: common.Resume = False,
    log_dir: common.LogDir = None,
    seed: common.Seed = 0,
    workers: common.Workers = 2,
    save_every: common.SaveEvery = 1000,
    log_every: common.LogEvery = 10,
    device: common.Place = "cpu",
    threads: common.Threads = None,
    verbose: opt.Verbose = 0,
) -> int:
    """Distil the compact encoder from VGG.

    It is written to OUT/weights.safetensors. Stopping and --resume work as in `gesso train`.
    """
    from gesso.distillation.distill import distill as run

    common.set_up(device, threads)
    result = run(
        contents, styles, out,
        start=start, resume=resume, log_dir=log_dir,
        steps=steps, lr=lr, schedule=schedule.value, warmup=warmup, weight_decay=weight_decay,
        grad_clip=grad_clip, seed=seed, save_every=save_every, log_every=log_every,
        workers=workers, device=device, teacher=teacher, emitter=emitter and str(emitter),
        real=real, emitted=emitted, descended=descended, crop=crop, gram_weight=gram_weight,
    )  # fmt: skip
    return result.exit_code
