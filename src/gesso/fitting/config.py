"""How a network is fitted to a style: the options that methods share. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gesso.options import Option

POOL = 32  # crops whose content features are computed once and used again


@dataclass(frozen=True)
class FitOptions:
    """How to descend. The defaults give the lowest objective on unseen pairs in half a minute of
    two cores. The released MetaStyle code takes 200 steps of Adam at 1e-3 on four 256 px crops
    (steps=200, lr=1e-3, affine_lr=1e-3, decay=False, batch=4, whole=0)."""

    lr: Annotated[float, Option("Learning rate of the adaptation.", "RATE", least=0)] = 4e-3
    affine_lr: Annotated[
        float, Option("Learning rate of γ and β.", "RATE", least=0, follows="lr")
    ] = 1e-2
    decay: Annotated[bool, Option("Lower both rates to a tenth along half a cosine.")] = True
    crop: Annotated[int, Option("Side of the contents' crops.", "PX", least=16)] = 256
    batch: Annotated[int, Option("Crops in a step.", "N", least=1)] = 1
    whole: Annotated[
        float, Option("Share of the crops that show nearly the whole content.", least=0, most=1)
    ] = 0.7
    seed: Annotated[int, Option("Seed of all random choices.", "N", least=0)] = 0
    pool: Annotated[int, Option("Different crops that are drawn at most.", "N", least=1)] = POOL
    steady: Annotated[
        float,
        Option(
            "Against flicker in video: how much it weighs that a photo, moved and with noise, "
            "becomes the same picture; 0: not at all.",
            "WEIGHT",
            least=0,
        ),
    ] = 0.0
