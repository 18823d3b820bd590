"""The options of Meta Networks' training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from gesso.options import Option
from gesso.training.config import ObjectiveOptions, Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig, ObjectiveOptions):
    """The paper's own settings are `width=32, content_batch=8, style_batch=1, repeats=20,
    schedule="inverse", objective="paper"` and the encoder vgg16. Several styles at a time, new ones
    every step, come further in few steps."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 5000
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    width: Annotated[
        int,
        Option("Width of the networks; the paper's: 32, and 8 for phones.", "N", least=1, most=256),
    ] = 8
    hidden: Annotated[int, Option("Hidden numbers for each kernel.", "N", least=1, most=1024)] = 128
    upsample: Annotated[
        Literal["deconv", "resize"],
        Option("Deconvolutions, or resizing and convolutions.", "deconv|resize"),
    ] = "deconv"
    content_batch: Annotated[int, Option("Contents for each style in a step.", "N", least=1)] = 1
    style_batch: Annotated[int, Option("Styles in a step.", "N", least=1)] = 4
    repeats: Annotated[
        int, Option("Steps before the styles change; the paper's: 20.", "K", least=1)
    ] = 1
    crop: Annotated[int, Option("Side of the contents.", "PX", least=16)] = 256
    style_crop: Annotated[int, Option("Side of the styles.", "PX", least=16)] = 256
    resize_max: Annotated[
        int, Option("Contents are scaled to at most this before cropping.", "PX", least=16)
    ] = 480
    range_weight: Annotated[
        float | None, Option("Weight of values outside [0, 1].", "X", least=0)
    ] = None
    spike_weight: Annotated[float, Option("Weight of spots of huge activations.", "X", least=0)] = (
        0.0
    )
    match_weight: Annotated[
        float, Option("Weight of the distance to the style's most similar features.", "X", least=0)
    ] = 0.0
