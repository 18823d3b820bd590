"""Johnson et al. (ECCV 2016): one transfer network trained for one style, from any start."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso import assets
from gesso.cards.card import StyleCard, provenance
from gesso.disk.atomic import shown
from gesso.disk.hub import local
from gesso.disk.tensors import read_header
from gesso.errors import OptionError
from gesso.losses.matched import ForNetworks
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.adapted import Adapted
from gesso.methods.base import Encoders, ImageLike, Method, OnStep, Style
from gesso.methods.inputs import load_exactly
from gesso.methods.johnson.about import ABOUT, METASTYLE, RANDOM
from gesso.methods.metastyle.start import (
    MATCHING,
    STYLE_WEIGHT,
    Config,
    fitted,
    network_adapted,
    network_stylizer,
    network_tensors,
)
from gesso.nn.checkpoint import load_file
from gesso.nn.transfer import TransferNet
from gesso.stylizers.stylizer import Stylizer

OBJECTIVES: dict[str, ForNetworks] = {
    "matching": MATCHING,
    "relative": Objective(style_weight=STYLE_WEIGHT),
    "paper": PAPER,
}


class Johnson(Method):
    """MetaStyle's network and loop without its start, or with it (Johnson from MetaStyle, Zhang et
    al. 2019); the card is the whole network."""

    about = ABOUT

    def __init__(self, encoder: Encoders, width: int = Config().width) -> None:
        super().__init__(encoder)
        self.net = TransferNet(width)  # of no use but for its shape and device

    def adapt_settings(self, options: Any = None, **changes: Any) -> dict[str, Any]:
        """The options, with the start as its hash, or that it is random."""
        start = self.chosen(options, changes).start
        identity = RANDOM if start == RANDOM else str(read_header(_file(start))["sha256"])
        settings = super().adapt_settings(options, **changes)
        objective = asdict(_objective(self.chosen(options, changes)))
        return {**settings, "start": identity, "objective": objective}

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Always."""
        return True

    def begun(self, start: str | Path, seed: int = 0) -> tuple[TransferNet, str]:
        """The network at a start, on the CPU, and the start's identity.

        Args:
            start: random, metastyle (the bundled start) or the file of a start, such as an
                average one (`gesso train metastyle --inner-steps 0`).
            seed: of the random start.

        Raises:
            OptionError: no such file, or one that is no start.
        """
        if str(start) == RANDOM:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                return TransferNet(self.net.width), f"random {seed}"
        path = _file(start)
        tensors, header = load_file(path, kind="start")
        net = TransferNet(Config.from_header(header.get("config")).width)
        load_exactly(net, tensors, str(path))
        return net, str(header["sha256"])

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """Train a network for the style: minutes to hours. The more contents, the better."""
        objective = _objective(options)
        net, base = self.begun(options.start, options.seed)
        found = fitted(net.to(self.place), style, contents, objective, options, None, on_step)
        made = network_adapted(found[0], base, options, found[1])
        made.settings |= {"start": base, "objective": asdict(objective)}
        return made

    def _stylizer(self, card: StyleCard) -> Stylizer:
        return network_stylizer(card, self.net)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """MetaStyle's bundled start, style-neutral; it blends with the cards trained from it."""
        net, base = self.begun(METASTYLE)
        config = {"width": net.width, "start": base}
        return StyleCard(self.name, network_tensors(net, False), config, provenance=provenance())


def _objective(options: Any) -> ForNetworks:
    """The same for every start."""
    chosen = options.objective
    return chosen if isinstance(chosen, ForNetworks) else OBJECTIVES[chosen]


def _file(start: str | Path) -> Path:
    path = assets.weights(METASTYLE) if str(start) == METASTYLE else local(start)
    if not path.is_file():
        allowed = f"{RANDOM}, {METASTYLE} or the file of a start"
        raise OptionError("start", f"{shown(path)} is no such file; allowed are {allowed}")
    return path
