"""AdaIN, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.methods.about import About, Needs
from gesso.methods.adain.training_options import Training
from gesso.options import Option


@dataclass(frozen=True)
class Options:
    """What `AdaIN.adapt` takes."""

    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = (
        512  # as in the paper's training; it sets the size of the strokes
    )


ABOUT = About(
    name="adain",
    title="AdaIN (Huang & Belongie, ICCV 2017)",
    summary="features take on a style's mean and deviation, and one decoder serves all styles",
    options=Options,
    training=Training,
    needs=Needs(levels=("relu4_1",), encoder_to_run=True),
    weights="adain",
    neutral="content",
    version=2,
    color_share=0.6,
    paint_from=256,
    paint_pixels=2_000_000,
    tile_bytes=20,
)
