"""Styles, ready to draw photos with their patches: a method's pictures without its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gesso.cards.cache import CardCache
from gesso.cards.packing import PlainCard
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.arrays import Pixels
from gesso.runtime import kept
from gesso.runtime.drawing import Drawer, How, drawn
from gesso.runtime.engines import DEFAULT as ENGINE
from gesso.runtime.look import Together
from gesso.runtime.looks import AnyStyle
from gesso.runtime.seen import Seen
from gesso.runtime.sessions import Arrays, Network, Weights
from gesso.runtime.styles import Styles, about_of
from gesso.runtime.swap import Painting, Swap

DEFAULT, PRESET = "matching", "draft"
"""What photos are painted by where nobody says, and what of it."""


@dataclass(frozen=True)
class Drawn(Seen):
    """A style as photos are drawn with it: its paintings, in shares; colors and how as `Drawer` has
    them."""

    paintings: Sequence[Painting] = ()
    shares: Sequence[float] = (1.0,)
    colors: Arrays | None = None
    how: How | None = None


class Drafts(Styles[Drawn]):
    """A method's encoder and decoder, between which the patches of paintings are put. Of a painting
    its WebP and its colours are kept, as torch's cards keep them."""

    def _looked_at(self, picture: Pixels) -> Arrays:
        return kept.kept(picture)

    @property
    def _base(self) -> str:
        return ""

    def _known(self, card: PlainCard, key: str) -> Drawn:
        return self._drawn(card, self._how)

    def _seen_now(self, picture: Pixels) -> Drawn:
        return self._drawn(PlainCard(self.method, self._numbers(picture)), self._how)

    def _of_card(self, source: str | Path, card: PlainCard) -> Drawn:
        try:
            if card.config.get("encoder_sha256") != self.weights.trained_with:
                raise GessoError("a card of another encoder, which needs torch")
            if f"{kept.PAINTING}0" not in card.tensors:
                raise GessoError("a card without its painting, which needs torch")
            name = self.about["weights"]
            return self._drawn(card, How.of_card(card.config, name, self.about["settings"]))
        except GessoError as error:
            raise GessoError(f"{shown(source)}: {error}") from error

    def _drawn(self, card: PlainCard, how: How) -> Drawn:
        found, (paintings, shares) = Drawn.of(card, {}), kept.paintings_of(card)
        colors = kept.colors_in(card.tensors)
        return replace(found, paintings=paintings, shares=shares, colors=colors, how=how)

    def _painter(self, styles: list[Drawn], weights: list[float]) -> Drawer:
        if min(weights) < 0:
            what = f"cards of {self.method} are mixed in positive shares; one is negative"
            raise GessoError(what)
        how = styles[0].how or self._how
        there = [(style, share) for style, share in zip(styles, weights, strict=True) if share]
        parts = [
            (painting, share * own)
            for style, share in there
            for painting, own in zip(style.paintings, style.shares, strict=True)
        ]
        paintings, shares = [painting for painting, _ in parts], [share for _, share in parts]
        return Drawer(self._swap(how.weights), paintings, shares, _colors(there), how)

    def _together(self, styles: Sequence[Drawn]) -> Together | None:
        alike = all(style.how == styles[0].how for style in styles)
        return drawn if alike else None

    @cached_property
    def _how(self) -> How:
        """How photos are drawn with paintings."""
        usual = self.about["settings"]
        return How.of_card({"centred": True, **usual}, self.about["weights"], usual)

    def _swap(self, weights: str) -> Swap:
        if weights not in self._swaps:
            numbers = self.weights if weights == self.about["weights"] else Weights(weights)
            decoder = self._bundled("decoder", weights=numbers)
            self._swaps[weights] = Swap(self._encoder, decoder, self.about)
        return self._swaps[weights]

    @cached_property
    def _swaps(self) -> dict[str, Swap]:
        return {}

    @cached_property
    def _encoder(self) -> Network:
        return self._bundled("encoder")


def _colors(styles: Sequence[tuple[Drawn, float]]) -> Arrays | None:
    """The colours of styles in shares; None where one lacks its own."""
    known = [style.colors for style, _ in styles if style.colors is not None]
    if len(known) < len(styles):
        return None
    return known[0] if len(known) == 1 else kept.union(known, [share for _, share in styles])


def styles_of(
    method: str, cache: CardCache | None = None, engine: str = ENGINE
) -> AnyStyle | Drafts:
    """A method's styles. Raises GessoError for a method without bundled graphs, or weights that do
    not fit."""
    kind = Drafts if "decoder" in about_of(method) else AnyStyle
    return kind(method, cache, engine)
