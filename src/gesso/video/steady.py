"""A look whose pictures follow what they show: less flicker, and no ghosts."""

from __future__ import annotations

import numpy as np

from gesso.video.flow import Floats, Motions
from gesso.video.frames import Frame, Look, Pixels

SHARE = 0.7  # of the picture before, where it shows the same


class Steady:
    """Another look, each of whose pictures keeps a share of the one before.

    The picture before is moved to where its things are now, by the motion of the original frames
    (Ruder et al. 2016, who begin a descent with it). Where they were hidden, where something else
    is, and after a cut, the new picture is taken as it is.

    Attributes:
        plain: the other look's own picture of the last frame.

    Args:
        look: makes a picture of every frame by itself.
        share: of the picture before, from 0 (nothing is kept) to below 1.
        motions: where motion from frame to frame is found; one that others ask, too, saves time.
    """

    def __init__(self, look: Look, share: float = SHARE, motions: Motions | None = None) -> None:
        self.look, self.share = look, share
        self.plain: Pixels | None = None
        self._motions = motions or Motions()
        self._before: Floats | None = None

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8."""
        moved = self._motions(frame)
        if moved is None or moved.cut:
            self._before = None
            self.look.reset()
        self.plain = self.look(frame)
        now = self.plain.astype(np.float32)
        if self._before is not None and moved is not None:
            kept = self.share * moved.seen[..., None]
            now += kept * (moved.warped(self._before) - now)
        self._before = now
        return np.asarray(np.clip(np.rint(now), 0, 255), np.uint8)

    def reset(self) -> None:
        """Forget all frames before."""
        self._motions.reset()
        self.look.reset()
        self._before = None
