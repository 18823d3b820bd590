"""Conditional instance norm, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from gesso.fitting.config import FitOptions
from gesso.images.styles import bundled_styles
from gesso.methods.about import About, Needs
from gesso.methods.conditional_in.training_options import Training
from gesso.options import Option

OBJECTIVES = ("matching", "relative", "paper")


@dataclass(frozen=True)
class Options(FitOptions):
    """What `ConditionalIN.adapt` takes. A style of the weights needs none of it: it is looked up. A
    new one is learned by its γ and β, as in the paper's section 3.3."""

    only_affine: ClassVar[bool] = True

    steps: Annotated[int, Option("Steps of adaptation; more: closer.", "N", least=0, main=True)] = (
        100
    )
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 512
    content_size: Annotated[
        int | None, Option("Longer side of the contents; default: their own.", "PX", least=16)
    ] = None
    objective: Annotated[
        Any,  # or an objective of gesso.losses
        Option("What to minimise: matching, relative or paper.", choices=OBJECTIVES),
    ] = "matching"
    affine_lr: Annotated[
        float, Option("Learning rate of γ and β.", "RATE", least=0, follows="lr")
    ] = 2e-2


ABOUT = About(
    name="conditional_in",
    title="Conditional instance norm (Dumoulin et al., ICLR 2017)",
    summary="one network that paints in many styles, each of which is its γ and β",
    options=Options,
    training=Training,
    needs=Needs(levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    weights="conditional_in",
    kind="bank",
    styles="32",
    bank=tuple(bundled_styles()),
    color_share=0.6,
    paint_from=256,
    paint_pixels=2_000_000,
    paint_bytes=320,
    tile_bytes=40,
)
