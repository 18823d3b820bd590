"""The options of AdaIN's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import ObjectiveOptions, Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig, ObjectiveOptions):
    """The paper's own settings are `steps=160000, lr=1e-4, schedule="inverse", objective="paper"`
    (λ = 10) and its normalised VGG-19 as the encoder. Without a style weight the decoder learns to
    give back its content."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 5000
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    lr_decay: Annotated[
        float, Option("k of the inverse schedule, 1 / (1 + k·t).", "X", least=0, flag="decay")
    ] = 5e-5
    level: Annotated[str, Option("The encoder's level on which AdaIN works.", "LEVEL")] = "relu4_1"
    skips: Annotated[
        tuple[str, ...] | None,
        Option(
            "Shallower levels on which it works too; default: relu1_1,relu2_1,relu3_1 with "
            "compact.",
            "LEVEL,…|none",
        ),
    ] = None
    content_level: None = None  # it is `level`
    batch: Annotated[int, Option("Pairs of a content and a style in a step.", "N", least=1)] = 8
    crop: Annotated[int, Option("Side of the pictures.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Pictures are scaled to at most this before cropping.", "PX", least=16)
    ] = 512
    range_weight: Annotated[
        float | None, Option("Weight of values outside [0, 1].", "X", least=0)
    ] = None
    identity_weight: Annotated[
        float, Option("Weight of the error of the content decoded as it is.", "X", least=0)
    ] = 0.0
