"""How many threads compute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import torch

log = logging.getLogger(__name__)

LEAST_SECONDS, LEAST_STEPS = 1.5, 3  # what is measured before anything is concluded
ALONE = 1.25  # processor seconds a second, below which several threads get no more than one core


class ThreadWatch:
    """Drops to one thread where others take the cores that several threads were to have.

    OpenMP's threads wait for one another in loops: when another process holds one's core, all
    wait for it, and two threads can be eleven times slower than one. It shows: two free cores give
    nearly two seconds of processor time a second, contested ones about one.

    Call it once a step. It measures from its first call on, decides once, and counts nothing as
    contested that one thread would not be at least as fast for.

    Args:
        wall, processor: clocks in seconds.
        set_threads: called with 1 when the cores are contested.
    """

    def __init__(
        self,
        threads: int | None = None,
        *,
        wall: Callable[[], float] = time.perf_counter,
        processor: Callable[[], float] = time.process_time,
        set_threads: Callable[[int], None] = torch.set_num_threads,
    ) -> None:
        self._wall, self._processor, self._set_threads = wall, processor, set_threads
        self._steps = 0
        self._watching = (threads or torch.get_num_threads()) > 1
        self._began = (0.0, 0.0)

    def __call__(self) -> None:
        """Count a step."""
        if not self._watching:
            return
        now = self._wall(), self._processor()
        if self._steps == 0:
            self._began = now
        seconds, worked = now[0] - self._began[0], now[1] - self._began[1]
        if self._steps >= LEAST_STEPS and seconds >= LEAST_SECONDS:
            self._watching = False
            if worked < ALONE * seconds:
                log.info("others take the other cores: one thread computes from now on")
                self._set_threads(1)
        self._steps += 1
