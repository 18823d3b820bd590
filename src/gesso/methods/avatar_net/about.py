"""Avatar-Net, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.methods.about import About, Needs
from gesso.methods.avatar_net.training_options import Training
from gesso.options import Option


@dataclass(frozen=True)
class Options:
    """What `AvatarNet.adapt` takes."""

    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 384
    patch_size: Annotated[
        int, Option("Places along the side of a patch, 8 px each at relu4_1.", "N", least=1, most=9)
    ] = 5
    patch_stride: Annotated[
        int, Option("Places from patch to patch of the style.", "N", least=1, most=16)
    ] = 1
    detail: Annotated[
        float, Option("How much of the photo's finest detail stays.", "SHARE", least=0, most=1)
    ] = 0.7


ABOUT = About(
    name="avatar_net",
    title="Avatar-Net (Sheng et al., CVPR 2018)",
    summary="features are made up of a style's own patches, and finer ones take on its statistics",
    options=Options,
    training=Training,
    needs=Needs(levels=("relu4_1",), encoder_to_run=True),
    weights="avatar_net",
    blend="own",
    color_share=0.6,
    paint_from=256,
    paint_pixels=800_000,
    paint_bytes=1400,
    tile_bytes=120,
)
