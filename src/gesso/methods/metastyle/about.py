"""MetaStyle, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from gesso.fitting.config import FitOptions
from gesso.methods.about import About, Needs
from gesso.methods.metastyle.training_options import Training
from gesso.options import Option

STYLE_SIZE_PX = 512  # longer side of the style while adapting, as in the released code
OBJECTIVES = ("matching", "relative", "paper")


@dataclass(frozen=True)
class Options(FitOptions):
    """What `MetaStyle.adapt` takes."""

    steps: Annotated[int, Option("Steps of adaptation; more: closer.", "N", least=0, main=True)] = (
        60
    )
    only_affine: Annotated[
        bool,
        Option(
            "Adapt instance norm's γ and β and no other weights: a card of some kB.", flag="only-in"
        ),
    ] = False
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = STYLE_SIZE_PX
    content_size: Annotated[
        int | None, Option("Longer side of the contents; default: their own.", "PX", least=16)
    ] = None
    objective: Annotated[
        Any,  # or an objective of gesso.losses; None: matching, unless the start says otherwise
        Option(
            "What to minimise; default: matching, unless the start was trained by paper.",
            choices=OBJECTIVES,
        ),
    ] = None


ABOUT = About(
    name="metastyle",
    title="MetaStyle (Zhang et al., AAAI 2019)",
    summary="a meta-learned start that any style is a few gradient steps from",
    options=Options,
    training=Training,
    needs=Needs(levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    weights="metastyle",
    kind="start",
    paint_from=256,
    paint_pixels=2_000_000,
    paint_bytes=550,
    tile_bytes=40,
    version=2,
    polish=8,  # a second and a quarter at 512 px on two cores
)
