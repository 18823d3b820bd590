"""Meta Networks, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.fitting.config import FitOptions
from gesso.methods.about import About, Needs
from gesso.methods.meta_networks.training_options import Training
from gesso.options import Option

PASS_STYLE_SIZE_PX = 384  # longer side of the style in the pass: closest to unseen styles at 512 px
REFINED_STYLE_SIZE_PX = 512  # while refining, as in MetaStyle's adaptation
OBJECTIVES = ("relative", "matching")


@dataclass(frozen=True)
class Options(FitOptions):
    """What `MetaNetworks.adapt` takes; those of `FitOptions` are for `refine`."""

    refine: Annotated[
        int,
        Option("Continue with N gradient steps on the generated network.", "N", least=0),
    ] = 0
    kernels: Annotated[
        bool,
        Option("Keep the generated network in the card, which then runs without the weights."),
    ] = False
    objective: Annotated[
        str, Option("What to minimise: relative or matching.", choices=OBJECTIVES)
    ] = "relative"
    style_size: Annotated[
        int | None,
        Option("Longer side of the style; default: 384, and 512 to refine.", "PX", least=16),
    ] = None
    content_size: Annotated[
        int | None, Option("Longer side of the contents; default: their own.", "PX", least=16)
    ] = None
    lr: Annotated[float, Option("Learning rate of the adaptation.", "RATE", least=0)] = 7e-4
    affine_lr: Annotated[
        float, Option("Learning rate of γ and β.", "RATE", least=0, follows="lr")
    ] = 2e-3
    crop: Annotated[int, Option("Side of the contents' crops.", "PX", least=16)] = 384


ABOUT = About(
    name="meta_networks",
    title="Meta Networks (Shen et al., CVPR 2018)",
    summary="one pass of a hypernetwork turns a style into a whole transfer network",
    options=Options,
    training=Training,
    needs=Needs(levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    weights="meta_networks",
    neutral="content",
    color_share=0.6,
    paint_from=256,
    paint_pixels=2_000_000,
    paint_bytes=300,
    tile_bytes=40,
)
