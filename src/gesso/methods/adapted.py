"""What a method's own part of an adaptation gives back, and helpers of such parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from gesso.fitting.network import OnFit
from gesso.stylizers.progress import AdaptStep, OnStep


@dataclass
class Adapted:
    """What a method found out about a style.

    Attributes:
        tensors: the card's numbers.
        config: what is needed to run it; JSON values.
        base: SHA-256 of the weights that the card completes; "" if it is whole.
        losses: the objective before the first step and after the last; None without steps.
        steps: gradient steps that were taken; None for none.
        settings: more of them than the options; JSON values.
    """

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    base: str = ""
    losses: tuple[float, float] | None = None
    steps: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def tensors_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's tensors on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}


def reporter(steps: int, on_step: OnStep | None, trace: list[float]) -> OnFit:
    """What a fit is given to report to: it keeps the sums of the terms and passes them on."""

    def report(step: int, terms: dict[str, float]) -> None:
        trace.append(sum(terms.values()))
        if on_step is not None:
            on_step(AdaptStep(step, steps, terms))

    return report
