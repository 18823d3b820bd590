"""Dumoulin et al. (ICLR 2017): all styles share one network's convolutions, each has its γ, β."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Self

from torch import Tensor

from gesso.cards.card import PALETTE, StyleCard, provenance
from gesso.errors import OptionError
from gesso.images.styles import no_such_style
from gesso.methods.adapted import Adapted
from gesso.methods.base import Encoders, ImageLike, Method, OnStep, Style
from gesso.methods.conditional_in.about import ABOUT
from gesso.methods.conditional_in.bank import Config
from gesso.methods.inputs import load_exactly
from gesso.methods.metastyle.start import Config as Start
from gesso.methods.metastyle.start import fitted, network_adapted, network_stylizer
from gesso.stylizers.stylizer import Stylizer


class ConditionalIN(Method):
    """A bank of styles: the card of one of them is looked up, that of a new style learned.

    Attributes:
        names: of the styles in the bank.
    """

    about = ABOUT

    def __init__(self, encoder: Encoders, config: Config, base: str = "") -> None:
        super().__init__(encoder, base)
        self.config, self.names = config, config.styles
        self.bank = config.build()

    @classmethod
    def from_weights(
        cls, encoder: Encoders, tensors: dict[str, Tensor], header: dict[str, Any], source: str
    ) -> Self:
        """The method with a bank that `gesso train conditional_in` wrote."""
        config = Config.from_header(header.get("config"))
        method = cls(encoder, config, str(header["sha256"]))
        load_exactly(method.bank, tensors, source)
        return method

    def adapt_settings(self, options: Any = None, **changes: Any) -> dict[str, Any]:
        """The options, with the objective's numbers in the place of its name."""
        objective = Start().adapting_objective(self.chosen(options, changes).objective)
        return {**super().adapt_settings(options, **changes), "objective": asdict(objective)}

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Whether a new style, if this should be one, is learned in any steps."""
        return True

    def look_up(self, name: str) -> StyleCard:
        """The card of a style of the bank by its name. Raises OptionError for an unknown one."""
        if name not in self.names:
            trouble = no_such_style(name, self.names, "style of the bank", "method.names")
            raise OptionError("style", trouble)
        place = self.names.index(name)
        made = provenance(name, sha256=self.config.digests[place])
        kept = {PALETTE: list(self.config.palettes[place])} if self.config.palettes else {}
        row, config = self.bank.row(place), self._config()
        return StyleCard(self.name, row, config, kept, base=self.base, provenance=made).rounded()

    def _config(self) -> dict[str, Any]:
        return {"width": self.config.width, "start": self.base}

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """Look up a style of the bank, known by its file's bytes; learn γ and β of a new one, from
        the mean of those there are, with all convolutions as they are."""
        if style.sha256 in self.config.digests and style.mask is None:
            row = self.bank.row(self.config.digests.index(style.sha256))
            return Adapted(row, self._config(), base=self.base)
        objective = Start().adapting_objective(options.objective)
        start = self.bank.single(self.bank.mean_row())
        net, losses = fitted(start, style, contents, objective, options, None, on_step)
        made = network_adapted(net, self.base, options, losses)
        made.settings["objective"] = asdict(objective)
        return made

    def _stylizer(self, card: StyleCard) -> Stylizer:
        return network_stylizer(card, self.bank.net)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The row of γ and β that was trained to give back the photo."""
        row = self.bank.row(self.bank.count)
        return StyleCard(self.name, row, self._config(), base=self.base, provenance=provenance())
