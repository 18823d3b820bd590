"""What a method's own part of an adaptation gives back, and helpers of such parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from gesso.cards.card import PALETTE, StyleCard, provenance
from gesso.fitting.network import OnFit
from gesso.methods.inputs import Style, thumbnail_within
from gesso.nn.colors import Colors
from gesso.nn.masks import part
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

    def card(
        self,
        method: str,
        style: Style,
        size: int,
        options: Mapping[str, Any],
        seconds: float,
        thumbnail: int,
    ) -> StyleCard:
        """The style's card.

        Args:
            size: the longer side in px at which the style was read.
            options: of the adaptation, which took so many seconds.
            thumbnail: the most bytes that the style's small picture takes.
        """
        before, after = self.losses or (None, None)
        own = Colors.of(part(style.at(size)[None], style.mask))
        return StyleCard(
            method,
            self.tensors,
            self.config,
            settings={**options, "style_size": size, PALETTE: own.numbers(), **self.settings},
            base=self.base,
            thumbnail=thumbnail_within(style.at(size), thumbnail),
            provenance=provenance(
                style.name,
                sha256=style.sha256,
                steps=self.steps,
                seconds=seconds,
                loss_before=before,
                loss_after=after,
            ),
        )


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
