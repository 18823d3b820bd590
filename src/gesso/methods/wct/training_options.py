"""The options of WCT's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig):
    """Every level's decoder learns to give back the picture, all of them in one run. The paper's
    decode one level each: `skips="none"`, with VGG-19 as the encoder."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 5000
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    levels: Annotated[
        tuple[str, ...] | None,
        Option(
            "The encoder's levels, each with a decoder; default: relu5_1 to relu1_1, with compact "
            "relu4_1 to relu1_1.",
            "LEVEL,…",
        ),
    ] = None
    skips: Annotated[
        tuple[str, ...] | None,
        Option(
            "Levels that are also decoded with the next deeper one; default: relu3_1,relu2_1 with "
            "compact.",
            "LEVEL,…|none",
        ),
    ] = None
    batch: Annotated[int, Option("Pictures in a step.", "N", least=1)] = 8
    crop: Annotated[int, Option("Side of the pictures.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Pictures are scaled to at most this before cropping.", "PX", least=16)
    ] = 512
    pixel_weight: Annotated[float, Option("Weight of the pixels' squared error.", "X", least=0)] = (
        30.0
    )
    feature_weight: Annotated[
        float, Option("Weight of the features' relative squared error.", "X", least=0)
    ] = 1.0
    range_weight: Annotated[float, Option("Weight of values outside [0, 1].", "X", least=0)] = 10.0
