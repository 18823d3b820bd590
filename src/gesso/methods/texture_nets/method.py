"""Texture networks (Ulyanov et al. 2016, 2017): one generator of noise for one style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from gesso.cards.card import StyleCard, provenance
from gesso.disk.atomic import shown
from gesso.disk.hub import local
from gesso.disk.tensors import read_header
from gesso.errors import GessoError, OptionError
from gesso.losses.matched import ForNetworks
from gesso.losses.objectives import Objective
from gesso.methods.adapted import Adapted, reporter, tensors_of
from gesso.methods.base import ImageLike, Method, OnStep, Style
from gesso.methods.inputs import load_exactly
from gesso.methods.metastyle.start import MATCHING
from gesso.methods.texture_nets.about import ABOUT, RANDOM, Options
from gesso.methods.texture_nets.fitting import fit
from gesso.methods.texture_nets.generator import Generator
from gesso.nn.precision import compute_in, fast_dtype
from gesso.options import of_pictures
from gesso.stylizers.stylizer import Stylizer, of_network

OBJECTIVES: dict[str, ForNetworks] = {"relative": Objective(), "matching": MATCHING}
SHAPE = {"scales": 8, "width": 64, "maps": 64}  # the most of each in a card


class TextureNets(Method):
    """A generator is trained for a style; the card is the whole of it."""

    about = ABOUT

    def adapt_settings(self, options: Any = None, **changes: Any) -> dict[str, Any]:
        """The options, with the start as its hash, or that it is random, and the objective's
        numbers."""
        chosen = self.chosen(options, changes)
        identity = RANDOM if chosen.start == RANDOM else _identity(chosen.start)
        settings = super().adapt_settings(chosen)
        return {**settings, "start": identity, "objective": asdict(_objective(chosen))}

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Unless only textures are wanted."""
        return bool(self.chosen(options, changes).purpose != "textures")

    def begun(self, options: Options) -> tuple[Generator, str]:
        """The generator at its start, on the CPU, and the start's identity.

        Raises:
            OptionError: a start that is no card of a generator.
        """
        if options.start == RANDOM:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(options.seed)
                net = Generator(options.scales, options.width)
            return net, f"random {options.seed}"
        identity = _identity(options.start)
        return _network(StyleCard.load(local(options.start))), identity

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """Train a generator for the style."""
        objective, trace = _objective(options), list[float]()
        net, start = self.begun(options)
        final = fit(
            *(net.to(self.place), self.encoder, objective),
            *(style.compared(objective, options.style_size), contents, options),
            reporter(options.steps, on_step, trace),
        )
        shape = {name: getattr(net, name) for name in SHAPE}
        pictures = {name: getattr(options, name) for name in of_pictures(Options)}
        return Adapted(
            tensors_of(net),
            {**shape, **pictures, "purpose": options.purpose, "start": start},
            losses=(trace[0], sum(final.values())),
            steps=options.steps,
            settings={"start": start, "objective": asdict(objective)},
        )

    def _stylizer(self, card: StyleCard) -> Stylizer:
        if not card.tensors:
            return Stylizer(lambda contents, on_step: contents, nn.Identity())
        net = _network(card).to(self.place)
        if card.config.get("purpose") == "textures":
            return Stylizer(_refuse, why_none="makes textures of noise only")
        return of_network(net)

    @torch.inference_mode()
    def _texture(
        self,
        card: StyleCard,
        height: int,
        width: int,
        seed: int,
        tileable: bool,
        on_step: OnStep | None,
    ) -> Tensor:
        self.stylizer(card)  # which refuses a card that cannot be run
        if not card.tensors:
            raise GessoError("a card that changes nothing: it has no texture")
        net = _network(card).to(self.place)
        step = net.multiple
        if tileable and (height % step or width % step or min(height, width) < 2 * step):
            allowed = f"multiples of {step} px, from {2 * step}"
            raise OptionError("size", f"{width} × {height} px; textures that tile have {allowed}")
        with compute_in(fast_dtype(self.place)):
            return net.texture(height, width, [seed])[0]

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """A card of no network, whose pictures are the contents."""
        return StyleCard(self.name, {}, {}, provenance=provenance())

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Never: no generator gives back its content."""
        return False

    def blend(self, cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
        """Mix styles: the weighted mean of the weights of networks from one start. The noise in
        pictures is that of the first card.

        Raises:
            GessoError: networks of different starts, shapes or purposes.
        """
        names = of_pictures(Options)
        noise = {n: cards[0].config[n] for n in names if cards and n in cards[0].config}
        alike = [replace(card, config=card.config | noise) for card in cards]
        return super().blend(alike, weights)


def _network(card: StyleCard) -> Generator:
    """The generator of a card, on the CPU. Raises GessoError for a card that holds none."""
    shape: dict[str, Any] = {name: card.config.get(name) for name in SHAPE}
    for name, most in SHAPE.items():
        if type(shape[name]) is not int or not 1 <= shape[name] <= most:
            raise GessoError(f"style card: {name} {str(shape[name])[:20]}; allowed are 1 to {most}")
    net = Generator(**shape)
    load_exactly(net, card.tensors, "style card")
    net.share, net.seed = _pictured(card, "noise", 1.0), int(_pictured(card, "noise_seed", 0))
    return net


def _pictured(card: StyleCard, name: str, default: float) -> float:
    value = card.config.get(name, default)
    if type(value) not in (int, float) or value < 0:
        raise GessoError(f"style card: {name} {str(value)[:20]}; allowed are numbers from 0")
    return float(value) if isinstance(default, float) else value


def _refuse(contents: Tensor, on_step: OnStep | None) -> Tensor:
    raise GessoError(
        "a card for textures only, trained without photos; gesso texture makes some of it"
    )


def _objective(options: Any) -> ForNetworks:
    chosen = options.objective
    return chosen if isinstance(chosen, ForNetworks) else OBJECTIVES[chosen]


def _identity(start: str) -> str:
    """The hash of a card to start from. Raises OptionError where there is none."""
    path = local(start)
    if not path.is_file():
        allowed = f"{RANDOM} or a card of {ABOUT.name}"
        raise OptionError("start", f"{shown(path)} is no such file; allowed are {allowed}")
    header = read_header(path)
    if header.get("method") != ABOUT.name:
        raise OptionError("start", f"{shown(path)}: no card of {ABOUT.name}")
    return str(header["sha256"])
