"""The controls of every method, under the names they have on the command line: strength, weights,
color, masks. Knows only Method, StyleCard and stylizer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gesso.cards.blend import shares_of
from gesso.cards.card import StyleCard
from gesso.controls.color import checked_color, with_color
from gesso.controls.polish import check_steps, polished
from gesso.controls.regions import Stylize, check_masks, composite, region_shares
from gesso.errors import GessoError
from gesso.methods.base import Method
from gesso.methods.registry import load


@dataclass(frozen=True)
class Controls:
    """How the cards of one method are put to use.

    Attributes:
        strength: 0 (the photo itself) to 1 (the style). In between, the picture is that share of
            the way from the photo, see `stylizer`.
        weights: the styles' shares where several are mixed, scaled to sum to 1; None: equal ones.
        color: style; content (keeps the content's colours); luminance (keeps its hues). See
            `gesso.color`.
        masks: (h, w) in [0, 1] each, for one style a region; see `gesso.regions.region_shares`.
        feather: width in px over which the masks' edges are softened.
        polish: steps on the pixels of every picture, towards the styles of cards that keep their
            Gram matrices; see `gesso.polish`.

    Raises:
        GessoError: a value that makes no sense.
    """

    strength: float = 1.0
    weights: Sequence[float] | None = None
    color: str = "style"
    masks: Sequence[Tensor] = ()
    feather: float = 0.0
    polish: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise GessoError(f"strength: {self.strength} is out of range; allowed are 0 to 1")
        checked_color(self.color)
        check_steps(self.polish)
        object.__setattr__(self, "masks", tuple(self.masks))  # a tensor (K, h, w) will do
        if self.weights is not None and self.masks:
            raise GessoError("weights: of no use with masks, which give each style its region")
        if not 0 <= self.feather < math.inf:
            raise GessoError(f"feather: {self.feather} px; allowed are numbers from 0")
        if self.feather and not self.masks:
            raise GessoError("feather: of no use without masks")

    def check(self, styles: int) -> None:
        """Raises GessoError where weights or masks do not go with that many styles."""
        if self.masks:
            check_masks(len(self.masks), styles)
        elif self.weights is not None:
            count = len(self.weights)
            if count != styles:
                raise GessoError(f"weights: {count} numbers for {styles} styles; one a style")
            shares_of(count, self.weights)

    def stylizer(
        self, method: Method, cards: StyleCard | Sequence[StyleCard], *, matched: bool = False
    ) -> Stylize:
        """A function of contents (B, 3, H, W) in [0, 1] to pictures of the same shape.

        At a strength S below 1 the card is first blended with the method's neutral card, which
        changes the strokes and not just their opacity. But no network's way from neutral to style
        is even, and a neutral network does not give back the photo itself. So the blend's picture
        is then mixed with the photo, or with the full style's picture, until its distance from
        the photo (root mean square over all values) is S times that of the full style's: strength
        never turns back. A card that does not blend with the neutral one is mixed in the picture
        alone. Below 1 the method so runs twice for every picture.

        Args:
            method: what runs the cards.
            cards: one, or several to mix or to give a region each.
            matched: their styles already have the content's colours (`gesso.color.recolored`).

        Raises:
            GessoError: numbers of cards and weights or masks that do not go together, cards that
                cannot be mixed, a card this method cannot run.
        """
        given = [cards] if isinstance(cards, StyleCard) else list(cards)
        self.check(len(given))
        if not self.masks and len(given) > 1:
            given = [method.blend(given, self.weights or [1.0] * len(given))]
        if self.strength == 0:
            return _unchanged
        full = self._finished(_polished(method, given, self), len(given), matched)
        if self.strength == 1:
            return full
        soft = full
        if all(method.blends_with_neutral(card) for card in given):
            soft = self._finished(_softer(method, given, self), len(given), matched)
        return _as_far(soft, full, self.strength)

    def _finished(self, stylize: Stylize, styles: int, matched: bool) -> Stylize:
        """With the colours asked for, and the photo where no mask is on."""
        colored = with_color(stylize, checked_color(self.color), matched)
        if len(self.masks) < styles or not self.masks:
            return colored

        def covered(contents: Tensor) -> Tensor:
            cover = _regions(self, styles, contents)[1]
            return torch.lerp(contents, colored(contents), cover)

        return covered


def apply_strength(method: Method, card: StyleCard, strength: float) -> Stylize:
    """The stylizer of a card at a strength from 0 (the photo itself) to 1: `Controls(strength)`."""
    return Controls(strength).stylizer(method, card)


def mix(
    cards: Sequence[StyleCard | str | Path], weights: Sequence[float] | None = None
) -> StyleCard:
    """One card of several: saved and used like any other.

    Args:
        cards: of one method, or their files; how they blend is the method's affair.
        weights: a number each, scaled to sum to 1; None: equal ones. Beyond [0, 1] they
            exaggerate: (1.5, -0.5) moves away from the second style.

    Raises:
        GessoError: cards that cannot be read or mixed, with the reason; weights that make no sense.
    """
    found = [card if isinstance(card, StyleCard) else StyleCard.load(card) for card in cards]
    if not found:
        raise GessoError("mix: no cards; at least one is needed")
    kinds = list(dict.fromkeys(card.method for card in found))
    if len(kinds) > 1:
        raise GessoError(
            f"cards of methods {' and '.join(kinds)} cannot be mixed; those of one can"
        )
    return load(kinds[0]).blend(found, [1.0] * len(found) if weights is None else weights)


def _plain(method: Method, cards: Sequence[StyleCard], controls: Controls) -> Stylize:
    if not controls.masks:
        stylizer: Stylize = method.stylizer(cards[0])
        return stylizer
    of_regions = method.stylizer_of_regions(cards)

    def stylize(contents: Tensor) -> Tensor:
        return of_regions(contents, _regions(controls, len(cards), contents)[0])

    return stylize


def _polished(method: Method, cards: Sequence[StyleCard], controls: Controls) -> Stylize:
    """`_plain`, polished; with masks, each style's picture before they are put together."""
    if not controls.polish:
        return _plain(method, cards, controls)
    each = [
        polished(method.stylizer(card), method.encoder, card, controls.polish) for card in cards
    ]
    if not controls.masks:
        return each[0]
    of_regions = composite(each)
    return lambda contents: of_regions(contents, _regions(controls, len(cards), contents)[0])


def _regions(controls: Controls, styles: int, contents: Tensor) -> tuple[Tensor, Tensor]:
    height, width = contents.shape[-2:]
    shares, cover = region_shares(controls.masks, styles, height, width, controls.feather)
    return shares.to(contents), cover.to(contents)


def _softer(method: Method, cards: Sequence[StyleCard], controls: Controls) -> Stylize:
    """The stylizer of cards blended with their neutral ones at the strength."""

    def blended(content: Tensor | None) -> Stylize:
        neutrals = [method.neutral(content, like=card) for card in cards]
        shares = [1 - controls.strength, controls.strength]
        pairs = zip(neutrals, cards, strict=True)
        return _plain(method, [method.blend(pair, shares) for pair in pairs], controls)

    if not method.neutral_of_content:
        return blended(None)
    return lambda contents: torch.cat([blended(c)(c.unsqueeze(0)) for c in contents])


def _as_far(soft: Stylize, full: Stylize, strength: float) -> Stylize:
    def stylize(contents: Tensor) -> Tensor:
        fulls = full(contents)
        softs = fulls if soft is full else soft(contents)
        rows = zip(contents, softs, fulls, strict=True)
        return torch.stack([at_distance(*row, strength) for row in rows])

    return stylize


def at_distance(content: Tensor, soft: Tensor, full: Tensor, strength: float) -> Tensor:
    """Of the way from the content by the soft picture to the full one, the point whose distance
    from the content is `strength` times that of the full one. All (3, H, W)."""
    away, onward = soft - content, full - soft
    # |away + x·onward|² = wanted, with the square at x = 1 being the full picture's distance.
    a, b, found = _mean(onward, onward), _mean(away, onward), _mean(away, away)
    wanted = strength**2 * (a + 2 * b + found)
    if found >= wanted:  # too far, even where nothing is far: mixed with the content
        return torch.lerp(content, soft, math.sqrt(max(0.0, wanted) / found)) if found else soft
    missing = wanted - found
    root = math.sqrt(b * b + a * missing)
    share = missing / (b + root) if b > 0 else (root - b) / a  # the one in (0, 1]; no cancellation
    return torch.lerp(soft, full, min(1.0, share))


def _mean(one: Tensor, other: Tensor) -> float:
    """Of the products, in float64, which a large picture has no room for at once."""
    rows = zip(one, other, strict=True)
    return sum(float((x.double() * y.double()).sum()) for x, y in rows) / one.numel()


def _unchanged(content: Tensor) -> Tensor:
    return content
