"""`gesso train adain`; also under torchrun (`-m gesso`)."""

from __future__ import annotations

from typing import Annotated

import typer

from gesso.cli import training_options as common
from gesso.cli.groups import grouped
from gesso.cli.training_options import Folders, Run, Weight, train


@grouped
def adain(
    folders: Folders,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Steps.")] = 5000,
    level: Annotated[
        str, typer.Option(metavar="LEVEL", help="The encoder's, on which AdaIN works.")
    ] = "relu4_1",
    skips: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL,…|none",
            help="Shallower ones for it too; default: relu1_1,relu2_1,relu3_1 with compact.",
        ),
    ] = None,
    lr: Annotated[float, typer.Option(metavar="X", help="Adam's learning rate.")] = 1e-3,
    schedule: Annotated[
        common.Schedule, typer.Option(help="How it falls.")
    ] = common.Schedule.cosine,
    decay: Annotated[
        float, typer.Option(metavar="X", help="k of the inverse schedule, 1 / (1 + k·t).")
    ] = 5e-5,
    batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Pairs of a content and a style in a step.")
    ] = 8,
    crop: Annotated[
        int, typer.Option(min=16, metavar="PX", help="Side of the pictures in px.")
    ] = 256,
    resize_max: Annotated[
        int,
        typer.Option(
            min=16, metavar="PX", help="Pictures are scaled to at most this before cropping."
        ),
    ] = 512,
    objective: Annotated[
        common.ObjectiveName,
        typer.Option(help="relative: free of scale; paper: squared errors, λ = 10."),
    ] = common.ObjectiveName.relative,
    content_weight: Weight = None,
    style_weight: Weight = None,
    tv_weight: Weight = None,
    range_weight: Weight = None,
    identity_weight: Annotated[
        float,
        typer.Option(min=0, metavar="X", help="Of the error of the content decoded as it is."),
    ] = 0.0,
    encoder: Annotated[
        str,
        typer.Option(
            metavar="compact|vgg16|vgg19|FILE", help="Whose features are decoded; the judge."
        ),
    ] = "compact",
    run: Run = Run(),  # noqa: B008  (frozen)
) -> int:
    """Train the decoder of AdaIN.

    It is written to OUT/weights.safetensors. The paper's own settings: --steps 160000 --lr 1e-4
    --schedule inverse --objective paper --encoder FILE, its normalised VGG-19. Without a style
    weight the decoder learns to give back its content. Stopping, --resume and torchrun work as in
    `gesso train metastyle`.
    """
    return train(
        "adain", folders, run, encoder,
        steps=steps, lr=lr, schedule=schedule, lr_decay=decay, level=level, skips=_skips(skips),
        batch=batch, crop=crop, resize_max=resize_max, objective=objective,
        content_weight=content_weight, style_weight=style_weight, tv_weight=tv_weight,
        range_weight=range_weight, identity_weight=identity_weight,
    )  # fmt: skip


def _skips(given: str | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    return () if given == "none" else tuple(level.strip() for level in given.split(","))
