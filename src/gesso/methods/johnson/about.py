"""Johnson et al., as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from gesso.fitting.config import FitOptions
from gesso.methods.about import About, Needs
from gesso.options import Option

RANDOM, METASTYLE = "random", "metastyle"  # else a file
OBJECTIVES = ("matching", "relative", "paper")


@dataclass(frozen=True)
class Options(FitOptions):
    """What `Johnson.adapt` takes: the paper's Adam at 1e-3 on 4 crops of 256 px. Its 40,000 steps
    are `steps=40000`."""

    steps: Annotated[int, Option("Steps of adaptation; more: closer.", "N", least=0)] = 2000
    start: Annotated[str, Option("The weights to begin with.", "random|metastyle|FILE|hf:…")] = (
        RANDOM
    )
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 512
    content_size: Annotated[
        int | None, Option("Longer side of the contents; default: their own.", "PX", least=16)
    ] = None
    objective: Annotated[
        Any,  # or an objective of gesso.losses
        Option("What to minimise: matching, relative or paper.", choices=OBJECTIVES),
    ] = "matching"
    lr: Annotated[float, Option("Learning rate of the adaptation.", "RATE", least=0)] = 1e-3
    affine_lr: Annotated[
        float, Option("Learning rate of γ and β.", "RATE", least=0, follows="lr")
    ] = 1e-3
    decay: Annotated[bool, Option("Lower both rates to a tenth along half a cosine.")] = False
    batch: Annotated[int, Option("Crops in a step.", "N", least=1)] = 4
    pool: Annotated[int, Option("Different crops that are drawn at most.", "N", least=1)] = 128


ABOUT = About(
    name="johnson",
    title="Johnson et al. (ECCV 2016)",
    summary="one transfer network is trained for one style, from any start",
    options=Options,
    needs=Needs(levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    styles="1",
    full_steps=40_000,
    paint_from=256,
    paint_pixels=2_000_000,
    paint_bytes=550,
    tile_bytes=40,
    version=2,
)
