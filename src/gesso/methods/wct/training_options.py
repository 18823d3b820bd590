"""The options of WCT's training. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option
from gesso.training.config import GivingBack


@dataclass(frozen=True)
class Training(GivingBack):
    """Every level's decoder learns to give back the picture, all of them in one run. The paper's
    decode one level each: `skips="none"`, with VGG-19 as the encoder."""

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
