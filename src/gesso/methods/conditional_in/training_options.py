"""The options of the training of a bank of styles. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import ObjectiveOptions, Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig, ObjectiveOptions):
    """One network for all pictures in the folder of styles, which are named by their files. The
    paper's own setting is `width=32, objective="paper", batch=16` with the encoder vgg16."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 40_000
    lr: Annotated[float, Option("Learning rate of Adam.", "X", least=0)] = 1e-3
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    objective: Annotated[
        str,
        Option(
            "matching: nearest features, with the weights on what is added to them; relative: free "
            "of scale; paper: squared errors, weights set by hand.",
            "matching|relative|paper",
            choices=("matching", "relative", "paper"),
        ),
    ] = "matching"
    width: Annotated[
        int, Option("Width of the network; the paper's: 32.", "N", least=1, most=256)
    ] = 16
    batch: Annotated[int, Option("Photos in a step, each in a style of its own.", "N", least=1)] = 4
    crop: Annotated[int, Option("Side of the contents.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Contents are scaled to at most this before cropping.", "PX", least=16)
    ] = 288
    photo_steps: Annotated[
        int,
        Option(
            "Steps that match features of the photo; later ones match those of the network's "
            "picture and the photo, as adaptations do.",
            "N",
            least=0,
        ),
    ] = 20_000
    style_size: Annotated[int, Option("Longer side of the styles.", "PX", least=16)] = 512
    evenness_weight: Annotated[
        float | None, Option("Weight of colours that change where photos do not.", "X", least=0)
    ] = None
    saturation_weight: Annotated[
        float | None, Option("Weight of what lies beyond the sigmoid's bend.", "X", least=0)
    ] = None
