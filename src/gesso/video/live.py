"""A camera's picture in a style, as it is now: keys change it, and late frames are dropped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from threading import Condition, Thread
from typing import Any

import cv2
import numpy as np

from gesso.errors import GessoError
from gesso.video.frames import Frame, Look

STRENGTH_STEP, MIX_STEP = 10, 25  # percent, by which a key changes them


@dataclass(frozen=True)
class Wanted:
    """What is to be seen: a style of several, how much of the next one, and how strong, in percent.

    Attributes:
        style: its number.
        mixed: of the next style, 0 to 75.
        strength: 0 to 100.
        steady: whether pictures follow what they show.
    """

    style: int = 0
    mixed: int = 0
    strength: int = 100
    steady: bool = True

    def pressed(self, key: str, styles: int) -> Wanted:
        """What is wanted after a key, of so many styles; keys that mean nothing change nothing."""
        if key in ("n", "p"):
            return replace(self, style=(self.style + (1 if key == "n" else -1)) % styles, mixed=0)
        if key == "m" and styles > 1:
            return replace(self, mixed=(self.mixed + MIX_STEP) % 100)
        if key == "t":
            return replace(self, steady=not self.steady)
        change = {"+": STRENGTH_STEP, "-": -STRENGTH_STEP}.get(key, 0)
        return replace(self, strength=min(100, max(0, self.strength + change)))

    def shares(self, styles: int) -> list[tuple[int, float]]:
        """(number of a style, its share) of those that are seen."""
        if not self.mixed:
            return [(self.style, 1.0)]
        following = (self.style + 1) % styles
        return [(self.style, 1 - self.mixed / 100), (following, self.mixed / 100)]

    def described(self, names: Sequence[str]) -> str:
        """It in words, such as "mosaic 75 % + neon 25 %, strength 80 %, steady"."""
        parts = self.shares(len(names))
        one = len(parts) == 1
        text = " + ".join(names[n] if one else f"{names[n]} {s:.0%}" for n, s in parts)
        return f"{text}, strength {self.strength} %{', steady' if self.steady else ''}"


class Camera:
    """Frames of a camera, by its number, or of a file in its own time.

    Raises:
        GessoError: one that cannot be opened.
    """

    def __init__(self, source: int | str, size: int | None = None) -> None:
        self._capture, self.size = cv2.VideoCapture(source), size
        self._step = 0.0
        if not self._capture.isOpened():
            what = f"camera {source}" if isinstance(source, int) else source
            raise GessoError(f"{what}: cannot be opened; allowed are a camera's number or a video")
        if isinstance(source, str):
            self._step = 1 / (self._capture.get(cv2.CAP_PROP_FPS) or 25)
        self._index, self._began = 0, 0.0

    def read(self) -> Frame | None:
        """The next frame; None where there are no more."""
        self._began = self._began or time.monotonic()
        there, bgr = self._capture.read()
        if not there:
            return None
        if self._step:
            due = self._began + self._index * self._step
            time.sleep(max(0.0, due - time.monotonic()))
        rgb = np.asarray(cv2.cvtColor(_within(bgr, self.size), cv2.COLOR_BGR2RGB), np.uint8)
        now = Fraction(time.monotonic() - self._began).limit_denominator(1000)
        self._index += 1
        return Frame(rgb, now, self._index - 1)

    def close(self) -> None:
        """Let go of it."""
        self._capture.release()


def _within(bgr: Any, size: int | None) -> Any:
    height, width = bgr.shape[:2]
    share = size / max(height, width) if size else 1.0
    if share >= 1:
        return bgr
    small = max(1, round(width * share)), max(1, round(height * share))
    return cv2.resize(bgr, small, interpolation=cv2.INTER_AREA)


class Newest:
    """The last thing put there, for whoever takes it; one that nobody took is dropped."""

    def __init__(self) -> None:
        self._changed, self._item, self.closed, self.dropped = Condition(), None, False, 0

    def put(self, item: Any) -> None:
        """Put it in the place of what is there."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()

    def take(self, wait: bool = True) -> Any:
        """What is there, once; None where nothing is, or nothing comes any more."""
        with self._changed:
            while wait and self._item is None and not self.closed:
                self._changed.wait()
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class Live:
    """A camera's frames, each as it is painted when its turn comes, in threads of their own.

    Args:
        camera: where frames come from.
        looks: the look that is wanted; is asked again where that changes.
        wanted: what is to be seen at first.

    Attributes:
        pictures: (frame, picture, what was wanted), the newest.
        wanted: what is to be seen; it may be set at any time.
    """

    def __init__(self, camera: Camera, looks: Callable[[Wanted], Look], wanted: Wanted) -> None:
        self.camera, self.looks, self.wanted = camera, looks, wanted
        self.pictures, self._frames = Newest(), Newest()
        self.failure: Exception | None = None
        self.shown = 0
        self._threads = [Thread(target=run, daemon=True) for run in (self._read, self._paint)]

    @property
    def dropped(self) -> int:
        """How many frames came while others were painted."""
        return self._frames.dropped

    def start(self) -> None:
        """Begin to read and to paint."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both. Raises what has stopped them."""
        self._frames.close()
        for thread in self._threads:
            thread.join()
        self.camera.close()
        if self.failure is not None:
            raise self.failure

    def _read(self) -> None:
        try:
            while not self._frames.closed:
                frame = self.camera.read()
                if frame is None:
                    return
                self._frames.put(frame)
        except Exception as error:
            self.failure = error
        finally:
            self._frames.close()

    def _paint(self) -> None:
        made: tuple[Wanted, Look] | None = None
        try:
            while (frame := self._frames.take()) is not None:
                wanted = self.wanted
                if made is None or made[0] != wanted:
                    made = wanted, self.looks(wanted)
                self.pictures.put((frame, made[1](frame), wanted))
                self.shown += 1
        except Exception as error:
            self.failure = error
        finally:
            self.pictures.close()
