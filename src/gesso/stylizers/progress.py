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
