"""The options of Avatar-Net's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import GivingBack


@dataclass(frozen=True)
class Training(GivingBack):
    """The hourglass learns to give back the picture, whatever share of its shallow features it is
    given. The paper decorates one level: `decorated="relu4_1"`, with VGG-19 as the encoder."""

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
    tv_weight: Annotated[float, Option("Weight of the total variation.", "X", least=0)] = 1.0
