"""`gesso train meta_networks`; also under torchrun (`-m gesso`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gesso.cli import training_options as common
from gesso.cli.groups import grouped
from gesso.cli.training_options import Folders, Run, Weight, train


class Upsample(StrEnum):
    """How the generated networks enlarge."""

    deconv = "deconv"
    resize = "resize"


@grouped
def meta_networks(
    folders: Folders,
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
    spike_weight: Annotated[
        float, typer.Option(metavar="X", help="Against spots of huge activations.")
    ] = 0.0,
    encoder: Annotated[
        str,
        typer.Option(
            metavar="compact|vgg16|vgg19|FILE", help="Whose statistics describe a style; the judge."
        ),
    ] = "compact",
    run: Run = Run(),  # noqa: B008  (frozen)
) -> int:
    """Train the hypernetwork of Meta Networks by its Algorithm 1.

    It is written to OUT/weights.safetensors. The paper's own settings: --width 32 --content-batch
    8 --style-batch 1 --repeats 20 --schedule inverse --objective paper --encoder vgg16. Stopping,
    --resume and torchrun work as in `gesso train metastyle`.
    """
    return train(
        "meta_networks", folders, run, encoder,
        steps=steps, lr=lr, schedule=schedule, lr_decay=decay, width=width, hidden=hidden,
        upsample=upsample, content_batch=content_batch, style_batch=style_batch, repeats=repeats,
        crop=crop, style_crop=style_crop, resize_max=resize_max, objective=objective,
        content_level=content_level, content_weight=content_weight, style_weight=style_weight,
        tv_weight=tv_weight, range_weight=range_weight, spike_weight=spike_weight,
    )  # fmt: skip
