"""The style's palette: pictures whose colours have the style's mean and covariance.

A network that was trained for every style knows few palettes, and averages of a style's features
are greyer than the style. The map of colours that is nearest to none (optimal transport between
normal distributions; Pitié & Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping")
gives a picture both: AdaIN's idea once more, at the pixels, with all covariances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from gesso.cards.card import PALETTE as KEPT
from gesso.cards.card import StyleCard
from gesso.nn.colors import Colors
from gesso.nn.surroundings import shares
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer

MEASURED = 1_000_000  # pixels of a picture
TRACE = 1e-9  # of a share: a region that is missed by the pixels that are measured has the whole's


def palette_of(card: StyleCard) -> Colors | None:
    """The colours of a card's style; None for a card that keeps none, as those of gesso 0.1."""
    kept = card.settings.get(KEPT)
    return None if kept is None else Colors.from_numbers(kept)


def palette_settings(cards: Sequence[StyleCard], weights: Sequence[float]) -> dict[str, Any]:
    """What a card of a mixture keeps for `palette_of`; {} where one of the cards keeps nothing."""
    palette = Palette.of(cards, weights, 1.0)
    return {} if palette is None else {KEPT: palette.styles[0].numbers()}


@dataclass(frozen=True)
class Palette:
    """The palettes of styles, and how far pictures go to them.

    Attributes:
        styles: one for each region, or that of the mixture.
        share: from 0 to 1.
    """

    styles: tuple[Colors, ...]
    share: float

    @classmethod
    def of(
        cls, cards: Sequence[StyleCard], weights: Sequence[float] | None, share: float
    ) -> Self | None:
        """That of cards which are mixed with these weights, or have a region each (None); None
        where nothing is to be done, or a card keeps no palette."""
        found = [palette_of(card) for card in cards]
        known = [one for one in found if one is not None]
        if not share or len(known) < len(cards):
            return None
        return cls(tuple(known) if weights is None else (Colors.union(known, weights),), share)

    def at(self, strength: float) -> Palette:
        """What a style of that strength has."""
        return replace(self, share=strength * self.share)

    def given(self, pictures: Tensor, contents: Tensor, regions: Tensor | None) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] of contents with these palettes, in their regions
        (K, H, W). Flat and dark contents keep what they have (`gesso.nn.surroundings`)."""
        ways = (self.share * (1 - shares(contents))).tolist()
        return torch.stack([self._one(p, w, regions) for p, w in zip(pictures, ways, strict=True)])

    def _one(self, picture: Tensor, way: float, regions: Tensor | None) -> Tensor:
        if not way:
            return picture
        if regions is None:
            return _moved(picture, self.styles[0], way, None)
        out = torch.zeros_like(picture)
        for style, region in zip(self.styles, regions, strict=True):
            if bool((region > 0).any()):
                out += region * _moved(picture, style, way, region)
        return out


def with_palette(
    stylizer: Stylizer, palette: Palette | None, regions: Callable[[Tensor], Tensor] | None = None
) -> Stylizer:
    """A stylizer whose pictures have the palette; `regions` takes contents and returns the shares
    (K, H, W) of the styles, where each has a region."""
    if palette is None:
        return stylizer

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        where = regions(contents) if regions is not None else None
        return palette.given(stylizer(contents, on_step), contents, where)

    return Stylizer(run, why_none="gives every picture its style's palette")


def _moved(picture: Tensor, target: Colors, way: float, region: Tensor | None) -> Tensor:
    """(3, H, W) in [0, 1], which goes that way to `target` by what its colours are in a region."""
    every = max(1, round((picture.shape[1] * picture.shape[2] / MEASURED) ** 0.5))
    some = None if region is None else region[::every, ::every] + TRACE
    return Colors.of(picture[:, ::every, ::every], some).nearer(picture, target, way)
