"""Johnson et al. (ECCV 2016): one transfer network trained for one style, from any start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch

from gesso import assets
from gesso.cards.card import StyleCard
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.fitting.network import FitConfig
from gesso.losses.objectives import Objective
from gesso.methods.base import EncoderSource, ImageLike, OnStep
from gesso.methods.metastyle.method import STYLE_WEIGHT, MetaStyle
from gesso.nn.checkpoint import read_header

RANDOM, METASTYLE = "random", "metastyle"  # else a file
NOT_ITS = ("only_affine", "inner_lr", "inner_steps")  # MetaStyle's alone
FIT = [name for name in FitConfig.__dataclass_fields__ if name not in NOT_ITS]


class Johnson(MetaStyle):
    """MetaStyle's network and loop without its start, or with it (Johnson from MetaStyle, Zhang et
    al. 2019); the card is the whole network."""

    name = "johnson"
    polish = 0  # a yardstick, as it was published
    styles = "1"
    options = ("contents", "style_size", "content_size", "start", *FIT)

    @classmethod
    def load(cls, encoder: EncoderSource, weights: str | Path | None = None) -> Self:
        """The method; raises GessoError for weights, as training begins with `start`."""
        if weights is not None:
            raise GessoError(f"weights {weights}: method johnson has none; its start is an option")
        return cls(encoder)

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        on_step: OnStep | None = None,
        start: str | Path = RANDOM,
        **options: Any,
    ) -> StyleCard:
        """Train a network for one style: minutes to hours.

        Args:
            style: the picture whose style to take on.
            contents: what to train on; the more, the better. By default a small bundled set.
            on_step: told of every step and its losses.
            start: random, metastyle (the bundled start) or the file of a start, such as an
                average one (`gesso train metastyle --inner-steps 0`).
            options: as for `MetaStyle.adapt`, but without `only_affine`.

        Raises:
            GessoError: a picture or start that cannot be read, an option that makes no sense.
        """
        self._check(options)
        begun = self.begun(start, int(options.get("seed") or 0))
        card = MetaStyle.adapt(begun, style, contents, on_step=on_step, **options)
        card.settings["start"] = begun.base
        return card

    def adapt_settings(self, *, start: str | Path = RANDOM, **options: Any) -> dict[str, Any]:
        """As `MetaStyle.adapt_settings`, and the start: its hash, or that it is random."""
        self._check(options)
        return {**super().adapt_settings(**options), "start": self._identity(start)}

    def default_fit(self) -> FitConfig:
        """The paper's Adam at 1e-3 on 4 crops of 256 px; its 40,000 steps are `steps=40000`."""
        return FitConfig(
            steps=2000, lr=1e-3, affine_lr=1e-3, decay=False, crop=256, batch=4, pool=128
        )

    def default_objective(self) -> Objective:
        """The same for every start, so that all of them compare."""
        return Objective(style_weight=STYLE_WEIGHT)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """MetaStyle's bundled start, style-neutral; it blends with the cards trained from it."""
        return MetaStyle.neutral(self.begun(METASTYLE, 0), content, None)

    def begun(self, start: str | Path, seed: int) -> Johnson:
        """The method with its network at a start: random, metastyle or a file, as for `adapt`."""
        device = next(self.net.parameters()).device
        if str(start) == RANDOM:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                begun = Johnson(lambda: self.encoder, self.config, f"random {seed}")
        else:
            path = _file(start)
            source = MetaStyle.load(lambda: self.encoder, path)
            begun = Johnson(lambda: self.encoder, source.config, source.base)
            begun.net = source.net
        return begun.to(device)

    def _identity(self, start: str | Path) -> str:
        return RANDOM if str(start) == RANDOM else str(read_header(_file(start))["sha256"])

    def _check(self, options: dict[str, Any]) -> None:
        for name in options:
            if name not in (*self.options, "objective"):
                raise GessoError(f"option {name}: unknown; allowed are {', '.join(self.options)}")


def _file(start: str | Path) -> Path:
    path = assets.weights(METASTYLE) if str(start) == METASTYLE else Path(start)
    if not path.is_file():
        allowed = f"{RANDOM}, {METASTYLE} or the file of a start"
        raise GessoError(f"start {shown(path)}: no such file; allowed are {allowed}")
    return path
