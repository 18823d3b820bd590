"""AdaIN (Huang & Belongie, ICCV 2017): features take on a style's mean and deviation, and one
decoder for all styles turns them into a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial
from typing import Any

import torch
from torch import Tensor

from gesso.cards.card import StyleCard, provenance
from gesso.encoders import tiles
from gesso.encoders.coding import by_regions, decoded, encoded, fits, seen
from gesso.encoders.decoder import Decoder
from gesso.encoders.statistics import statistics_of
from gesso.errors import GessoError
from gesso.losses.terms import Features
from gesso.methods.adain.about import ABOUT
from gesso.methods.adain.layer import Config, Statistics, adain, adain_losses, affine
from gesso.methods.adain.networks import AdaINNetwork, Graphs
from gesso.methods.adapted import Adapted
from gesso.methods.base import ImageLike, OnStep, Style
from gesso.methods.inputs import as_image, practice_images
from gesso.methods.trained import Trained
from gesso.nn.masks import part
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.strips import Striped, narrow, size_of
from gesso.nn.surroundings import mean_light, of_all, pooled, shares
from gesso.stylizers.any_style import AnyStyle
from gesso.stylizers.ordinary import ordinary_pictures
from gesso.stylizers.stylizer import OfRegions, Stylizer

__all__ = ["AdaIN", "Config"]

MEAN, DEVIATION = "mean", "deviation"
Light = Callable[[], float]


class AdaIN(Trained):
    """An encoder, and the decoder that was trained for it.

    A picture is `decode(transfer(encode(content), card))`.
    """

    about = ABOUT
    thumbnail_bytes = 4000  # so that a card stays below 8 kB
    made_of = Config
    config: Config
    network: Decoder

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """ℒ_c + λℒ_s on pairs of contents and styles."""
        return adain_losses(self.network, self.encoder, self.config, batch)

    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """f: images (B, 3, H, W) in [0, 1] → features (B, C, h, w) for each level on which AdaIN
        works, in the dtype convolutions are computed in, with a margin of the reflected image at
        every side; at relu4_1 h = ⌈H/8⌉ + 2·MARGIN_CELLS, and twice that a block shallower."""
        c = self.config
        return encoded(self.encoder, images, c.levels, c.blocks, self.place)

    def seen(self, images: Tensor | Striped) -> dict[str, Tensor] | tiles.Parts:
        """The same of images or of one of any size; parts of it, where they cannot all be held."""
        c = self.config
        return seen(self.encoder, images, c.levels, c.blocks, self.place)

    def transfer(self, features: Features, card: StyleCard) -> dict[str, Tensor]:
        """t = AdaIN(f(c), f(s)): features by level with the means and deviations in the card, in
        float32.

        Raises:
            GessoError: a card of another method, other weights or another shape.
        """
        styles, own = self._statistics(card), self.statistics(features)
        return {
            level: adain(features[level], *styles[level], own=own[level])
            for level in self.config.levels
        }

    @torch.no_grad()
    def statistics(
        self, features: Features | tiles.Parts, mask: Tensor | None = None
    ) -> dict[str, Statistics]:
        """μ and σ, (B, C) each, by level: those of `encode`'s features without the margin, where a
        mask (h, w) is on."""
        inner = tiles.inner(features, self.config.level)
        with compute_in(fast_dtype(self.place)):
            return statistics_of({n: part(x, mask) for n, x in one.items()} for one in inner)

    def decode(
        self,
        features: Features | tiles.Parts,
        height: int,
        width: int,
        change: tiles.Change = tiles.unchanged,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """g: features by level, with their margin → pictures (B, 3, height, width) in [0, 1];
        `change` is made to the features, a tile at a time."""
        return decoded(self.network, features, height, width, self.place, change, dtype)

    def content_statistics(
        self,
        contents: Tensor | Striped,
        features: Features | tiles.Parts,
        light: Light | None = None,
    ) -> dict[str, Statistics]:
        """`statistics` of the features of contents (B, 3, H, W), or of one, the flat, smooth and
        dark ones among ordinary pictures (`gesso.nn.surroundings`); `light` is asked for the
        style's."""
        own, wanted = self.statistics(features), shares(contents)
        if not bool(wanted.any()):
            return own
        wanted = shares(contents, light() if light is not None else None)
        share = wanted.to(self.place).unsqueeze(1)
        return {level: _among(own[level], self._ordinary[level], share) for level in own}

    def _light(self, card: StyleCard) -> float:
        """The mean luminance of what the card makes of ordinary pictures."""
        some = ordinary_pictures()
        features, styles = self.encode(some), self._statistics(card)
        maps = {}
        for level, (mean, variance) in self._ordinary.items():
            own = mean.expand(len(some), -1), variance.sqrt().expand(len(some), -1)
            maps[level] = affine(own, styles[level])
        height, width = some.shape[-2:]
        return mean_light(self.decode(features, height, width, _changed_by(maps)))

    @cached_property
    def _ordinary(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Mean and variance (1, C) of the features of ordinary pictures, by level."""
        found = self.statistics(self.encode(ordinary_pictures()))
        return {
            level: of_all(mean, deviation.square()) for level, (mean, deviation) in found.items()
        }

    def to_style(
        self,
        contents: Tensor | Striped,
        features: Features | tiles.Parts,
        card: StyleCard,
        light: Light | None = None,
    ) -> dict[str, Statistics]:
        """`transfer` as an affine map of each channel: what to multiply it by and what to add
        then, (B, C) each, by level. Statistics are the `content_statistics`."""
        styles, own = self._statistics(card), self.content_statistics(contents, features, light)
        return {level: affine(own[level], styles[level]) for level in self.config.levels}

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """Encode the style; contents are not looked at."""
        tensors, config = self._measured([style.at(options.style_size)], style.mask)
        return Adapted(tensors, config, base=self.base)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The content's own statistics, with which AdaIN changes nothing; without a content the
        mean over the bundled ones."""
        self.check_encoder()
        pictures = [as_image(content)] if content is not None else practice_images(None, None)
        images = [picture.unsqueeze(0) for picture in pictures]
        tensors, config = self._as_card(
            [self.content_statistics(image, self.encode(image)) for image in images]
        )
        return StyleCard(self.name, tensors, config, base=self.base, provenance=provenance())

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Only with the decoder's own encoder."""
        return card.base == self.base

    def _stylizer(self, card: StyleCard) -> Stylizer:
        self._statistics(card)
        self.check_encoder()

        light = cache(partial(self._light, card))

        def made(contents: Tensor | Striped, dtype: torch.dtype = torch.float32) -> Tensor:
            features = self.seen(contents)
            change = _changed_by(self.to_style(contents, features, card, light))
            return self.decode(features, *size_of(contents), change, dtype)

        @torch.inference_mode()
        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            return made(contents).to(contents.device)

        @torch.inference_mode()
        def striped(photo: Striped, on_step: OnStep | None) -> Striped:
            if fits(self.encoder, self.config.levels, photo):
                return Striped.of(run(photo.whole(), on_step))
            return narrow(made(photo.kept_small(), torch.float16))

        network = AdaINNetwork(self.encoder, self.network, self._statistics(card))
        return Stylizer(run, network, striped=striped)

    def any_style(self) -> AnyStyle:
        """Encoder and decoder, with the style's statistics in between."""
        self.check_encoder()
        levels, size = self.config.levels, self.style_size(self.chosen())
        shape = 2, sum(map(self.network.width, levels))
        graphs = Graphs(self.encoder, self.network, levels)
        names = {"statistics": shape}
        alpha = {"alpha": 1.0}
        return AnyStyle(graphs.style, graphs.network, names, alpha, size, regions=graphs.regions)

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """Regions put together in feature space (the paper's spatial control): every place of the
        features takes the statistics of its region's style, and all are decoded together."""
        for card in cards:
            self.stylizer(card)  # which refuses what cannot be run
        lights = [cache(partial(self._light, card)) for card in cards]

        @torch.inference_mode()
        def stylize(contents: Tensor, shares: Tensor, on_step: OnStep | None) -> Tensor:
            features = self.seen(contents)
            changes = [
                _changed_by(self.to_style(contents, features, card, light))
                for card, light in zip(cards, lights, strict=True)
            ]
            mixed = by_regions(changes, shares, features, self.network.stride)
            height, width = contents.shape[-2:]
            return self.decode(features, height, width, mixed).to(contents.device)

        return stylize

    def _measured(
        self, pictures: Sequence[Tensor], mask: Tensor | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """A card's tensors, the mean statistics of pictures (3, H, W), and its configuration."""
        return self._as_card([self.statistics(self.encode(x.unsqueeze(0)), mask) for x in pictures])

    def _as_card(
        self, encoded: Sequence[dict[str, Statistics]]
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors: dict[str, Tensor] = {}
        for level in self.config.levels:
            rows = [torch.cat(found[level]) for found in encoded]
            mean, deviation = torch.stack(rows).mean(0).cpu()
            tensors |= dict(zip(_names(level), (mean, deviation), strict=True))
        return tensors, {"level": self.config.level}

    def _statistics(self, card: StyleCard) -> dict[str, tuple[Tensor, Tensor]]:
        """Mean and deviation (C,) of every level, from a card of these weights."""
        expected = {level: self.network.width(level) for level in self.config.levels}
        found = {n: card.tensors.get(n) for level in expected for n in _names(level)}
        for name, tensor in found.items():
            channels = expected[name.partition(".")[2]]
            if tensor is None or tensor.shape != (channels,):
                raise GessoError(f"a card without {name} of {channels} channels")
        place = self.place
        return {
            level: (card.tensors[mean].to(place), card.tensors[deviation].to(place))
            for level in expected
            for mean, deviation in [_names(level)]
        }


def _changed_by(maps: dict[str, Statistics]) -> tiles.Change:
    """AdaIN as the change of a tile's features."""

    def change(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
        return tiles.mapped(x, maps[level])

    return change


def _among(own: Statistics, ordinary: tuple[Tensor, Tensor], share: Tensor) -> Statistics:
    """Mean and deviation (B, C) of features of which ordinary pictures have `share` (B, 1)."""
    mean, variance = pooled((own[0], own[1].square()), ordinary, share)
    return mean, torch.where(share > 0, variance.sqrt(), own[1])


def _names(level: str) -> tuple[str, str]:
    """The names of a level's tensors in a card."""
    return f"{MEAN}.{level}", f"{DEVIATION}.{level}"
