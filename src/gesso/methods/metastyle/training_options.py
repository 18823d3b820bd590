"""The options of MetaStyle's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import ObjectiveOptions, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig, ObjectiveOptions):
    """The defaults are the paper's but for the width and the objective; `width=32,
    objective="paper"` and the encoder vgg16 are its own."""

    steps: Annotated[int, Option("Iterations.", "N", least=1, main=True)] = 100_000
    lr: Annotated[float, Option("η: Adam's learning rate in the outer loop.", "X", least=0)] = 1e-5
    lr_decay: Annotated[
        float, Option("k: both rates fall as 1 / (1 + k·t).", "X", least=0, flag="decay")
    ] = 2.5e-5
    objective: Annotated[
        str,
        Option(
            "relative: free of scale; paper: squared errors, weights set by hand; matching: "
            "nearest features, with the weights on what is added to them.",
            "relative|paper|matching",
            choices=("relative", "paper", "matching"),
        ),
    ] = "relative"
    width: Annotated[
        int, Option("Width of the network; the paper's: 32.", "N", least=1, most=256)
    ] = 16
    inner_steps: Annotated[
        int, Option("T: SGD steps on γ and β; 0: a plain average start.", "N", least=0)
    ] = 1
    inner_lr: Annotated[float, Option("δ: learning rate of the inner steps.", "X", least=0)] = 1e-5
    first_order: Annotated[bool, Option("Drop the second derivatives.")] = False
    logarithm: Annotated[
        bool, Option("Minimise the logarithm in both loops: all styles weigh the same.")
    ] = False
    reptile: Annotated[
        int,
        Option(
            "Instead of Algorithm 1: move towards where N steps of an adaptation, with its own "
            "weights of style and evenness, lead; 0: no.",
            "N",
            least=0,
        ),
    ] = 0
    before_weight: Annotated[
        float, Option("Weight, in the outer loss, of the losses before inner steps.", "X", least=0)
    ] = 0.0
    content_batch: Annotated[int, Option("Contents in an iteration.", "N", least=1)] = 4
    style_batch: Annotated[int, Option("Styles in an iteration.", "N", least=1)] = 4
    style_chunk: Annotated[
        int, Option("Styles at a time: less memory, slower; 0: all at once.", "N", least=0)
    ] = 0
    crop: Annotated[int, Option("Side of the contents.", "PX", least=16)] = 256
    style_crop: Annotated[int, Option("Side of the styles.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Contents are scaled to at most this before cropping.", "PX", least=16)
    ] = 288
    saturation_weight: Annotated[
        float | None, Option("Weight of what lies beyond the sigmoid's bend.", "X", least=0)
    ] = None
    evenness_weight: Annotated[
        float | None, Option("Weight of colours that change where photos do not.", "X", least=0)
    ] = None
