"""Matching: nearest features in the place of statistics (Kolkin et al. 2022, "Neural Neighbor Style
Transfer"), with gesso's encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gesso.cards.blend import parts_of, shares_of
from gesso.cards.card import StyleCard, provenance
from gesso.cards.unions import in_one_space, union
from gesso.encoders.base import Encoder
from gesso.encoders.projected import principal_directions
from gesso.errors import GessoError
from gesso.fitting.carry import at_most
from gesso.fitting.kept import kept_colors, kept_rows
from gesso.fitting.painting import OnPaint, Redraw, paint
from gesso.fitting.regions import Regions, Styles
from gesso.fitting.settings import Painting
from gesso.graphs.drawing import scales
from gesso.methods.adapted import Adapted
from gesso.methods.base import ImageLike, Method, OnStep, Style
from gesso.methods.inputs import as_image, enlarged
from gesso.methods.matching.about import ABOUT, Options
from gesso.methods.matching.reading import directions_of, kept_sizes, projected, read, sizes_of
from gesso.methods.matching.redrawing import (
    BEFORE,
    DRAWING,
    drawing_of,
    joined,
    kept_painting,
    redraw_of,
    split,
    swap_of,
)
from gesso.methods.matching.room import levels_of, room_of
from gesso.methods.matching.seen import COLUMNS, TURNS, rows_of
from gesso.methods.style_swap.method import StyleSwap
from gesso.methods.textures import white_noise
from gesso.nn.masks import part
from gesso.nn.pictures import resize
from gesso.nn.precision import compute_in, fast_dtype
from gesso.options import from_json
from gesso.stylizers.begun import Begun
from gesso.stylizers.drawing import Drawing
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import OfRegions, Stylizer

DRAWN_BY = ("drawn_by", "alpha", "key_blur", "palette_first", "recolor")
"""The options that pictures without steps depend on."""

BEFORE_THESE: dict[str, Any] = {
    "drawn_by": "steps", "half_steps": 0, "centred": False, "structure_last": False,
    "outlines": 0.0, "key_blur": 1.0, "palette_first": 0.0, "structure_least": 0.0,
}  # fmt: skip
"""What cards are painted by that were made before these options."""


class Matching(Method):
    """No network of its own: an encoder, and a descent on every picture. With the encoder that
    style swap's inverse network was trained with, that draws the larger scales."""

    about = ABOUT

    @cached_property
    def _swap(self) -> StyleSwap | None:
        return swap_of(self.encoder, self.place)

    @cached_property
    def _swap_before(self) -> StyleSwap | None:
        return swap_of(self.encoder, self.place, BEFORE)

    def _swap_of(self, card: StyleCard) -> StyleSwap | None:
        """What draws a card's pictures: those of cards of before stay what they were."""
        return self._swap if "key_blur" in card.config else self._swap_before

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Options, on_step: OnStep | None
    ) -> Adapted:
        """The style itself, or its vectors at every scale; the work is the stylizer's."""
        sizes = scales(options.style_size)
        tensors = self._tensors(style.at, sizes, options, style.mask)
        return Adapted(tensors, self._config(options))

    def _config(self, options: Options) -> dict[str, Any]:
        names = [*Painting.__dataclass_fields__, "rotations"]
        encoder = {"encoder": self.encoder.name, "encoder_sha256": self.encoder.identity}
        return {**{name: getattr(options, name) for name in names}, **encoder}

    def _tensors(
        self,
        at: Callable[[int], Tensor],
        sizes: Sequence[int],
        options: Options,
        mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """A card's tensors of a style that `at` shows at a longer side in px: with the encoder that
        patches are drawn with the painting, and else vectors."""
        if self._swap is None:
            return self._vectors({size: at(size) for size in sizes}, options, mask)
        picture = at(sizes[-1])
        colors = kept_colors(part(picture[None], mask)[0], options.seed)
        return colors | kept_painting(picture, mask)

    @torch.no_grad()
    def _vectors(
        self, pictures: dict[int, Tensor], options: Options, mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """A card's tensors from the style (3, h, w) by its longer side, coarse to fine: from the
        places where the mask (h, w) is on."""
        encoder, levels, room = self.encoder, levels_of(self.encoder), room_of(self.encoder)
        finest = next(reversed(pictures.values()))
        tensors = kept_colors(part(finest[None], mask)[0], options.seed)
        if room.widths:
            seen = [picture.unsqueeze(0) for picture in pictures.values()]
            tensors |= directions_of(*principal_directions(encoder, seen, room.widths))
            encoder = projected(encoder, tensors, self.place)
        turns = range(TURNS if options.rotations else 1)
        for place, (size, picture) in enumerate(pictures.items()):
            found = [rows_of(encoder, levels, picture, mask, turn) for turn in turns]
            columns = torch.cat([rows[COLUMNS] for rows in found])
            most = room.columns[max(0, place + len(room.columns) - len(pictures))]
            tensors |= kept_rows(f"scale.{size}", columns, most, options.seed)
        for level in levels:
            rows = torch.cat([one[level] for one in found]).float()
            tensors |= kept_rows(f"level.{level}", rows, room.own[level], options.seed)
        return tensors

    def _stylizer(self, card: StyleCard) -> Stylizer:
        how, (style, encoder) = _painting(card), read(card, self.encoder, self.place)
        redraw = redraw_of([card], self._swap_of(card), how.blurred)

        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            return self._each(contents, style, encoder, how, redraw, on_step)

        return Stylizer(run, why_none="optimises every picture by itself")

    def drawing(self) -> Drawing | None:
        """The networks that patches are drawn with: pictures without steps need no others."""
        if self._swap is None:
            return None
        options = Options()
        settings = {name: getattr(options, name) for name in DRAWN_BY}
        before = {name: value for name, value in BEFORE_THESE.items() if name in DRAWN_BY}
        settings |= {"before": {"weights": BEFORE, **before}}
        return drawing_of(self._swap, DRAWING, settings, options.style_size)

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """Regions painted together: in one descent every place is matched with the vectors of its
        own region's style. A place that several share goes to one of them, by chance in their
        shares. Cards that are painted in different ways are painted apart."""
        apart, ways = super().stylizer_of_regions(cards), [_painting(card) for card in cards]
        if any(how != ways[0] for how in ways):
            return apart
        parts = [split(card.tensors) for card in cards]
        spaces = zip(parts, in_one_space([vectors for _, vectors in parts]), strict=True)
        own = [paintings | vectors for (paintings, _), vectors in spaces]
        alike = [replace(c, tensors=t) for c, t in zip(cards, own, strict=True)]
        found = [read(card, self.encoder, self.place) for card in alike]
        styles, encoder = [style for style, _ in found], found[0][1]

        def stylize(contents: Tensor, shares: Tensor, on_step: OnStep | None) -> Tensor:
            regions = Regions(styles, shares.to(self.place), ways[0].seed)
            swap = self._swap_of(cards[0])
            redraw = redraw_of(cards, swap, ways[0].blurred, regions.shares)
            return self._each(contents, regions, encoder, ways[0], redraw, on_step)

        return stylize

    def _each(
        self,
        contents: Tensor,
        styles: Styles,
        encoder: Encoder,
        how: Painting,
        redraw: Redraw | None,
        on_step: OnStep | None,
    ) -> Tensor:
        """Every content painted, by itself."""
        rows = []
        for number, content in enumerate(contents):
            report = in_batch(on_step, number, len(contents))
            heard = None if report is None else _named(report)

            photo, begun = content.unsqueeze(0).to(self.place), Begun()
            last = how if begun.afresh else how.at_half(0.0)  # strokes are where they belong
            fewer = replace(last, final_steps=begun.steps(last.final_steps))
            with (
                compute_in(fast_dtype(self.place)),
                torch.inference_mode(False),
                torch.enable_grad(),
            ):
                made = paint(photo.clone(), styles, encoder, fewer, heard, redraw, begun)
                rows.append(begun.keep(made))
        return torch.cat(rows).to(contents.device)

    def _texture(
        self,
        card: StyleCard,
        height: int,
        width: int,
        seed: int,
        tileable: bool,
        on_step: OnStep | None,
    ) -> Tensor:
        """Painted on noise, whose structure is not to stay; a large one in a smaller copy, as
        pictures are."""
        free = replace(card, config={**card.config, "structure": 0.0, "outlines": 0.0})
        stylizer, noise = self.stylizer(free), white_noise(height, width, seed).unsqueeze(0)
        most = self.about.paint_pixels or height * width
        return at_most(most, noise, lambda copy: stylizer(copy, on_step))[0]

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The content as its own style, whose vectors are all it is matched with; without a
        content the bundled ones' would be no style, so one of them stands for all."""
        options = Options() if like is None else _options(like)
        image = as_image(content) if content is not None else torch.full((3, 64, 64), 0.5)
        sizes = scales(options.style_size) if like is None else sizes_of(like)

        def at(size: int) -> Tensor:
            return enlarged(resize(image, size)).to(self.place)

        with compute_in(fast_dtype(self.place)):
            tensors = self._tensors(at, sizes, options)
        return StyleCard(self.name, tensors, self._config(options), provenance=provenance())

    def softened(
        self, card: StyleCard, strength: float, content: ImageLike | None = None
    ) -> StyleCard | None:
        """The card with a larger share of the photo in the query: all of it at a strength of 0."""
        alpha = 1 - strength * (1 - _painting(card).alpha)
        return replace(card, config={**card.config, "alpha": alpha})

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Always: strength is the photo's share in the query."""
        return True

    def blend(self, cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
        """The union of the cards' vectors in the shares given, which have to be positive: the
        query chooses among them. It is painted as the first card says.

        Raises:
            GessoError: cards of other encoders, scales or seeds, negative shares.
        """
        shares = shares_of(len(cards), weights)
        first = cards[0]
        if min(shares) < 0:
            raise GessoError("cards of matching are mixed in positive shares; one is negative")
        paintings, config = joined(cards, shares)
        vectors = [split(card.tensors)[1] for card in cards]
        if not all(map(kept_sizes, cards)):
            if not paintings:
                raise GessoError(
                    "cards of which one keeps its painting, another none: they cannot be mixed; "
                    "adapt the older anew"
                )
            vectors = [_without(own) for own in vectors]
        for card, own in zip(cards, vectors, strict=True):
            if own.keys() != vectors[0].keys() or _made_by(card) != _made_by(first):
                raise GessoError(
                    "cards of matching can be mixed when encoder, style size and seed agree"
                )
        tensors = union(vectors, shares) | paintings
        parts = [p for c, share in zip(cards, shares, strict=True) for p in parts_of(c, share)]
        origin = provenance() | {"blend": parts}
        return StyleCard(self.name, tensors, {**first.config, **config}, provenance=origin)


def _without(vectors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Colours alone."""
    return {name: tensor for name, tensor in vectors.items() if name.startswith("colors.")}


def _made_by(card: StyleCard) -> list[Any]:
    """What of a card's configuration its vectors depend on."""
    return [card.config.get(name) for name in ("encoder_sha256", "seed")]


def _named(report: Callable[[int, int, dict[str, float]], None]) -> OnPaint:
    return lambda step, steps, loss: report(step, steps, {"match": loss})


def _painting(card: StyleCard) -> Painting:
    options = _options(card)
    return Painting(**{name: getattr(options, name) for name in Painting.__dataclass_fields__})


def _options(card: StyleCard) -> Options:
    known = BEFORE_THESE | {
        n: v for n, v in card.config.items() if n in Painting.__dataclass_fields__
    }
    return from_json(Options, known, "the configuration of a matching card")
