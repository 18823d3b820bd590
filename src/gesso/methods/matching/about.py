"""Matching, as the rest of gesso sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from gesso.methods.about import About, Needs
from gesso.options import Option


@dataclass(frozen=True)
class Options:
    """What `Matching.adapt` takes: what is kept of the style, and how pictures are painted."""

    alpha: Annotated[
        float,
        Option(
            "How much of the photo's drawing stays: its share in what is matched.",
            "SHARE",
            least=0,
            most=1,
            main=True,
            on_pictures=True,
        ),
    ] = 0.6
    drawn_by: Annotated[
        Literal["patches", "steps"],
        Option(
            "What the last pass begins with: patches of the style at every scale; or descents, "
            "coarse to fine, as in the paper. With encoders other than compact: steps.",
            "KIND",
            on_pictures=True,
        ),
    ] = "patches"
    steps: Annotated[
        int,
        Option(
            "Steps at every scale but the finest, if drawn by steps.",
            "N",
            least=0,
            on_pictures=True,
        ),
    ] = 40
    fine_steps: Annotated[
        int | None,
        Option(
            "Steps at the finest scale; default: those of the others up to 384 px, 6 above.",
            "N",
            least=0,
            on_pictures=True,
        ),
    ] = None
    half_steps: Annotated[
        int,
        Option(
            "Steps of the last pass on a copy of half the size; if that is too small for patches, "
            "or from an alpha of 0.8 on, a quarter as many at full size.",
            "N",
            least=0,
            on_pictures=True,
        ),
    ] = 10
    final_steps: Annotated[
        int,
        Option(
            "Steps of the last pass, which matches every level by itself, at full size.",
            "N",
            least=0,
            on_pictures=True,
        ),
    ] = 20
    patches_above: Annotated[
        int,
        Option(
            "If drawn by steps: scales of more px than this are drawn with patches all the same; "
            "with the compact encoder, on which their network was trained.",
            "PX",
            least=0,
            on_pictures=True,
            shown=False,
        ),
    ] = 384
    key_blur: Annotated[
        float,
        Option(
            "How far from patches are looked for: by a copy of the style so many times smaller.",
            least=1,
            on_pictures=True,
            shown=False,
        ),
    ] = 6.0
    palette_first: Annotated[
        float,
        Option(
            "How far the photo's colours go to the style's before patches are looked for.",
            least=0,
            most=1,
            on_pictures=True,
            shown=False,
        ),
    ] = 0.5
    lr: Annotated[
        float, Option("Adam's rate on the picture.", "RATE", least=0, on_pictures=True)
    ] = 6e-3
    rotations: Annotated[
        bool, Option("Match with the style turned by 90, 180 and 270 degrees, too.")
    ] = False
    seed: Annotated[int, Option("Seed of all random choices.", "N", least=0)] = 0
    transport: Annotated[
        float,
        Option(
            "Weight of the relaxed earth mover's distance, both ways.",
            "WEIGHT",
            least=0,
            on_pictures=True,
        ),
    ] = 1.0
    moments: Annotated[
        float,
        Option(
            "Weight of the mean and covariance of the vectors.", "WEIGHT", least=0, on_pictures=True
        ),
    ] = 0.5
    palette: Annotated[
        float,
        Option(
            "Weight of the colours' earth mover's distance.", "WEIGHT", least=0, on_pictures=True
        ),
    ] = 0.0
    structure: Annotated[
        float, Option("Weight of the photo's self-similarity.", "WEIGHT", least=0, on_pictures=True)
    ] = 3.0
    outlines: Annotated[
        float,
        Option(
            "Weight of the photo's outlines, in the last pass, where they get lost.",
            "WEIGHT",
            least=0,
            on_pictures=True,
        ),
    ] = 3.0
    content: Annotated[
        float,
        Option(
            "Weight of the distances among the photo's colours, seen small.",
            "WEIGHT",
            least=0,
            on_pictures=True,
        ),
    ] = 0.0
    centred: Annotated[
        bool,
        Option(
            "Whether transport compares vectors less the style's mean, and both ways count.",
            on_pictures=True,
            shown=False,
        ),
    ] = True
    structure_last: Annotated[
        bool,
        Option("Whether structure counts in the last steps, too.", on_pictures=True, shown=False),
    ] = True
    structure_least: Annotated[
        float,
        Option(
            "The share of structure that counts at full size in any case.",
            least=0,
            most=1,
            on_pictures=True,
            shown=False,
        ),
    ] = 0.1
    recolor: Annotated[
        Literal["off", "own", "photo"],
        Option(
            "Colours at the end: as painted, smoothed within the style's range, or the photo's "
            "moved to the style's.",
            "KIND",
            on_pictures=True,
        ),
    ] = "own"
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=64)] = 512


ABOUT = About(
    name="matching",
    title="Matching (Kolkin et al. 2022, Neural Neighbor Style Transfer)",
    summary="every feature becomes its nearest one in the style, coarse to fine: paintings, slowly",
    options=Options,
    needs=Needs(levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3"), encoder_to_run=True),
    neutral="content",
    blend="own",
    steps_on="picture",
    color_share=0.6,
    paint_pixels=800_000,
    paint_bytes=1700,
    tile_bytes=130,
    version=8,
)
