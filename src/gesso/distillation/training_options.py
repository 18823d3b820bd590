"""The options of distillation. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from gesso.options import Option
from gesso.training.config import Schedule, TrainConfig


@dataclass(frozen=True)
class Training(TrainConfig):
    """Every step sees `real` photographs, as many paintings, `emitted` pictures of networks that
    are being adapted and `descended` ones whose pixels descend. Descents begin with pictures of
    networks or, where there are none, with photographs."""

    steps: Annotated[int, Option("Steps.", "N", least=1, main=True)] = 40_000
    lr: Annotated[float, Option("Learning rate.", "X", least=0)] = 4e-4
    schedule: Annotated[Schedule, Option("How the rate falls.", "inverse|cosine")] = "cosine"
    warmup: Annotated[int, Option("Steps in which the rate rises.", "N", least=0)] = 50
    optimizer: Annotated[Literal["adam", "adamw"], Option("The optimiser.", shown=False)] = "adamw"
    weight_decay: Annotated[float, Option("AdamW's weight decay.", "X", least=0)] = 1e-4
    grad_clip: Annotated[float, Option("Largest norm of the gradient; 0: any.", "X", least=0)] = 2.0
    sample_every: Annotated[int, Option("There are no samples.", shown=False)] = 0
    teacher: Annotated[str, Option("The encoder to learn from.", "vgg16|vgg19|FILE")] = "vgg19"
    emitter: Annotated[
        str | None, Option("A start whose pictures to learn on; default: random.", "FILE")
    ] = None
    real: Annotated[int, Option("Photos, and as many paintings, a step.", "N", least=1)] = 2
    emitted: Annotated[int, Option("Pictures of networks a step.", "N", least=0)] = 2
    descended: Annotated[int, Option("Pictures whose pixels descend, a step.", "N", least=0)] = 3
    crop: Annotated[int, Option("Side of the pictures.", "PX", least=16)] = 144
    gram_weight: Annotated[float, Option("Weight of the Gram matrices' error.", "X", least=0)] = 0.5
