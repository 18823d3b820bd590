"""What moved where between two frames, by dense inverse search (DIS; Kroeger et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gesso.video.frames import Frame, Pixels

Floats = NDArray[np.float32]

SMALLEST_PX = 32  # of a side; DIS looks at copies that are many times smaller, and reads beyond
SLIMMEST = 4  # sides whose ratio is beyond this are made up to it: they break DIS, too
LONGEST_PX = 640  # of the copies that motion is looked for in
LIKENESS = 50.0  # Lai et al.'s α: what differs by d (over RGB) weighs exp(−α·d²)
BLUR_PX = 5  # of the pictures whose difference is asked for; grain is finer
CUT = 0.15  # of the picture at least is seen again, or it is another shot


@dataclass(frozen=True)
class Motion:
    """From where the places of a frame came.

    Attributes:
        field: (H, W, 2), in px: what is at (x, y) was at (x, y) + field[y, x] before.
        seen: (H, W), 1 where the frame before shows the same thing there, 0 where it was hidden,
            outside, or something else.
        cut: whether the frame begins another shot.
    """

    field: Floats
    seen: Floats
    cut: bool

    def warped(self, before: NDArray[Any]) -> NDArray[Any]:
        """A picture (H, W, 3) of the frame before, moved to where its things are now."""
        return warped(before, self.field)

    def at(self, height: int, width: int) -> Motion:
        """The motion as copies of the frames of that size have it."""
        before = self.seen.shape
        if before == (height, width):
            return self
        field = cv2.resize(self.field, (width, height), interpolation=cv2.INTER_AREA)
        scale = np.array([width / before[1], height / before[0]], np.float32)
        seen = cv2.resize(self.seen, (width, height), interpolation=cv2.INTER_AREA)
        return Motion(np.asarray(field * scale), np.asarray(seen, np.float32), self.cut)


def warped(picture: NDArray[Any], field: Floats) -> NDArray[Any]:
    """The picture (H, W) or (H, W, C) as seen from the places x + field; beyond its sides it goes
    on as its border is. By cubic interpolation: linear blurs what is moved again and again."""
    x, y = _places(field)
    return cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def motion(before: Pixels, now: Pixels) -> Motion:
    """The motion between two frames (H, W, 3) of one size.

    Flow is looked for in both directions. What does not come back to where it went is hidden in one
    of the frames (Sundaram et al. 2010, by the thresholds of Ruder et al. 2016); what comes back in
    another colour is not the same thing (Lai et al. 2018).
    """
    back, forth = _both(before, now)
    seen = _consistent(back, forth) * _alike(warped(before, back), now)
    return Motion(back, seen.astype(np.float32), bool(seen.mean() < CUT))


class Motions:
    """Motion from each frame of a clip to the next. Several may ask for that of one frame, for
    which it is found once; two frames are held."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._motion: Motion | None = None

    def __call__(self, frame: Frame) -> Motion | None:
        """The motion since the frame that was asked for before; None for the first one, or where
        the size has changed."""
        last = self._frame
        if last is not None and last.index == frame.index:
            return self._motion
        same = last is not None and last.rgb.shape == frame.rgb.shape
        self._motion = motion(last.rgb, frame.rgb) if last is not None and same else None
        self._frame = frame
        return self._motion

    def reset(self) -> None:
        """Forget the frame before."""
        self._frame = self._motion = None


def _both(before: Pixels, now: Pixels) -> tuple[Floats, Floats]:
    """The flow from now to before and the other way, (H, W, 2) each."""
    height, width = now.shape[:2]
    share = min(1.0, LONGEST_PX / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    grey = [_padded(_grey(picture, size)) for picture in (before, now)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setGradientDescentIterations(12)  # half the preset's, as good and twice as fast
    search.setVariationalRefinementIterations(2)
    found = []
    for one, other in (grey[::-1], grey):
        field = search.calc(
            one, other, None
        )[  # type: ignore[call-overload]
            : size[1], : size[0]
        ]
        if share < 1:
            field = cv2.resize(field, (width, height)) / np.float32(share)
        found.append(np.asarray(field, np.float32))
    return found[0], found[1]


def _grey(picture: Pixels, size: tuple[int, int]) -> Pixels:
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _padded(grey: Pixels) -> Pixels:
    """(h, w) made up to what DIS can take, to the right and below."""
    least = max(SMALLEST_PX, max(grey.shape) // SLIMMEST)
    missing = [max(0, least - n) for n in grey.shape]
    return np.pad(grey, [(0, n) for n in missing], mode="edge") if any(missing) else grey


def _consistent(back: Floats, forth: Floats) -> NDArray[np.bool_]:
    """(H, W): whether the flow to the frame before, and from there forth again, comes back."""
    height, width = back.shape[:2]
    x, y = _places(back)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    found = cv2.remap(forth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    returned = np.asarray(found, np.float32)
    missed = _square(back + returned)
    close = missed <= 0.01 * (_square(back) + _square(returned)) + 0.5
    return np.asarray(close & inside)


def _alike(before: Pixels, now: Pixels) -> Floats:
    """(H, W) in [0, 1]: how much two pictures have the same colours."""
    smooth = [cv2.blur(picture, (BLUR_PX, BLUR_PX)) for picture in (before, now)]
    difference = (smooth[0].astype(np.float32) - smooth[1]) / np.float32(255)
    return np.asarray(np.exp(-LIKENESS * _square(difference)), np.float32)


def _places(field: Floats) -> tuple[Floats, Floats]:
    """x and y, (H, W) each, of where the field leads to."""
    columns, rows = (np.arange(n, dtype=np.float32) for n in field.shape[1::-1])
    return field[..., 0] + columns, field[..., 1] + rows[:, None]


def _square(vectors: Floats) -> Floats:
    """(H, W): the squares of their lengths."""
    return np.asarray(np.einsum("hwc,hwc->hw", vectors, vectors), np.float32)
