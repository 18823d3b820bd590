"""WCT, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.methods.about import About, Needs
from gesso.methods.wct.training_options import Training
from gesso.options import Option


@dataclass(frozen=True)
class Options:
    """What `WCT.adapt` takes."""

    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 512
    share: Annotated[
        float,
        Option(
            "The style's share in the features of every level: the paper's α.",
            "SHARE",
            least=0,
            most=1,
        ),
    ] = 0.8


ABOUT = About(
    name="wct",
    title="WCT (Li et al., NeurIPS 2017)",
    summary="features are whitened and take on a style's covariance, level after level",
    options=Options,
    training=Training,
    needs=Needs(levels=("relu1_1",), deepest="relu5_1", encoder_to_run=True),
    weights="wct",
    textures="own",
    paint_pixels=2_000_000,
    tile_bytes=50,
    paint_bytes=420,
)
