"""`gesso train meta_networks`; also under torchrun (`-m gesso`)."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from gesso.cli import options as opt
from gesso.cli import train as common


class Upsample(StrEnum):
    """How the generated networks enlarge."""

    deconv = "deconv"
    resize = "resize"


Weight = Annotated[float | None, typer.Option(metavar="X", help="Default: the objective's.")]


def meta_networks(
    contents: common.Contents,
    styles: common.Styles,
    out: common.Out,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps.")] = 5000,
    width: Annotated[
        int,
        typer.Option(
            min=1, max=256, metavar="N", help="Of the networks; the paper's: 32, and 8 for phones."
        ),
    ] = 8,
    hidden: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Hidden numbers for each kernel.")
    ] = 128,
    upsample: Annotated[
        Upsample, typer.Option(help="Deconvolutions, or resizing and convolutions.")
    ] = Upsample.deconv,
    lr: Annotated[float, typer.Option(metavar="X", help="Adam's learning rate.")] = 1e-3,
    schedule: Annotated[
        common.Schedule, typer.Option(help="How it falls.")
    ] = common.Schedule.cosine,
    decay: Annotated[
        float, typer.Option(metavar="X", help="k of the inverse schedule, 1 / (1 + k·t).")
    ] = 0.0,
    content_batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Contents for each style in a step.")
    ] = 1,
    style_batch: Annotated[int, typer.Option(min=1, metavar="N", help="Styles in a step.")] = 4,
    repeats: Annotated[
        int,
        typer.Option(min=1, metavar="K", help="Steps before the styles change; the paper's: 20."),
    ] = 1,
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
    ] = 480,
    objective: Annotated[
        common.ObjectiveName,
        typer.Option(help="relative: free of scale; paper: squared errors, hand-set weights."),
    ] = common.ObjectiveName.relative,
    content_level: Annotated[
        common.Level | None,
        typer.Option(help="Where contents are compared; default: the objective's."),
    ] = None,
    content_weight: Weight = None,
    style_weight: Weight = None,
    tv_weight: Weight = None,
    range_weight: Weight = None,
    encoder: Annotated[
        str,
        typer.Option(
            metavar="compact|vgg16|vgg19|FILE", help="Whose statistics describe a style; the judge."
        ),
    ] = "compact",
    start: common.Start = None,
    resume: common.Resume = False,
    log_dir: common.LogDir = None,
    seed: common.Seed = 0,
    warmup: common.Warmup = 0,
    grad_clip: common.GradClip = 0.0,
    ema: Annotated[
        float, typer.Option(min=0, metavar="X", help="Decay of the weights' moving average.")
    ] = 0.0,
    workers: common.Workers = 2,
    save_every: common.SaveEvery = 1000,
    sample_every: Annotated[
        int, typer.Option(min=0, metavar="N", help="Steps from sample to sample.")
    ] = 1000,
    log_every: common.LogEvery = 10,
    device: common.Place = "cpu",
    threads: common.Threads = None,
    verbose: opt.Verbose = 0,
) -> int:
    """Train the hypernetwork of Meta Networks by its Algorithm 1.

    It is written to OUT/weights.safetensors. The paper's own settings: --width 32 --content-batch
    8 --style-batch 1 --repeats 20 --schedule inverse --objective paper --encoder vgg16. Stopping,
    --resume and torchrun work as in `gesso train metastyle`.
    """
    from gesso.losses import PAPER_STATISTICS, StatisticsObjective
    from gesso.methods.meta_networks import Config
    from gesso.methods.meta_networks_training import StyleBatch, train_meta_networks
    from gesso.training_config import TrainConfig

    common.set_up(device, threads)
    paper = objective is common.ObjectiveName.paper
    chosen: dict[str, Any] = {
        "content_level": None if content_level is None else content_level.value,
        "content_weight": content_weight,
        "style_weight": style_weight,
        "tv_weight": tv_weight,
        "range_weight": range_weight,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    terms = replace(PAPER_STATISTICS if paper else StatisticsObjective(), **given)
    training = TrainConfig(
        steps,
        lr,
        schedule=schedule.value,
        lr_decay=decay,
        warmup=warmup,
        grad_clip=grad_clip,
        ema=ema,
        seed=seed,
        save_every=save_every,
        sample_every=sample_every,
        log_every=log_every,
        workers=workers,
        device=device,
    )
    result = train_meta_networks(
        contents,
        styles,
        out,
        Config(width, hidden, upsample.value, objective=terms),
        training,
        StyleBatch(content_batch, style_batch, repeats, crop, style_crop, resize_max),
        encoder=encoder,
        start=start,
        resume=resume,
        log_dir=log_dir,
    )
    return result.exit_code
