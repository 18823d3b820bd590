"""Avatar-Net (Sheng et al., CVPR 2018): an hourglass decodes features that are made up of a style's
patches, and finer ones that take on its statistics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from gesso.cards.blend import shares_of
from gesso.cards.card import StyleCard, provenance
from gesso.encoders import tiles
from gesso.encoders.coding import by_regions, decoded, encoded, seen
from gesso.errors import GessoError
from gesso.losses.terms import Features
from gesso.methods.adapted import Adapted
from gesso.methods.avatar_net.about import ABOUT, Options
from gesso.methods.avatar_net.decorator import kept_of
from gesso.methods.avatar_net.hourglass import Config, Hourglass
from gesso.methods.avatar_net.sight import Seen, Sight
from gesso.methods.avatar_net.styles import CONTENT, Painted, joined, painted
from gesso.methods.base import ImageLike, OnStep, Style
from gesso.methods.trained import Trained
from gesso.nn.masks import part, places
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.surroundings import mean_light, shares
from gesso.stylizers.ordinary import ordinary_pictures
from gesso.stylizers.stylizer import OfRegions, Stylizer

__all__ = ["AvatarNet", "Config"]

WHY_NO_NETWORK = "looks for the style's patches that are most like those of every picture"


class AvatarNet(Trained):
    """An encoder, and the hourglass that was trained for it."""

    about = ABOUT
    made_of = Config
    config: Config
    network: Hourglass

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """Features (B, C, h, w) of images (B, 3, H, W) by level, with a margin, see
        `gesso.encoders.coding.encoded`."""
        c = self.config
        return encoded(self.encoder, images, c.levels, c.blocks, self.place, narrow=True)

    def _seen(self, image: Tensor) -> dict[str, Tensor] | tiles.Parts:
        """The same of one image; parts, where they cannot all be held."""
        c = self.config
        return seen(self.encoder, image, c.levels, c.blocks, self.place, narrow=True)

    @property
    def sight(self) -> Sight:
        """What is measured of features."""
        return Sight(self.config, self.network)

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Options, on_step: OnStep | None
    ) -> Adapted:
        """Encode the style; contents are not looked at."""
        features = self.encode(style.at(options.style_size).unsqueeze(0))
        inner = tiles.without_margin(features, self.config.levels[0])
        seen = self.sight.of({level: part(x, style.mask) for level, x in inner.items()})
        tensors: dict[str, Tensor] = {}
        for level in self.config.decorated:
            x, channels = inner[level], self.network.channels(level)
            on = torch.ones(x.shape[2:], dtype=torch.bool, device=x.device)
            if style.mask is not None:
                on = places(style.mask.to(x.device), *x.shape[2:])
            tensors |= {
                f"0.{name}.{level}": kept
                for name, kept in kept_of(channels, x, seen.moments[level], on).items()
            }
        for level, (mean, deviation) in seen.statistics.items():
            tensors |= {f"0.mean.{level}": mean[0], f"0.deviation.{level}": deviation[0]}
        tensors = {name: tensor.cpu() for name, tensor in tensors.items()}
        tensors |= {CONTENT: torch.zeros(1), "0.share": torch.ones(1)}
        return Adapted(tensors, _config(options), base=self.base)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """All of the content and no style: features stay as they are."""
        config = _config(Options()) if like is None else dict(like.config)
        tensors = {CONTENT: torch.ones(1)}
        return StyleCard(self.name, tensors, config, base=self.base, provenance=provenance())

    def blend(self, cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
        """The styles of all cards, each with its share of the features: Σ w·decorated, and with the
        neutral card the paper's (1 − α)·f(c) + α·decorated.

        Raises:
            GessoError: cards of other weights or options.
        """
        found = shares_of(len(cards), weights)
        for card in cards[1:]:
            if (card.base, card.config) != (cards[0].base, cards[0].config):
                raise GessoError(
                    "cards of avatar_net can be mixed when patches, detail and weights agree"
                )
        names = [str(card.provenance.get("style", "")) for card in cards]
        parts = [{"style": n, "weight": s} for n, s in zip(names, found, strict=True)]
        return StyleCard(
            self.name,
            joined([card.tensors for card in cards], found),
            dict(cards[0].config),
            base=cards[0].base,
            provenance=provenance() | {"blend": parts},
        )

    def _stylizer(self, card: StyleCard) -> Stylizer:
        self.check_encoder()
        way, light = self._painted(card), cache(partial(self._light, card))

        @torch.inference_mode()
        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            made = [
                self._picture(x, [way], [light() if calm else None], None)
                for x, calm in _apart(contents)
            ]
            return torch.cat(made).to(contents.device)

        return Stylizer(run, why_none=WHY_NO_NETWORK)

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """Regions put together in feature space: every place takes its region's style."""
        for card in cards:
            self.stylizer(card)  # which refuses what cannot be run
        ways = [self._painted(card) for card in cards]
        lights = [cache(partial(self._light, card)) for card in cards]

        @torch.inference_mode()
        def stylize(contents: Tensor, regions: Tensor, on_step: OnStep | None) -> Tensor:
            made = [
                self._picture(x, ways, [light() if calm else None for light in lights], regions)
                for x, calm in _apart(contents)
            ]
            return torch.cat(made).to(contents.device)

        return stylize

    def _picture(
        self,
        content: Tensor,
        ways: Sequence[Painted],
        lights: Sequence[float | None],
        regions: Tensor | None,
    ) -> Tensor:
        """The picture of a content (1, 3, H, W); a light is that of a style, for calm contents."""
        c, features = self.config, self._seen(content)
        if isinstance(features, tiles.Parts):
            with compute_in(fast_dtype(self.place)):
                own = self.sight.of_parts(features)
            how = (c.decorated, c.blocks, self.place)  # which are searched in again and again
            searched: Features = encoded(self.encoder, content, *how, narrow=True)
        else:
            own, searched = self.sight.of(tiles.without_margin(features, c.levels[0])), features
        changes = []
        for way, light in zip(ways, lights, strict=True):
            of_style = own
            if light is not None:
                of_style = own.among(self._ordinary(), shares(content, light).to(self.place))
            changes.append(way.change(searched, of_style))
        stride = self.network.decoder.stride
        change = changes[0]
        if regions is not None:
            change = by_regions(changes, regions, features, stride)
        height, width = content.shape[2:]
        return decoded(self.network.decoder, features, height, width, self.place, change)

    @torch.inference_mode()
    def _ordinary(self) -> Seen:
        """What is measured of ordinary pictures (`gesso.nn.surroundings`)."""
        features = tiles.without_margin(self.encode(ordinary_pictures()), self.config.levels[0])
        return self.sight.of(features).of_all()

    @torch.inference_mode()
    def _light(self, card: StyleCard) -> float:
        """The mean luminance of what the card makes of some ordinary pictures."""
        way = self._painted(card)
        some = torch.split(ordinary_pictures()[::4], 1)
        return mean_light(torch.cat([self._picture(x, [way], [None], None) for x in some]))

    def _painted(self, card: StyleCard) -> Painted:
        return painted(card, self.config, self.network, self.place)


def _apart(contents: Tensor) -> list[tuple[Tensor, bool]]:
    """Each content (1, 3, H, W), and whether it is calm."""
    pictures = torch.split(contents, 1)
    return [(picture, bool(shares(picture).any())) for picture in pictures]


def _config(options: Options) -> dict[str, Any]:
    names = ("patch_size", "patch_stride", "detail")
    return {name: getattr(options, name) for name in names}
