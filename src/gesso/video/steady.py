"""A look whose pictures follow what they show: less flicker, and no ghosts."""

from __future__ import annotations

import math
from collections import deque

import cv2
import numpy as np
import torch
from torch import Tensor

from gesso.stylizers.begun import SHARE as BEGUN
from gesso.stylizers.begun import Moved, Trail
from gesso.video.flow import Floats, Motion, Motions
from gesso.video.frames import Frame, Look, Pixels

LITTLE = 1 / 64  # of a picture, which nobody sees
KEPT_BYTES = 6_300_000  # of a frame, up to which its picture is kept: 1920 × 1080 px
SHARE = 0.8  # of the picture before, where it shows the same
FINE_PX = 6.0  # what differs from an average so wide (its deviation) is texture
SMALLER = 4  # times, of copies that averages are taken of
MOST_GAIN = 2.5  # of contrast


class Steady:
    """Another look, each of whose pictures keeps a share of the one before.

    The picture before is moved to where its things are now, by the motion of the original frames
    (Ruder et al. 2016, who begin a descent with it). Where they were hidden, where something else
    is, and after a cut, the new picture is taken as it is.

    A mean of pictures whose strokes lie at different places has less contrast than each of them. So
    the contrast of its texture is brought back to that of the new picture, as by-example noise is
    blended (Heitz & Neyret 2018): otherwise a tenth of the flicker costs a third of the style.

    Attributes:
        plain: the other look's own picture of the last frame.

    Args:
        look: makes a picture of every frame by itself.
        share: of the picture before, from 0 (nothing is kept) to below 1.
        motions: where motion from frame to frame is found; one that others ask, too, saves time.
        descends: whether the other look's pictures are descended on. Descents then begin with what
            they made of the frame before, moved to where its things are now.
    """

    def __init__(
        self,
        look: Look,
        share: float = SHARE,
        motions: Motions | None = None,
        descends: bool = False,
    ) -> None:
        self.look, self.share, self.descends = look, share, descends
        self.plain: Pixels | None = None
        self._motions, self._trail = motions or Motions(), Trail()
        self._before: Floats | None = None
        self._made: deque[tuple[Frame, Pixels]] = deque(maxlen=self.memory)

    @property
    def memory(self) -> int:
        """See `Look`: as many frames as it takes until little is left of one."""
        begun = frames_until(LITTLE, BEGUN) if self.descends else 0
        return self.look.memory + max(begun, frames_until(LITTLE, self.share))

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8."""
        moved = self._motions(frame)
        if moved is None or moved.cut:
            self._before = None
            self.look.reset()
        follows = self.descends and self._before is not None and moved is not None
        with self._trail.following(begin_with(moved) if follows and moved else None):
            self.plain = self._alone(frame)
        now = self.plain.astype(np.float32)
        if self._before is not None and moved is not None:
            kept = self.share * moved.seen[..., None]
            now += kept * (moved.warped(self._before) - now)
        self._before = now
        made = with_contrast(now, self.plain) if self.share else now
        return np.asarray(np.clip(np.rint(made), 0, 255), np.uint8)

    def _alone(self, frame: Frame) -> Pixels:
        """The other look's picture; those of frames that may be shown again are kept."""
        for known, picture in self._made:
            if known is frame:
                return picture
        made = self.look(frame)
        if not self.descends and self.look.memory == 0 and frame.rgb.size <= KEPT_BYTES:
            self._made.append((frame, made))
        return made

    def reset(self) -> None:
        """Forget all frames before."""
        self._motions.reset()
        self.look.reset()
        self._before = None


def frames_until(little: float, share: float) -> int:
    """After how many frames a picture has no more than a `little` share, if each takes `share` of
    the one before."""
    return math.ceil(math.log(little) / math.log(share)) if share > 0 else 0


def begin_with(moved: Motion) -> Moved:
    """What moves pictures of the frame before for descents to begin with."""

    def move(made: Tensor) -> tuple[Tensor, Tensor]:
        here = moved.at(*made.shape[-2:])
        rgb = here.warped(made[0].permute(1, 2, 0).float().cpu().numpy())
        pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].clamp(0, 1)
        return pixels, torch.from_numpy(here.seen)[None, None]

    return move


def with_contrast(mean: Floats, picture: Pixels) -> Floats:
    """A mean of pictures, (H, W, 3), with the texture's contrast that one of them has there."""
    coarse, fine = _parts(mean)
    own, wanted = (_smooth(np.einsum("hwc,hwc->hw", p, p)) for p in (fine, _parts(picture)[1]))
    gain = np.sqrt((wanted + 1) / (own + 1)).clip(1, MOST_GAIN)
    return np.asarray(coarse + gain[..., None] * fine, np.float32)


def _parts(picture: Floats | Pixels) -> tuple[Floats, Floats]:
    """What is coarse and what is fine in it; they add up to it."""
    whole = picture.astype(np.float32)
    coarse = _smooth(whole)
    return coarse, whole - coarse


def _smooth(values: Floats) -> Floats:
    """The average around every place, by way of a smaller copy."""
    height, width = values.shape[:2]
    size = max(1, round(width / SMALLER)), max(1, round(height / SMALLER))
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), FINE_PX / SMALLER)
    return np.asarray(cv2.resize(wide, (width, height)), np.float32)
