"""The styles of an Avatar-Net card, and what they make of a content's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders import tiles
from gesso.errors import GessoError
from gesso.losses.terms import Features
from gesso.methods.adain.layer import Statistics, affine
from gesso.methods.avatar_net.about import Options
from gesso.methods.avatar_net.decorator import KEPT, Decorator, decorator_of, has_shapes
from gesso.methods.avatar_net.hourglass import Config, Hourglass
from gesso.methods.avatar_net.sight import Seen
from gesso.nn.precision import widen
from gesso.options import from_json

CONTENT = "content"  # the name of a card's share of the content's own features
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class OneStyle:
    """A style, its share of the features, and what it says of every level."""

    share: float
    decorators: dict[str, Decorator]
    statistics: dict[str, Statistics]


@dataclass(frozen=True)
class Painted:
    """The share of the content's own features, and the styles."""

    content: float
    styles: tuple[OneStyle, ...]

    def change(self, features: Features, own: Seen) -> tiles.Change:
        """What becomes of a content's features (1, C, h, w), of which `own` is measured, as the
        change of a tile; what is searched for is searched for now."""
        chosen = [
            {n: one.choice(features[n], own.moments[n]) for n, one in style.decorators.items()}
            for style in self.styles
        ]
        maps = [
            {n: affine(own.statistics[n], there) for n, there in style.statistics.items()}
            for style in self.styles
        ]

        def change(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
            total = self.content * widen(x)
            for style, choice, affines in zip(self.styles, chosen, maps, strict=True):
                if level in affines:
                    made = tiles.mapped(x, affines[level])
                else:
                    made = style.decorators[level].decorated(x, choice[level], rows, columns)
                total = total + style.share * made
            return total

        return change


def joined(cards: Sequence[Tensors], shares: Sequence[float]) -> dict[str, Tensor]:
    """The tensors of a card with the styles of all of these, in their shares."""
    pairs = list(zip(cards, shares, strict=True))
    tensors = {CONTENT: torch.stack([card[CONTENT] * share for card, share in pairs]).sum(0)}
    number = 0
    for card, share in pairs:
        for place in range(_count(card)):
            own = {n.partition(".")[2]: x for n, x in card.items() if n.startswith(f"{place}.")}
            own["share"] = own["share"] * share
            tensors |= {f"{number}.{name}": x for name, x in own.items()}
            number += 1
    return tensors


def painted(card: StyleCard, config: Config, network: Hourglass, place: torch.device) -> Painted:
    """What a card says. Raises GessoError for one of other weights, or a damaged one."""
    options = from_json(Options, card.config, "the configuration of an avatar_net card")
    moved = {name: x.to(place) for name, x in card.tensors.items()}
    if CONTENT not in moved or moved[CONTENT].shape != (1,):
        raise GessoError("a card without the content's share")
    styles = []
    for number in range(_count(moved)):
        own = {n.partition(".")[2]: x for n, x in moved.items() if n.startswith(f"{number}.")}
        styles.append(_style(own, config, network, options))
    return Painted(float(moved[CONTENT]), tuple(styles))


def _style(own: Tensors, config: Config, network: Hourglass, options: Options) -> OneStyle:
    decorators, statistics = {}, {}
    for level in config.decorated:
        channels = network.channels(level)
        kept = {name: own[f"{name}.{level}"] for name in KEPT if f"{name}.{level}" in own}
        if not has_shapes(kept, len(channels.heard)):
            raise GessoError(f"a card without patches of {len(channels.heard)} channels at {level}")
        decorators[level] = decorator_of(channels, kept, options.patch_size, options.patch_stride)
    for level in config.aligned:
        pair = [own.get(f"{name}.{level}") for name in ("mean", "deviation")]
        mean, deviation = pair
        shape = (network.decoder.width(level),)
        if mean is None or deviation is None or not mean.shape == deviation.shape == shape:
            raise GessoError(f"a card without statistics of {shape[0]} channels at {level}")
        statistics[level] = (mean, options.detail * deviation)
    if "share" not in own or own["share"].shape != (1,):
        raise GessoError("a card without the share of a style")
    return OneStyle(float(own["share"]), decorators, statistics)


def _count(tensors: Tensors) -> int:
    """How many styles a card's tensors are of."""
    return len([name for name in tensors if name.endswith(".share")])
