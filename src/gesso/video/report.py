"""What a clip's pictures did, in figures: how many, how fast, and how much they flicker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gesso.disk.atomic import atomic_write
from gesso.video.flicker import Errors, Flicker
from gesso.video.flow import Motions
from gesso.video.frames import Frame, Look, Pixels

RESULT, ALONE, CLIP = "result", "frame by frame", "clip"


class Measured:
    """A look whose flicker is measured.

    Args:
        look: what is measured.
        plain: the last frame's picture, painted by itself; None: `look` paints them so.
        motions: as for `Flicker`.
    """

    def __init__(
        self,
        look: Look,
        plain: Callable[[], Pixels | None] | None = None,
        motions: Motions | None = None,
    ) -> None:
        self.look, self.plain = look, plain
        self.flicker = Flicker(motions)
        self.frames = 0
        self._last, self._began, self._ended, self._measuring = -1, 0.0, 0.0, 0.0

    @property
    def memory(self) -> int:
        """See `Look`."""
        return self.look.memory

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8."""
        self._began = self._began or time.monotonic()
        made = self.look(frame)
        if frame.index > self._last:  # others are shown again at the beginning of a segment
            began = time.monotonic()
            alone = None if self.plain is None else self.plain()
            pictures = {RESULT: made, CLIP: frame.rgb}
            self.flicker.add(frame, pictures | ({} if alone is None else {ALONE: alone}))
            self.frames, self._last = self.frames + 1, frame.index
            self._measuring += time.monotonic() - began
        self._ended = time.monotonic()
        return made

    def reset(self) -> None:
        """Forget all frames before."""
        self.look.reset()

    @property
    def seconds(self) -> float:
        """From the first frame to the last, without measuring."""
        return self._ended - self._began - self._measuring if self.frames else 0.0

    def figures(self) -> dict[str, Any]:
        """All of it, as JSON values. Warping errors are mean squares of values from 0 to 1."""
        return {
            "frames": self.frames,
            "shots": self.flicker.shots,
            "seconds": round(self.seconds, 3),
            "frames_per_second": round(self.frames / max(1e-9, self.seconds), 3),
            "warping_error": {
                name.replace(" ", "_"): {
                    kind: {"mean": float(f"{one.value:.4g}"), "pairs": one.count}
                    for kind, one in (("short_range", errors.short), ("long_range", errors.long))
                }
                for name, errors in self.flicker.errors.items()
            },
        }

    def line(self) -> str:
        """It in one line."""
        errors = self.flicker.errors
        if RESULT not in errors:
            return f"flicker: nothing to compare in {self.frames} frames"
        others = [f"{name} {_numbers(errors[name])}" for name in (ALONE, CLIP) if name in errors]
        found = f"{_numbers(errors[RESULT])} ({'; '.join(others)})"
        return f"flicker, warping error × 10⁴ from frame to frame and over a shot: {found}"

    def write(self, path: Path) -> None:
        """Write the figures as JSON. Raises GessoError where that fails."""
        text = json.dumps(self.figures(), indent=2) + "\n"
        atomic_write(path, text.encode())


def _numbers(errors: Errors) -> str:
    return f"{1e4 * errors.short.value:.3g} and {1e4 * errors.long.value:.3g}"
