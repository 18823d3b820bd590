"""What a clip consists of, and what makes new pictures of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One picture of a clip.

    Attributes:
        rgb: (H, W, 3), sRGB, upright, with square pixels.
        time: when it appears, in seconds since the clip's start.
        index: its place in the clip, from 0.
        duration: how long it shows, in seconds; None where the clip does not say.
        alpha: (H, W), 255 where it is opaque; None: everywhere.
    """

    rgb: Pixels
    time: Fraction
    index: int
    duration: Fraction | None = None
    alpha: Pixels | None = None


class Look(Protocol):
    """Frames in their order → pictures of the same size.

    It may remember the frames before; `reset` forgets them, at a cut or where a segment begins.
    """

    @property
    def memory(self) -> int:
        """How many frames it should have seen before one, so that it can follow on: before a
        segment begins, so many are shown to it after `reset`, and their pictures dropped. A clip so
        is the same whether it is made in one piece or in parts."""
        ...

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8."""
        ...

    def reset(self) -> None:
        """Forget all frames before."""
        ...
