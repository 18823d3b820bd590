"""How many vectors a card of matching keeps, by the encoder, where it keeps no painting: in at most
1.5 MB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS

PAPER_LEVELS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3"),
    *("relu4_1", "relu4_2", "relu4_3"),
)
"""The levels of the paper's hypercolumns (VGG-16's; VGG-19 has them, too)."""


@dataclass(frozen=True)
class Room:
    """How much there is room for.

    Attributes:
        columns: hypercolumns, by the scale's place from the coarsest: their share grows with what
            there is.
        own: vectors of each level, for the last pass.
        widths: numbers that a place of each level is reduced to; {}: levels stay as they are.
    """

    columns: tuple[int, ...]
    own: Mapping[str, int]
    widths: Mapping[str, int] = field(default_factory=dict)


# 464 numbers a hypercolumn. Little is matched at 512 px.
OF_HEADS = Room(
    (144, 272, 384, 272), {"relu1_2": 2048, "relu2_2": 768, "relu3_3": 160, "relu4_3": 96}
)
# 448 numbers a hypercolumn of 2,688; the directions take 300 kB. On two paintings they hold 97 % or
# more of a level's second moment in blocks 1 and 3 but for relu3_1 and 3_2, 88 % to 98 % elsewhere.
OF_LAYERS = Room(
    (112, 208, 300, 400),
    dict(zip(PAPER_LEVELS, (1024, 1024, 512, 512, 192, 192, 192, 96, 96, 96), strict=True)),
    dict(zip(PAPER_LEVELS, (16, 16, 32, 48, 48, 48, 32, 48, 64, 96), strict=True)),
)


def levels_of(encoder: Encoder) -> tuple[str, ...]:
    """The levels that are matched: the paper's, where the encoder has them all, or LEVELS."""
    return PAPER_LEVELS if set(PAPER_LEVELS) <= set(encoder.levels) else LEVELS


def room_of(encoder: Encoder) -> Room:
    """What a card of this encoder keeps. The compact encoder's levels are projections already."""
    return OF_LAYERS if levels_of(encoder) == PAPER_LEVELS else OF_HEADS
