"""WCT (Li et al., NeurIPS 2017): at every level, from coarse to fine, features are whitened, take
on a style's covariance and are decoded to the picture that the next level begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from gesso.cards.card import StyleCard, provenance
from gesso.encoders import tiles
from gesso.encoders.coding import by_regions, decoded, encoded, seen
from gesso.encoders.decoder import Blocks
from gesso.errors import GessoError
from gesso.losses.terms import Features
from gesso.methods.adapted import Adapted
from gesso.methods.base import ImageLike, OnStep, Style
from gesso.methods.textures import white_noise
from gesso.methods.trained import Trained
from gesso.methods.wct.about import ABOUT
from gesso.methods.wct.decoders import Config, Decoders, blocks_to
from gesso.methods.wct.transform import Colours
from gesso.nn.covariance import Moments, colours_of, moments_of, of_all, pooled, whole
from gesso.nn.masks import part
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.surroundings import mean_light, shares
from gesso.stylizers.ordinary import ordinary_pictures
from gesso.stylizers.stylizer import OfRegions, Stylizer

__all__ = ["WCT", "Config"]

MEAN, FACTOR, ALPHA = "mean", "factor", "alpha"
TEXTURE_ROUNDS = 3
WHY_NO_NETWORK = "whitens every picture by the eigenvectors of its own covariance"


@dataclass(frozen=True)
class Ordinary:
    """What a style makes of ordinary pictures (`gesso.nn.surroundings`).

    Attributes:
        moments: of their features when a level's turn comes, by level and by what is decoded then.
        light: the mean luminance of what becomes of them.
    """

    moments: dict[str, dict[str, Moments]]
    light: float


@dataclass(frozen=True)
class Way:
    """What becomes of features on their way through the method: towards a style, by level, and
    among ordinary pictures where need be."""

    colours: dict[str, Colours]
    ordinary: Callable[[], Ordinary] | None = None

    def light(self) -> float | None:
        """How light the style makes ordinary pictures."""
        return None if self.ordinary is None else self.ordinary().light

    def among(
        self, level: str, own: dict[str, Moments], share: Tensor | None
    ) -> dict[str, Moments]:
        """The moments at a level; with a share (B,) those of ordinary pictures have that part."""
        if share is None or self.ordinary is None:
            return own
        found = self.ordinary().moments[level]
        return {name: pooled(one, found[name], share) for name, one in own.items()}


class WCT(Trained):
    """An encoder, and the decoders that were trained for its levels."""

    about = ABOUT
    made_of = Config
    config: Config
    network: Decoders

    def encode(self, images: Tensor, level: str) -> dict[str, Tensor]:
        """Features (B, C, h, w) of images (B, 3, H, W) at the levels that are decoded at `level`,
        with a margin, see `gesso.encoders.coding.encoded`."""
        return encoded(self.encoder, images, *self._looked_at(level), narrow=True)

    def seen(self, images: Tensor, level: str) -> dict[str, Tensor] | tiles.Parts:
        """The same, or parts, where they cannot all be held."""
        return seen(self.encoder, images, *self._looked_at(level), narrow=True)

    def _looked_at(self, level: str) -> tuple[tuple[str, ...], Blocks, torch.device]:
        return self.config.decoded(level), blocks_to(self.config.blocks, level), self.place

    @torch.no_grad()
    def moments(
        self, features: Features | tiles.Parts, mask: Tensor | None = None
    ) -> dict[str, Moments]:
        """Mean (B, N) and covariance (B, N, N) of the channels that are heard, in units of their
        size, by level: of `encode`'s features without the margin, where a mask (h, w) is on."""
        levels = features.levels if isinstance(features, tiles.Parts) else tuple(features)

        def walk() -> Iterator[dict[str, Tensor]]:
            inner = tiles.inner(features, levels[0])
            return ({n: part(x, mask) for n, x in one.items()} for one in inner)

        with compute_in(fast_dtype(self.place)):
            found = moments_of(walk)
        return {level: self.network.channels(level).scaled(found[level]) for level in levels}

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """Encode the style at every level; contents are not looked at."""
        picture = style.at(options.style_size).unsqueeze(0)
        tensors = {ALPHA: torch.tensor([options.share])}
        for level in self.config.levels:
            found = self.moments(self.encode(picture, level), style.mask)[level]
            mean, factor = colours_of(found)
            tensors |= {f"{MEAN}.{level}": mean.cpu(), f"{FACTOR}.{level}": factor.cpu()}
        return Adapted(tensors, self._card_config(), base=self.base)

    def _card_config(self) -> dict[str, Any]:
        return {"levels": list(self.config.levels)}

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """α = 0, which leaves features as they are: blended with a card it is the paper's α."""
        if like is not None:
            tensors = {**like.tensors, ALPHA: torch.zeros(1)}
        else:
            tensors = {ALPHA: torch.zeros(1)}
            for level in self.config.levels:
                n = len(self.network.channels(level).heard)
                tensors[f"{MEAN}.{level}"] = torch.zeros(n)
                tensors[f"{FACTOR}.{level}"] = torch.zeros(n * (n + 1) // 2)
        config = self._card_config()
        return StyleCard(self.name, tensors, config, base=self.base, provenance=provenance())

    def _stylizer(self, card: StyleCard) -> Stylizer:
        self.check_encoder()
        way = self._way(card)

        @torch.inference_mode()
        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            return self._through([way], contents).to(contents.device)

        return Stylizer(run, why_none=WHY_NO_NETWORK)

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """Regions put together in feature space (the paper's spatial control), at every level."""
        for card in cards:
            self.stylizer(card)  # which refuses what cannot be run
        ways = [self._way(card) for card in cards]

        @torch.inference_mode()
        def stylize(contents: Tensor, regions: Tensor, on_step: OnStep | None) -> Tensor:
            return self._through(ways, contents, regions).to(contents.device)

        return stylize

    def _texture(
        self,
        card: StyleCard,
        height: int,
        width: int,
        seed: int,
        tileable: bool,
        on_step: OnStep | None,
    ) -> Tensor:
        """The paper's: from noise, with all of the style, some times through all levels."""
        full = replace(card, tensors={**card.tensors, ALPHA: torch.ones(1)})
        stylize = self.stylizer(full)
        picture = white_noise(height, width, seed).unsqueeze(0)
        for _ in range(TEXTURE_ROUNDS):
            picture = stylize(picture)
        return picture[0]

    def _through(
        self, ways: Sequence[Way], contents: Tensor, regions: Tensor | None = None
    ) -> Tensor:
        """Contents through all levels; with regions (K, H, W) each of them goes its way."""
        calm = bool(shares(contents).any())
        seen = [shares(contents, way.light()) if calm else None for way in ways]
        pictures = contents
        for level in self.config.levels:
            pictures = self._stage(level, ways, pictures, seen, regions)
        return pictures

    def _stage(
        self,
        level: str,
        ways: Sequence[Way],
        pictures: Tensor,
        seen: Sequence[Tensor | None],
        regions: Tensor | None,
    ) -> Tensor:
        """Pictures (B, 3, H, W) through one level; the features are gone when the next begins."""
        features, decoder = self.seen(pictures, level), self.network.at(level)
        own = self.moments(features)
        changes = [
            self._change(way.colours, way.among(level, own, share))
            for way, share in zip(ways, seen, strict=True)
        ]
        change = changes[0]
        if regions is not None:
            change = by_regions(changes, regions, features, decoder.stride)
        height, width = pictures.shape[-2:]
        return decoded(decoder, features, height, width, self.place, change)

    def _change(self, colours: dict[str, Colours], own: dict[str, Moments]) -> tiles.Change:
        """The transform of features with these moments, as the change of a tile."""
        maps = {level: colours[level].of(one) for level, one in own.items()}
        channels = {level: self.network.channels(level) for level in own}

        def change(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
            return channels[level].mapped(x, *maps[level])

        return change

    def _way(self, card: StyleCard) -> Way:
        colours = self._colours(card)
        return Way(colours, cache(partial(self._ordinary, colours)))

    @torch.inference_mode()
    def _ordinary(self, colours: dict[str, Colours]) -> Ordinary:
        """What a style makes of ordinary pictures."""
        pictures, moments = ordinary_pictures(), {}
        for level in self.config.levels:
            own = self.moments(self.encode(pictures, level))
            moments[level] = {name: of_all(one) for name, one in own.items()}
            pictures = self._stage(level, [Way(colours)], pictures, [None], None)
        return Ordinary(moments, mean_light(pictures))

    def _colours(self, card: StyleCard) -> dict[str, Colours]:
        """What a card of these weights says of every level."""
        sizes = {level: len(self.network.channels(level).heard) for level in self.config.levels}
        expected = {f"{MEAN}.{level}": (n,) for level, n in sizes.items()}
        expected |= {f"{FACTOR}.{level}": (n * (n + 1) // 2,) for level, n in sizes.items()}
        for name, shape in (expected | {ALPHA: (1,)}).items():
            if name not in card.tensors or card.tensors[name].shape != shape:
                raise GessoError(f"a card without {name} of {shape[0]} numbers")
        moved = {name: tensor.to(self.place) for name, tensor in card.tensors.items()}
        return {
            level: Colours(
                moved[f"{MEAN}.{level}"], whole(moved[f"{FACTOR}.{level}"], n), moved[ALPHA]
            )
            for level, n in sizes.items()
        }
