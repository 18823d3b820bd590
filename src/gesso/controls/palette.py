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
from gesso.nn.strips import Striped
from gesso.nn.surroundings import share
from gesso.stylizers.stylizer import Stylizer, finished_by

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

    def given(self, picture: Striped, photo: Striped, regions: Striped | None) -> Striped:
        """A picture in [0, 1] of a photo with these palettes, in their regions (1, K, H, W). Flat
        and dark photos keep what they have (`gesso.nn.surroundings`)."""
        way = self.share * (1 - share(photo))
        if not way:
            return picture
        every = max(1, round((picture.pixels / MEASURED) ** 0.5))
        some = picture.every(every)[0]
        if regions is None:
            moved = Colors.of(some).way(self.styles[0], way)
            return picture.changed(lambda strip, _: moved(strip))
        where = regions.every(every)[0] + TRACE
        ways = [Colors.of(some, w).way(s, way) for s, w in zip(self.styles, where, strict=True)]

        def change(strip: Tensor, rows: slice) -> Tensor:
            parts = zip(ways, regions.at(rows)[0], strict=True)
            return sum((own * moved(strip) for moved, own in parts), torch.zeros_like(strip))

        return picture.changed(change)


def with_palette(
    stylizer: Stylizer, palette: Palette | None, regions: Callable[[Striped], Striped] | None = None
) -> Stylizer:
    """A stylizer whose pictures have the palette; `regions` takes a photo and returns the shares
    (1, K, H, W) of the styles, where each has a region."""
    if palette is None:
        return stylizer

    own = palette

    def finish(picture: Striped, photo: Striped) -> Striped:
        return own.given(picture, photo, regions(photo) if regions is not None else None)

    return finished_by(stylizer, finish, "gives every picture its style's palette")
