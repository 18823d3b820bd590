"""The controls of every method, under the names they have on the command line. Knows only Method,
StyleCard and Stylizer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from gesso.cards.blend import shares_of
from gesso.cards.card import StyleCard
from gesso.controls.chroma import with_chroma
from gesso.controls.color import checked_color, with_color
from gesso.controls.options import PAINTING, ControlOptions, check_masks
from gesso.controls.painting import Limit, coarse_to_fine, with_ground, with_limit
from gesso.controls.palette import Palette, palette_settings, with_palette
from gesso.controls.polish import can_polish, polished
from gesso.controls.regions import striped_shares
from gesso.controls.strength import as_far, softened
from gesso.errors import GessoError, OptionError
from gesso.methods.base import Method, OnStep
from gesso.methods.registry import load
from gesso.nn.strips import Striped
from gesso.stylizers.stylizer import Stylizer, composite, finished_by


@dataclass(frozen=True)
class Controls(ControlOptions):
    """How the cards of one method are put to use.

    Attributes:
        strength: 0 (the photo itself) to 1 (the style). In between, the picture is that share of
            the way from the photo, see `stylizer`.
        weights: the styles' shares where several are mixed, scaled to sum to 1; None: equal ones.
        color: style; content (keeps the content's colours); luminance (keeps its hues). See
            `gesso.controls.color`.
        color_share: how far the picture's colours go to the mean and covariance of the style's,
            from 0 to 1, where `color` is style (`gesso.controls.palette`); None: as far as the
            method says.
        masks: (h, w) in [0, 1] each, for one style a region; see `region_shares`.
        feather: width in px over which the masks' edges are softened.
        polish: steps on the pixels of every picture, towards the styles of cards that keep their
            Gram matrices (`gesso.controls.polish`); None: the method's default where the cards
            keep those of the encoder at hand, else none.
        stroke: how large strokes are, in the method's usual size: of a photo a copy is painted
            whose sides are as many times smaller, and what changed is carried over; below 1 a
            larger copy, which takes more time and memory, and is shrunk afterwards.
        paint_from: about the longer side in px of the smallest copy that is painted; each of twice
            the size begins with what was made of it (`gesso.controls.painting`). 0: the picture at
            once; None: as the method says (`About.paint_from`).
        paint_size: the longer side in px up to which pictures are painted whole; of larger ones a
            smaller copy is, and what changed is carried over. It may be beyond the method's limit,
            which is the default (`About.paint_pixels`), where there is the time; what does not fit
            into memory is painted in tiles. Polish then sees all that is painted, else a copy of
            `polish.MAX_PIXELS`.
        ground: calm gives the photo's empty places one colour of what was painted there; painted
            leaves them as they are. None is calm (see `gesso.fitting.ground`).

    Raises:
        OptionError: a value that makes no sense.
    """

    def check(self, styles: int) -> None:
        """Raises GessoError where weights or masks do not go with that many styles."""
        if styles < 1:
            raise GessoError("style: none given; at least one is needed")
        if self.masks:
            check_masks(len(self.masks), styles)
        elif self.weights is not None:
            count = len(self.weights)
            if count != styles:
                raise OptionError("weights", f"{count} numbers for {styles} styles; one a style")
            shares_of(count, self.weights)

    def stylizer(
        self, method: Method, cards: StyleCard | Sequence[StyleCard], *, matched: bool = False
    ) -> Stylizer:
        """The stylizer of cards under these controls. Their order decides the picture:

        1. cards are mixed in the shares of `weights`, unless each has a region;
        2. the method's stylizer makes a picture (with masks and without polish one picture of all
           regions, where the method can put them together in feature space), of small copies first
           where `paint_from` says so;
        3. `polish` descends on its pixels; with masks, on each style's picture before these are
           put together;
        4. what changed so far is carried over to a picture larger than `paint_size` and `stroke`
           have it painted, of which all this saw a smaller copy;
        5. `color_share` moves its colours to the style's, with masks in every region;
        6. `ground` is emptied;
        7. `color` gives it the colours asked for, and those of a muted style are not exceeded
           (`gesso.controls.chroma`);
        8. the photo shows where no mask is on;
        9. `strength` moves it back towards the photo.

        Where only these copies, 4 and 6 remain, the stylizer has the method's `network`. Cards of
        matching that were made with `paint_size` and `ground` keep their values, which then are
        the defaults.

        At a strength S below 1 the card is first blended with the method's neutral card, which
        changes the strokes and not just their opacity. But equal steps of the blend are not equal
        steps of the picture, and a neutral network does not give back the photo itself. So the
        blend's picture is then mixed with the photo, or with the full style's picture, until its
        distance from the photo (root mean square over all values) is S times that of the full
        style's: strength never turns back. A card that does not blend with the neutral one is
        mixed in the picture only. Below 1 the method so runs twice for every picture.

        Args:
            method: what runs the cards.
            cards: one, or several to mix or to give a region each.
            matched: their styles already have the content's colours (`color.recolored`).

        Raises:
            GessoError: numbers of cards and weights or masks that do not go together, cards that
                cannot be mixed, a card this method cannot run.
        """
        given = [cards] if isinstance(cards, StyleCard) else list(cards)
        self.check(len(given))
        color, styles = checked_color(self.color), given
        if len(given) > 1 and not self.masks:
            given = [method.blend(given, self.weights or [1.0] * len(given))]
        if self.strength == 0:
            return Stylizer(
                lambda contents, on_step: contents,
                why_none="changes nothing",
                striped=lambda photo, on_step: photo,
            )
        steps = self.polish_steps(method, given)

        how = self.completed({n: v for n, v in styles[0].config.items() if n in PAINTING})
        limit = how.limit(method)
        begin = method.about.paint_from if how.paint_from is None else how.paint_from
        share = method.about.color_share if how.color_share is None else how.color_share
        mixed = None if self.masks else self.weights or [1.0] * len(styles)
        palette = Palette.of(styles, mixed, share) if color == "style" else None
        regions = partial(self._regions, len(styles)) if self.masks else None

        def dressed(cards: list[StyleCard], steps: int = 0, strength: float = 1.0) -> Stylizer:
            own = palette and palette.at(strength)
            whole = with_limit(self._together(method, cards, steps, begin, limit.polished), limit)
            picture = with_ground(with_palette(whole, own, regions), how.ground != "painted")
            colored = with_chroma(with_color(picture, color, matched), color, styles)
            return self._covered(colored, len(cards))

        full = dressed(given, steps)
        if self.strength == 1:
            return full
        soft = partial(dressed, strength=self.strength)
        return as_far(softened(method, given, self.strength, soft), full, self.strength)

    def limit(self, method: Method) -> Limit:
        """Up to which size a method's pictures are painted whole."""
        return Limit(self.paint_size, method.about.paint_pixels, self.stroke)

    def polish_steps(self, method: Method, cards: Sequence[StyleCard]) -> int:
        """The steps of polish that pictures of these cards get."""
        if self.polish is not None:
            return self.polish
        steps = method.about.polish
        return steps if steps and can_polish(method, cards) else 0

    def _together(
        self, method: Method, cards: list[StyleCard], steps: int, begin: int, most: int | None
    ) -> Callable[[float], Stylizer]:
        """What makes the picture of one card, or of several in their regions, of photos whose sides
        have some share of what `feather` is meant for; `most` pixels of them are polished."""

        def one(card: StyleCard) -> Stylizer:
            made = method.stylizer(card)
            whole = coarse_to_fine(lambda share: made, begin, 1.0)
            return polished(whole, method.encoder, card, steps, most)

        if not self.masks:
            only = one(cards[0])
            return lambda share: only
        if steps:
            of_regions = composite([one(card) for card in cards])
        else:
            of_regions = method.stylizer_of_regions(cards)

        def stylizer_at(share: float) -> Stylizer:
            def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
                shares = self._placed(len(cards), Striped.of(contents), share)[0].whole()[0]
                return of_regions(contents, shares.to(contents), on_step)

            return Stylizer(run, why_none="puts several styles together")

        return stylizer_at if steps else partial(coarse_to_fine, stylizer_at, begin)

    def _covered(self, stylizer: Stylizer, styles: int) -> Stylizer:
        """With the photo where no mask is on: of as many masks as styles none takes the rest."""
        if len(self.masks) < styles or not self.masks:
            return stylizer

        def finish(picture: Striped, photo: Striped) -> Striped:
            cover = self._placed(styles, photo)[1]
            return photo.changed(
                lambda strip, rows: torch.lerp(strip, picture.at(rows), cover.at(rows).to(strip))
            )

        return finished_by(stylizer, finish, "shows the photo beyond the masks")

    def _regions(self, styles: int, photo: Striped) -> Striped:
        return self._placed(styles, photo)[0]

    def _placed(self, styles: int, photo: Striped, share: float = 1.0) -> tuple[Striped, Striped]:
        size = (photo.height, photo.width)
        return striped_shares(self.masks, styles, *size, share * self.feather)


def mix(
    cards: Sequence[StyleCard | str | Path],
    weights: Sequence[float] | None = None,
    *,
    exact: bool = False,
) -> StyleCard:
    """One card of several: saved and used like any other.

    Args:
        cards: of one method, or their files; how they blend is the method's affair.
        weights: a number each, scaled to sum to 1; None: equal ones. Beyond [0, 1] they
            exaggerate: (1.5, -0.5) moves away from the second style.
        exact: keep float32, and do not round to float16, as the card's file holds it.

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
    shares = [1.0] * len(found) if weights is None else weights
    mixed = load(kinds[0]).blend(found, shares)
    mixed.settings |= palette_settings(found, shares)
    return mixed if exact else mixed.rounded()
