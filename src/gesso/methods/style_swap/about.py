"""Style swap, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from gesso.methods.about import About, Needs
from gesso.methods.style_swap.training_options import Training
from gesso.options import Option

LEVEL = "relu3_1"  # the paper's, with VGG-19
DESCENT = 100  # steps, as in the released code


@dataclass(frozen=True)
class Options:
    """What `StyleSwap.adapt` takes: how large the style is seen, and how pictures are made."""

    alpha: Annotated[
        float,
        Option(
            "Share of the style's patches in the features; the rest are the photo's own.",
            "SHARE",
            least=0,
            most=1,
            main=True,
            on_pictures=True,
        ),
    ] = 1.0
    patch_size: Annotated[
        int,
        Option(
            "Side of a patch, in places of 4 px: larger ones are more of the painting.",
            "N",
            least=1,
            most=15,
            on_pictures=True,
        ),
    ] = 3
    patch_stride: Annotated[
        int,
        Option("Places from one patch of the style to the next.", "N", least=1, on_pictures=True),
    ] = 1
    patches: Annotated[
        int | None,
        Option(
            "Most patches of the style; the stride grows until there are no more. Default: any.",
            "N",
            least=1,
            on_pictures=True,
        ),
    ] = None
    inverse: Annotated[
        Literal["network", "content", "noise"],
        Option(
            "Back from features by the inverse network, or by a descent that begins "
            "with the photo or with noise.",
            on_pictures=True,
        ),
    ] = "network"
    descent: Annotated[
        int | None,
        Option(
            "Steps of the descent on the pixels. Default: 0 from the network's picture, else 100.",
            "N",
            least=0,
            on_pictures=True,
        ),
    ] = None
    lr: Annotated[
        float, Option("Adam's rate on the picture.", "RATE", least=0, on_pictures=True)
    ] = 0.02
    tv_weight: Annotated[
        float,
        Option("Weight of the total variation in the descent.", "X", least=0, on_pictures=True),
    ] = 2.0
    seed: Annotated[int, Option("Seed of all random choices.", "N", least=0, on_pictures=True)] = 0
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 512

    @property
    def descends(self) -> int:
        """Steps of the descent on the pixels."""
        usual = 0 if self.inverse == "network" else DESCENT
        return usual if self.descent is None else self.descent


ABOUT = About(
    name="style_swap",
    title="Style swap (Chen & Schmidt 2016, Fast Patch-based Style Transfer of Arbitrary Style)",
    summary="every patch of the photo's features becomes the most similar one of the painting",
    options=Options,
    training=Training,
    needs=Needs(levels=(LEVEL,), deepest="relu4_3", encoder_to_run=True),
    weights="style_swap",
    blend="own",
    color_share=0.6,
    paint_from=256,
    paint_pixels=2_000_000,
    paint_bytes=120,
)
