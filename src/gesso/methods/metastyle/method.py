"""MetaStyle (Zhang et al., AAAI 2019): a meta-learned start that any style is a few steps from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Self

from torch import Tensor

from gesso.cards.card import StyleCard, provenance
from gesso.fitting.config import FitOptions
from gesso.methods.adapted import Adapted
from gesso.methods.base import Encoders, ImageLike, Method, OnStep, Style
from gesso.methods.inputs import load_exactly
from gesso.methods.metastyle.about import ABOUT
from gesso.methods.metastyle.bilevel import bilevel_losses
from gesso.methods.metastyle.reptile import reptile_losses
from gesso.methods.metastyle.start import (
    Config,
    fitted,
    network_adapted,
    network_stylizer,
    network_tensors,
)
from gesso.nn.transfer import TransferNet
from gesso.stylizers.stylizer import Stylizer


class MetaStyle(Method):
    """A transfer network at its meta-learned start, and the encoder that judges it.

    Attributes:
        trained_steps: training iterations of the start; the inner rate had decayed this far, and
            `adapt` begins with it.
    """

    about = ABOUT

    def __init__(self, encoder: Encoders, config: Config | None = None, base: str = "") -> None:
        super().__init__(encoder, base)
        self.config = config or Config()
        self.net = TransferNet(self.config.width)
        self.trained_steps = 0

    @classmethod
    def from_weights(
        cls, encoder: Encoders, tensors: dict[str, Tensor], header: dict[str, Any], source: str
    ) -> Self:
        """The method at a start that `gesso train metastyle` wrote."""
        method = cls(encoder, Config.from_header(header.get("config")), str(header["sha256"]))
        method.trained_steps = _trained_steps(header)
        load_exactly(method.net, tensors, source)
        return method

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """Algorithm 1: the outer loss after the inner steps, exact to second order; or, by
        Reptile, the loss after an adaptation and the way back to it."""
        c = self.config
        if not c.reptile:
            objective = c.training_objective()
            return bilevel_losses(self.net, self.encoder, objective, batch, c.inner, step)
        objective, first = c.reptile_objective(), c.inner.first_steps(step)
        options = FitOptions()
        return reptile_losses(self.net, self.encoder, objective, batch, options, c.reptile, first)

    def adapt_settings(self, options: Any = None, **changes: Any) -> dict[str, Any]:
        """The options, with the objective's numbers in the place of its name."""
        chosen = self.chosen(options, changes)
        objective = self.config.adapting_objective(chosen.objective)
        return {**super().adapt_settings(options, **changes), "objective": asdict(objective)}

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Always."""
        return True

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """Gradient steps from the start towards the style (the paper's "fast")."""
        objective = self.config.adapting_objective(options.objective)
        first = None
        if type(objective) is type(self.config.training_objective()):
            first = self.config.inner.first_steps(self.trained_steps)
        net, losses = fitted(self.net, style, contents, objective, options, first, on_step)
        made = network_adapted(net, self.base, options, losses)
        made.settings["objective"] = asdict(objective)
        return made

    def _stylizer(self, card: StyleCard) -> Stylizer:
        return network_stylizer(card, self.net)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The start itself, style-neutral (γ and β if `like` is such a card)."""
        partly = bool(like and like.base)
        config = {"width": self.config.width, "start": self.base}
        base = self.base if partly else ""
        tensors = network_tensors(self.net, partly)
        return StyleCard(self.name, tensors, config, base=base, provenance=provenance())


def _trained_steps(header: dict[str, Any]) -> int:
    """Iterations of the run that wrote a start; 0 where its header does not say."""
    trained = header.get("trained")
    steps = trained.get("steps", 0) if isinstance(trained, dict) else 0
    return steps if type(steps) is int and steps >= 0 else 0
