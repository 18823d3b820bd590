"""`gesso train metastyle`; also under torchrun (`-m gesso`)."""

from __future__ import annotations

from typing import Annotated

import typer

from gesso.cli.groups import grouped
from gesso.cli.training_options import Folders, Level, ObjectiveName, Run, Weight, train


@grouped
def metastyle(
    folders: Folders,
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
    logarithm: Annotated[
        bool,
        typer.Option("--logarithm", help="Of the losses in both loops: all styles weigh the same."),
    ] = False,
    reptile: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Instead of Algorithm 1: towards where N steps of an adaptation, with its own "
            "weights of style and evenness, lead; 0: no.",
        ),
    ] = 0,
    before_weight: Annotated[
        float, typer.Option(metavar="X", help="In the outer loss, of those before inner steps.")
    ] = 0.0,
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
    content_weight: Weight = None,
    style_weight: Weight = None,
    tv_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Of the total variation.")
    ] = None,
    saturation_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Of what lies beyond the sigmoid's bend.")
    ] = None,
    evenness_weight: Annotated[
        float | None, typer.Option(metavar="X", help="Of colours that change where photos do not.")
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
    run: Run = Run(),  # noqa: B008  (frozen)
) -> int:
    """Meta-learn a start by MetaStyle's Algorithm 1.

    It is written to OUT/weights.safetensors. The defaults are the paper's but for the width and
    the objective (--width 32 --objective paper --encoder vgg16 are its own). Ctrl-C and SIGTERM
    save and stop; --resume goes on, on the CPU bit for bit as if it had never stopped. Several
    processes divide the styles among them: torchrun --nproc-per-node 2 -m gesso train metastyle …
    """
    return train(
        "metastyle", folders, run, encoder,
        steps=steps, lr=lr, lr_decay=decay, width=width, inner_steps=inner_steps,
        inner_lr=inner_lr, first_order=first_order, logarithm=logarithm, reptile=reptile,
        before_weight=before_weight, content_batch=content_batch, style_batch=style_batch,
        style_chunk=style_chunk, crop=crop, style_crop=style_crop, resize_max=resize_max,
        objective=objective, content_level=content_level, content_weight=content_weight,
        style_weight=style_weight, tv_weight=tv_weight, saturation_weight=saturation_weight,
        evenness_weight=evenness_weight,
    )  # fmt: skip
