"""A meta-learned start: its configuration, its file, and a network fitted to a style from it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.errors import GessoError
from gesso.fitting.network import FirstSteps, fit_network
from gesso.losses.matched import ForNetworks, MatchingObjective
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.adapted import Adapted, reporter
from gesso.methods.base import OnStep, Style
from gesso.methods.inputs import load_exactly
from gesso.methods.metastyle.bilevel import InnerLoop
from gesso.nn.transfer import TransferNet, is_affine
from gesso.options import from_json
from gesso.stylizers.stylizer import Stylizer, of_network

STYLE_WEIGHT = 2.0  # while adapting: balances style gap and content distortion on unseen pairs
EVENNESS_WEIGHT = 25.0  # while adapting: takes soft-edged blobs out of walls and skies
MATCHING = MatchingObjective(
    rest=Objective(content_weight=0.0, style_weight=0.1, evenness_weight=EVENNESS_WEIGHT)
)
"""The Gram terms' share settles what cosines leave open, magnitudes."""


@dataclass(frozen=True)
class Config:
    """What a start is made of; stored in its header."""

    width: int = 16  # 32 in the paper: 1,679,235 parameters
    objective: Objective = field(default_factory=Objective)
    inner: InnerLoop = field(default_factory=InnerLoop)
    reptile: int = 0  # Adam steps of the adaptations it is trained through; 0: Algorithm 1
    matching: MatchingObjective | None = None  # what it is trained with in the place of `objective`

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 256:
            raise GessoError(f"a transfer network of width {self.width}: allowed are 1 to 256")
        if self.reptile < 0:
            raise GessoError(f"reptile {self.reptile}: allowed are numbers from 0")

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: Any) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no network."""
        what = "the configuration of a MetaStyle start"
        found = from_json(cls, values, what)
        if not values.keys() >= {"width", "objective", "inner"}:
            raise GessoError(f"not {what}: it lacks a part")
        return found

    def training_objective(self) -> ForNetworks:
        """What Algorithm 1 minimises in both loops."""
        return self.matching or self.objective

    def reptile_objective(self) -> ForNetworks:
        """What Reptile's adaptations minimise: the start's objective; a relative one with more
        weight on the style and some on evenness."""
        return self.matching or _for_adapting(self.objective)

    def adapting_objective(self, chosen: Any = None) -> ForNetworks:
        """What an adaptation minimises.

        Args:
            chosen: an objective or its name; None: matching, unless the start was trained by an
                objective that is not relative, which stays as it is: its weights have other units.
        """
        if isinstance(chosen, ForNetworks):
            return chosen
        if chosen is None and not self.objective.relative:
            return self.objective
        relative = self.objective if self.objective.relative else Objective()
        named: dict[str, ForNetworks] = {
            "relative": _for_adapting(relative),
            "paper": PAPER,
            "matching": self.matching or MATCHING,
        }
        return named[chosen or "matching"]


def _for_adapting(objective: Objective) -> Objective:
    if not objective.relative:
        return objective
    return replace(objective, style_weight=STYLE_WEIGHT, evenness_weight=EVENNESS_WEIGHT)


def fitted(
    net: TransferNet,
    style: Style,
    contents: Sequence[Tensor],
    objective: ForNetworks,
    options: Any,
    first: FirstSteps | None,
    on_step: OnStep | None,
) -> tuple[TransferNet, tuple[float, float]]:
    """A copy of `net` after gradient steps towards a style, and its losses before and after.

    Args:
        options: `FitOptions` with `steps` and `style_size`.
        first: steps of the method's own, before those of Adam.
    """
    own = deepcopy(net)
    trace: list[float] = []
    final = fit_network(
        *(own, style.encoder, objective, style.compared(objective, options.style_size)),
        *(contents, options, options.steps),
        only_affine=getattr(options, "only_affine", False),
        first=first,
        on_step=reporter(options.steps, on_step, trace),
    )
    return own, (trace[0], sum(final.values()))


def network_tensors(net: TransferNet, only_affine: bool) -> dict[str, Tensor]:
    """A copy of a network's tensors on the CPU: all, or γ and β."""
    return {
        name: value.detach().cpu().clone()
        for name, value in net.state_dict().items()
        if is_affine(name) or not only_affine
    }


def network_adapted(
    net: TransferNet, base: str, options: Any, losses: tuple[float, float]
) -> Adapted:
    """A fitted network as what a card holds. `base` is the start's; whole networks blend when
    they descend from the same one."""
    partly = getattr(options, "only_affine", False)
    return Adapted(
        network_tensors(net, partly),
        {"width": net.width, "start": base},
        base=base if partly else "",
        losses=losses,
        steps=options.steps,
    )


def network_stylizer(card: StyleCard, start: TransferNet) -> Stylizer:
    """The stylizer of a card of a whole network, or of one of γ and β that completes `start`.

    Raises:
        GessoError: a card whose tensors are those of another network.
    """
    width = card.config.get("width")
    if type(width) is not int or not 1 <= width <= 256:
        raise GessoError(f"style card: width {str(width)[:20]}; allowed are 1 to 256")
    net = TransferNet(width)
    tensors = {**start.state_dict(), **card.tensors} if card.base else card.tensors
    load_exactly(net, tensors, "style card")
    return of_network(net.to(next(start.parameters()).device))
