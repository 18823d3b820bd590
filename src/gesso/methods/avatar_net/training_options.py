"""The options of Avatar-Net's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig):
    """The hourglass learns to give back the picture, whatever share of its shallow features it is
    given. The paper decorates one level: `decorated="relu4_1"`, with VGG-19 as the encoder."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 5000
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    decorated: Annotated[
        tuple[str, ...] | None,
        Option(
            "The encoder's levels that are made up of the style's patches; default: relu4_1, with "
            "compact relu4_1,relu3_1.",
            "LEVEL,…",
        ),
    ] = None
    aligned: Annotated[
        tuple[str, ...] | None,
        Option(
            "Shallower ones on which AdaIN works; default: the others down to relu1_1.",
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
    tv_weight: Annotated[float, Option("Weight of the total variation.", "X", least=0)] = 1.0
    range_weight: Annotated[float, Option("Weight of values outside [0, 1].", "X", least=0)] = 10.0
