"""The options of the inverse network's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig):
    """The authors' own settings are `steps=80000, lr_decay=1e-4, schedule="inverse", batch=2` and
    VGG-19 as the encoder, without a weight of the range."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 5000
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    patch_size: Annotated[
        int, Option("Side of a patch, in places of 4 px.", "N", least=1, most=15)
    ] = 3
    depth: Annotated[
        int,
        Option(
            "The network's convolutions at the features' size; 1: the encoder's mirror.",
            "N",
            least=1,
            most=8,
        ),
    ] = 3
    batch: Annotated[
        int,
        Option(
            "Contents, and as many styles, in a step; every content is swapped with every style.",
            "N",
            least=1,
        ),
    ] = 2
    crop: Annotated[int, Option("Side of the pictures.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Pictures are scaled to at most this before cropping.", "PX", least=16)
    ] = 512
    feature_weight: Annotated[
        float,
        Option(
            "Weight of the features' error; 0: only contents and styles come back.", "X", least=0
        ),
    ] = 1.0
    tv_weight: Annotated[float, Option("Weight of the total variation.", "X", least=0)] = 0.1
    lattice_weight: Annotated[
        float,
        Option("Weight of what repeats with the features' grid, such as a weave.", "X", least=0),
    ] = 0.0
    range_weight: Annotated[float, Option("Weight of values outside [0, 1].", "X", least=0)] = 1.0
    identity_weight: Annotated[
        float,
        Option("Weight of the error of contents and styles decoded as they are.", "X", least=0),
    ] = 0.0
    match_weight: Annotated[
        float,
        Option(
            "Weight of the loss of matching: with one, the network learns to draw swapped features "
            "in the style, and contents and styles need not come back.",
            "X",
            least=0,
        ),
    ] = 0.0
    key_blur: Annotated[
        float,
        Option(
            "If it learns to draw: how blurred a style at most is, as by a copy so many times "
            "smaller, in which patches are looked for.",
            "TIMES",
            least=1,
        ),
    ] = 6.0
