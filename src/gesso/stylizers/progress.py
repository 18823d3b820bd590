"""What long work reports while it goes on. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class AdaptStep:
    """Progress of an adaptation or a descent: steps done, steps in all, the objective's terms."""

    step: int
    steps: int
    losses: dict[str, float] = field(default_factory=dict)


OnStep = Callable[[AdaptStep], None]


def in_batch(
    on_step: OnStep | None, number: int, count: int
) -> Callable[[int, int, dict[str, float]], None] | None:
    """What a descent on picture `number` (from 0) of `count` reports its steps, their number and
    losses to: they are counted over all pictures. None where nobody listens."""
    if on_step is None:
        return None

    def report(step: int, steps: int, losses: dict[str, float]) -> None:
        on_step(AdaptStep(number * steps + step, count * steps, losses))

    return report
