"""Gatys et al., as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from gesso.methods.about import About, Needs
from gesso.options import Option

OPTIMIZERS = ("adam", "lbfgs")
OBJECTIVES = ("relative", "paper", "metastyle")
INITS = ("content", "noise")  # or another method's name


@dataclass(frozen=True)
class Options:
    """What `Gatys.adapt` takes: how the pictures of a card will be optimised."""

    steps: Annotated[
        int,
        Option(
            "Steps at the coarsest size; lbfgs: evaluations of the objective.",
            "N",
            least=0,
            on_pictures=True,
        ),
    ] = 100
    lr: Annotated[
        float,
        Option(
            "Adam's rate; lbfgs: change along its first direction.",
            "RATE",
            least=0,
            on_pictures=True,
        ),
    ] = 0.02
    optimizer: Annotated[
        str,
        Option(
            "The optimiser; lbfgs is the paper's.",
            "adam|lbfgs",
            choices=OPTIMIZERS,
            on_pictures=True,
        ),
    ] = "adam"
    coarse: Annotated[
        int,
        Option(
            "Begin at a fraction of the size, down to this one; 0: never.",
            "PX",
            least=0,
            on_pictures=True,
        ),
    ] = 512
    init: Annotated[
        str,
        Option(
            "What to begin with; METHOD, such as metastyle: its picture.", "content|noise|METHOD"
        ),
    ] = "content"
    objective: Annotated[
        Any,  # or a gesso.losses Objective
        Option(
            "What to minimise; paper needs --encoder vgg19.",
            "relative|paper|metastyle",
            choices=OBJECTIVES,
        ),
    ] = "relative"
    seed: Annotated[int, Option("Seed of all random choices.", "N", least=0)] = 0
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 512
    betas: tuple[float, float] = (0.9, 0.999)  # Adam's decay rates
    mirror: bool = False  # see gesso.fitting.picture.Descent
    chroma: float = 0.0
    shift: bool = False
    calm: float = 0.0


ABOUT = About(
    name="gatys",
    title="Gatys et al. (CVPR 2016)",
    summary="every picture is optimised by itself, slowly; the yardstick",
    options=Options,
    needs=Needs(
        levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
        deepest="relu5_1",
        encoder_to_run=True,
    ),
    neutral="content",
    steps_on="picture",
    descends=True,
    full_steps=500,
    paint_pixels=1_000_000,
    paint_bytes=1800,
    tile_bytes=130,
)
