"""How much a clip flickers, as a number: the warping error of Lai et al. 2018 ("Learning blind
video temporal consistency").

A picture is compared with an earlier one that is moved to where its things are now, by the motion
of the original frames, at places that are seen in both. What is left is what changed by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gesso.video.flow import Motion, Motions, motion
from gesso.video.frames import Frame, Pixels

KEPT = 0.5  # of the anchor at least is still seen, or the frame becomes the next one


@dataclass
class Mean:
    """The mean over pairs of frames: `value` is 0 where there are none."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """Count one more pair."""
        if math.isfinite(value):
            self.total, self.count = self.total + value, self.count + 1

    @property
    def value(self) -> float:
        """The mean of all."""
        return self.total / max(1, self.count)


@dataclass
class Errors:
    """The warping errors of one series of pictures, in squares of values from 0 to 1.

    Attributes:
        short: against the picture just before.
        long: against the shot's first one, or a later one where less than half of that is seen.
    """

    short: Mean = field(default_factory=Mean)
    long: Mean = field(default_factory=Mean)


class Flicker:
    """Measures several series of pictures of one clip by the motion of its original frames. It
    holds two pictures of each series, whatever the clip's length.

    Args:
        motions: where motion from frame to frame is found; one that others ask, too, saves time.
    """

    def __init__(self, motions: Motions | None = None) -> None:
        self.errors: dict[str, Errors] = {}
        self.shots = 0
        self._motions = motions or Motions()
        self._last = -1
        self._before: dict[str, Pixels] = {}
        self._anchor: tuple[Frame, dict[str, Pixels]] | None = None

    def add(self, frame: Frame, pictures: Mapping[str, Pixels]) -> None:
        """Count what was made of the next frame, by the name of the series, (H, W, 3) uint8 each,
        as large as the frame. One that does not follow the one before begins a shot."""
        moved, follows = self._motions(frame), frame.index == self._last + 1
        self._last = frame.index
        if moved is None or moved.cut or self._anchor is None or not follows:
            self.shots += 1
            self._anchor = frame, dict(pictures)
        else:
            self._count("short", moved, self._before, pictures)
            far = motion(self._anchor[0].rgb, frame.rgb)
            self._count("long", far, self._anchor[1], pictures)
            if far.seen.mean() < KEPT:
                self._anchor = frame, dict(pictures)
        self._before = dict(pictures)

    def _count(
        self, kind: str, moved: Motion, before: Mapping[str, Pixels], now: Mapping[str, Pixels]
    ) -> None:
        for name in before.keys() & now.keys():
            errors = self.errors.setdefault(name, Errors())
            getattr(errors, kind).add(warping_error(moved, before[name], now[name]))


def warping_error(moved: Motion, before: Pixels, now: Pixels) -> float:
    """The mean squared difference, over RGB in [0, 1], of a picture and the one before, moved by
    this motion, at the places that are seen in both; NaN where there are none."""
    total = float(moved.seen.sum())
    if total == 0:
        return math.nan
    difference = (moved.warped(before).astype(np.float32) - now) / np.float32(255)
    return float((np.square(difference).mean(-1) * moved.seen).sum()) / total
