"""The methods that take part: how each is loaded and set, and why another cannot take part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gesso.cards.card import StyleCard
from gesso.controls.polish import keep_grams, polished
from gesso.controls.regions import Stylize
from gesso.encoders import load_encoder
from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.methods.base import Method, OnStep
from gesso.methods.registry import checked_device, load, load_class

YARDSTICK = "gatys"  # objectives are told relative to its; it descends what the judge measures
PROBE_PX = 64


@dataclass(frozen=True)
class Entry:
    """How to load a method and what to adapt it with, as JSON values: another process can do it.

    Attributes:
        name: the method.
        encoder: as for `gesso.load`; for Gatys the judge.
        steps: of the adaptation or, for Gatys, of the descent; None: the method's own number.
        most_styles, most_pairs: a slow method takes on this many styles, makes this many pictures.
        polish: steps of `gesso.polish` on every picture.
        note: what a reader has to know about these settings.
    """

    name: str
    weights: str | None = None
    encoder: str = "compact"
    device: str = "cpu"
    steps: int | None = None
    most_styles: int | None = None
    most_pairs: int | None = None
    note: str = ""
    polish: int = 0

    @property
    def label(self) -> str:
        """The name in tables and files."""
        return f"{self.name}-polished" if self.polish else self.name

    def options(self, steps: int | None = None) -> dict[str, Any]:
        """Of `Method.adapt`, with these steps or the entry's."""
        wanted = steps or self.steps
        return {} if wanted is None else {"steps": wanted}

    def kept(self, card: StyleCard, method: Method, style: Tensor) -> StyleCard:
        """The card with what polishing needs of the style."""
        return keep_grams(card, method, style) if self.polish else card

    def stylizer(self, method: Method, card: StyleCard) -> Stylize:
        """The method's stylizer, polished if there are steps of it."""
        if not self.polish:
            stylizer: Stylize = method.stylizer(card)
            return stylizer
        return polished(method.stylizer(card), method.encoder, card, self.polish)

    def load(self, judge: Encoder | None = None) -> Method:
        """The method. Gatys works with the judge itself: of it no deeper level is needed.

        Raises:
            GessoError: weights or an encoder that cannot be used.
        """
        if self.name != YARDSTICK:
            return load(self.name, weights=self.weights, encoder=self.encoder, device=self.device)
        # On another device it needs a judge of its own: the one that judges stays on the CPU.
        shared = judge if self.device == "cpu" else None
        encoder = shared or load_encoder(self.encoder, "relu4_3")
        method = load_class(self.name).load(encoder, self.weights)
        return method.to(checked_device(self.device))


@dataclass(frozen=True)
class Contestant:
    """A method that takes part, and what a first try has shown of it."""

    entry: Entry
    method: Method
    parameters: int
    image_parameters: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The entry's."""
        return self.entry.label

    @property
    def steps(self) -> int | None:
        """Of adaptation, or of the descent; None for methods that take none."""
        steps = self.settings["adapt"].get("steps")
        return int(steps) if steps else None

    @property
    def descends(self) -> bool:
        """Whether the steps are those of every picture and not those of a style."""
        return self.method.runs_encoder and self.steps is not None

    @property
    def told(self) -> str:
        """Its settings in words."""
        steps = "" if self.steps is None else f"{self.steps} steps"
        encoder = self.method.encoder.name
        where = f"on {encoder}" if steps else f"with {encoder}"
        polish = f"and {self.entry.polish} of polish" if self.entry.polish else ""
        return " ".join(word for word in (steps, where, polish) if word)

    def adapt(
        self, style: Tensor, steps: int | None = None, on_step: OnStep | None = None
    ) -> StyleCard:
        """The card of a style (3, H, W), made on the bundled contents, as `gesso adapt` does."""
        card = self.method.adapt(style, on_step=on_step, **self.entry.options(steps))
        return self.entry.kept(card, self.method, style)

    def stylizer(self, card: StyleCard) -> Stylize:
        """The card's, polished if the entry says so."""
        return self.entry.stylizer(self.method, card)


@dataclass(frozen=True)
class Absent:
    """A method that does not take part, and why in one line."""

    name: str
    reason: str


def enter(entry: Entry, judge: Encoder) -> Contestant | Absent:
    """Load a method and try it on a small picture.

    Raises:
        GessoError: it fails with weights that the user has given.
    """
    try:
        method = entry.load(judge)
        return _tried(entry, method)
    except GessoError as error:
        if entry.weights is not None:
            raise
        reason = str(error)
    no_weights = "no weights" if "no weights" in reason else reason
    return Absent(entry.label, no_weights)


def _tried(entry: Entry, method: Method) -> Contestant:
    picture = torch.rand(3, PROBE_PX, PROBE_PX, generator=torch.Generator().manual_seed(0))
    options: dict[str, Any] = {"steps": 1} if "steps" in method.options else {}
    stylizer = method.stylizer(method.adapt(picture, [picture], **options))
    image = count(stylizer)
    own = count(method, with_encoder=method.runs_encoder)
    return Contestant(entry, method, max(own, image), image, settings_of(entry, method))


def settings_of(entry: Entry, method: Method) -> dict[str, Any]:
    """All that decides cards, pictures and, with the machine, seconds."""
    device = device_name(entry.device)
    return {
        "method": entry.name,
        "base": method.base,
        "encoder": method.encoder.identity,
        "adapt": method.adapt_settings(**entry.options()),
        **({"polish": entry.polish} if entry.polish else {}),
        **({} if device == "cpu" else {"device": device}),  # the CPU is told by the machine's class
    }


def device_name(device: str) -> str:
    """A GPU's model: another one takes another time."""
    kind = torch.device(device).type
    return torch.cuda.get_device_name(device) if kind == "cuda" else kind


def count(module: nn.Module, *, with_encoder: bool = True) -> int:
    """Parameters; those of a method's encoder only where it is needed for every picture."""
    named = module.named_parameters()
    return sum(p.numel() for n, p in named if with_encoder or not n.startswith("_encoder."))


def entries(
    names: list[str],
    weights: dict[str, Path],
    steps: Mapping[str, int | None],
    most: Callable[[str], tuple[int | None, int | None]],
    *,
    encoder: str,
    judge: str,
    device: str,
) -> list[Entry]:
    """One entry a method, and one polished if `gesso stylize` polishes it by default.

    Raises:
        GessoError: weights of a method that does not take part.
    """
    for name in weights:
        if name not in names:
            allowed = ", ".join(names)
            raise GessoError(f"--model {name}: no such method takes part; allowed are {allowed}")
    found = []
    for name in names:
        own = str(weights[name]) if name in weights else None
        seen = judge if name == YARDSTICK else encoder
        entry = Entry(name, own, seen, device, steps.get(name), *most(name))
        polish = load_class(name).polish
        found += [entry, *([replace(entry, polish=polish)] if polish else [])]
    return found
