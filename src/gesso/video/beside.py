"""Frames painted two at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch

from gesso.nn.threads import ThreadWatch
from gesso.video.frames import Frame, Look, Pixels

AT_ONCE = 2  # frames
LARGEST = 1_000_000  # pixels of a frame; for two larger ones there may be no room


class Beside:
    """A look that paints frames beside other work, two at a time, each with half of the threads:
    threads that share a frame wait for one another, and all of them for what only one can do.

    Only frames that were `prepare`d are painted so; others are when they are asked for.

    Args:
        look: makes a picture of every frame by itself, from several threads at once.
        threads: those that compute; None: torch's.
        watch: whether there are fewer of them once others take the cores.
    """

    memory = 0

    def __init__(self, look: Look, threads: int | None = None, watch: bool = False) -> None:
        self.look, self._most = look, threads or torch.get_num_threads()
        self._watch = ThreadWatch(self._most, set_threads=self._limit) if watch else None
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._coming: dict[int, tuple[Frame, Future[Pixels]]] = {}

    def prepare(self, frame: Frame) -> None:
        """Begin with a frame that is asked for soon."""
        if frame.rgb.shape[0] * frame.rgb.shape[1] <= LARGEST:
            share = -(-self._most // AT_ONCE)
            self._coming[id(frame)] = frame, self._pool.submit(self._painted, frame, share)

    def __call__(self, frame: Frame) -> Pixels:
        """The picture of a frame, (H, W, 3) uint8."""
        _, coming = self._coming.pop(id(frame), (frame, None))
        return self._painted(frame, self._most) if coming is None else coming.result()

    def reset(self) -> None:
        """Forget all frames before; those that come are painted all the same."""
        self.look.reset()

    def abandon(self) -> None:
        """Drop what was prepared and is not begun yet: nobody asks for it."""
        for _, coming in self._coming.values():
            coming.cancel()
        self._coming.clear()

    def _painted(self, frame: Frame, threads: int) -> Pixels:
        if self._watch is not None:
            self._watch()
        torch.set_num_threads(min(threads, self._most))
        return self.look(frame)

    def _limit(self, threads: int) -> None:
        self._most = threads
