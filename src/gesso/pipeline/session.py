"""The way from files to pictures: style → card (kept in the cache), cards × controls → stylizer,
jobs → pictures. Nothing is read, hashed, encoded or adapted to twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.cards.cache import CardCache
from gesso.cards.card import StyleCard
from gesso.controls.color import checked_color, recolored
from gesso.controls.controls import Controls
from gesso.controls.options import Color
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.images.read import MAX_PIXELS, Photo, read_photo
from gesso.methods.base import Method, OnStep
from gesso.methods.inputs import ImageLike, as_image, masked
from gesso.methods.registry import DEFAULT, load
from gesso.methods.retouch import of_its_pictures, retouched
from gesso.nn.masks import MaskLike, checked_style_masks, read_style_mask
from gesso.pipeline.banks import BankStyle, bank_of, own_bank
from gesso.pipeline.kept_cards import KeptCards
from gesso.pipeline.photos import Pictures, finished
from gesso.pipeline.plan import Job
from gesso.pipeline.style_cards import Contents, digest, found_style, key, practice, settled
from gesso.pipeline.styles import holds_card, is_card
from gesso.stylizers.stylizer import Stylizer

Styles = Sequence[Any]
"""Pictures (whatever `gesso.read_image` takes), StyleCards, files of either, or the names of
styles: of those that the session's own weights hold, or of bundled ones."""

OnCard = Callable[[Any, StyleCard, bool], None]
"""Is given a style, its card, and whether the card was taken from the cache."""


class Session:
    """One method with its weights and options, from the files of styles and photos to pictures.

    It may be used from several threads: a style that two of them want is adapted to once.

    Args:
        method: a method's name, or a method with weights and encoder of its own.
        options: how the method adapts; by default its defaults.
        retouch: options of pictures (`Option.on_pictures`) that given cards are run with, by name.
        defaults: controls, by name, for calls whose own leave them open (None).
        encoder, weights, device: as for `gesso.load`, where `method` is a name.
        cache: where cards are kept; None: nowhere but in this session.
        contents: what adaptations practise on; None: the photos that are stylized, and where
            there are none the bundled contents. A cached card is known by what it was practised
            on, so the same photos and styles give the same pictures, whatever was done before.
        max_pixels: the largest picture to read, width × height.
        vectors: whether cards keep what polishing needs; by default as the method says.
        exact: cards keep float32 (see `Method.adapt`); not where there is a cache.
        on_card: is given every card that the session makes or takes from the cache.

    Raises:
        GessoError: a method, weights, encoder or options that cannot be used.
    """

    def __init__(
        self,
        method: str | Method = DEFAULT,
        options: Any = None,
        *,
        retouch: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        encoder: str | Path = "compact",
        weights: str | Path | None = None,
        device: str | None = None,
        cache: CardCache | None = None,
        contents: Contents | None = None,
        max_pixels: int = MAX_PIXELS,
        vectors: bool | None = None,
        exact: bool = False,
        on_card: OnCard | None = None,
    ) -> None:
        self.encoder = encoder if isinstance(method, str) else None  # None: the method's own
        if isinstance(method, str):
            method = load(method, weights=weights, encoder=encoder, device=device)
        self.method, self.options = method, method.chosen(options)
        self.bank = bank_of(weights) or own_bank(method.about, method.names)
        self.retouch, self.defaults = dict(retouch or {}), dict(defaults or {})
        self.cache, self.contents = cache, contents
        self.max_pixels, self.exact, self.on_card = max_pixels, exact, on_card
        self.vectors = method.keeps_vectors(self.options) if vectors is None else vectors
        self._kept = KeptCards(cache)

    def card(
        self,
        style: ImageLike | StyleCard,
        *,
        mask: MaskLike = None,
        contents: Contents | None = None,
        color: Color = "style",
        photo: Tensor | None = None,
        on_step: OnStep | None = None,
    ) -> StyleCard:
        """The card of a style: as it is, from its file, from the cache, or adapted now.

        Args:
            style: a picture, a card, the file of either, or the name of a style that the
                session's own weights hold, or of a bundled one.
            mask: only the part of a picture where it is on is the style (see `Method.adapt`).
            contents: what to practise on; None: the session's, or the bundled ones.
            color, photo: the style is given the colours of `photo` (3, H, W) first.
            on_step: is given the steps of an adaptation.

        Raises:
            GessoError: a picture or card that cannot be read, a card this method cannot run, a
                mask with a card.
        """
        style = found_style(style, self.bank)
        if mask is not None and holds_card(style):
            what = shown_name(style, "a style")
            raise OptionError("style_mask", f"of no use with {what}, a card, adapted already")
        if isinstance(style, str | Path) and is_card(Path(style)):
            style = self._checked(Path(style))
        if isinstance(style, BankStyle):
            style = self.method.look_up(style.name)
        if isinstance(style, StyleCard):
            return retouched(self.method, style, self.retouch)
        mask = read_style_mask(mask, self.max_pixels)
        contents = self.contents or contents
        name = key(
            self.method,
            self.options,
            digest(style),
            encoder=self.encoder,
            contents=contents,
            color=color,
            photo=photo,
            exact=self.exact,
            mask=mask,
        )
        with self._kept.lock_of(name):
            card, known = self._kept.get(name), True
            if card is None:
                card, known = self._adapted(style, mask, contents, color, photo, on_step), False
            if self.vectors and card.vectors is None:
                picture = self._picture(style, mask, color, photo)
                card = self.method.complete(card, picture, self.options, mask)
                known = False
            if not known:
                self._kept.put(name, card)
            fresh = name not in self._kept
            self._kept.remember(name, card)
        if fresh and self.on_card is not None:
            self.on_card(style, card, known)
        return retouched(self.method, card, of_its_pictures(self.options))

    def stylizer(
        self,
        styles: Styles,
        controls: Controls | None = None,
        *,
        style_masks: Sequence[MaskLike] = (),
        contents: Contents | None = None,
        on_step: OnStep | None = None,
    ) -> Stylizer:
        """The stylizer of styles under controls; `contents` as for `card`, and `style_masks` are
        none, or one `mask` for each style.

        Where the colours are to be the photo's and all styles are pictures, the styles take on
        the colours of every photo before they are adapted to; cards are recoloured afterwards.

        Raises:
            GessoError: styles that cannot be read or do not go together.
        """
        controls = (controls or Controls()).completed(self.defaults)
        controls.check(len(styles))
        styles = [found_style(style, self.bank) for style in styles]
        masks = checked_style_masks(style_masks, len(styles))
        color = checked_color(controls.color)
        if color == "style" or any(holds_card(style) for style in styles):
            cards = [
                self.card(style, mask=mask, contents=contents, on_step=on_step)
                for style, mask in zip(styles, masks, strict=True)
            ]
            return controls.stylizer(self.method, cards)
        masks = [read_style_mask(mask, self.max_pixels) for mask in masks]
        for style in styles:  # better known now than at every photo
            as_image(style, self.method.style_size(self.options))

        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            rows = []
            for content in contents:
                own = Contents([content])
                how: Any = {"contents": own, "color": color, "photo": content, "on_step": on_step}
                cards = [
                    self.card(style, mask=mask, **how)
                    for style, mask in zip(styles, masks, strict=True)
                ]
                stylizer = controls.stylizer(self.method, cards, matched=True)
                rows.append(stylizer(content.unsqueeze(0), on_step))
            return torch.cat(rows)

        return Stylizer(run, why_none="adapts to the styles in the colours of every photo")

    def stylize(
        self,
        photo: ImageLike,
        styles: Styles,
        controls: Controls | None = None,
        *,
        style_masks: Sequence[MaskLike] = (),
        size: int | None = None,
        on_step: OnStep | None = None,
    ) -> Photo:
        """A photo in the styles, with the photo's transparency and EXIF block. The styles are
        adapted to on the photo, unless the session has contents.

        Args:
            photo: a picture.
            style_masks: as for `stylizer`.
            size: the longer side of the result in px; None: the photo's.
            on_step: is given the steps of adaptations and of polish.

        Raises:
            GessoError: a photo or style that cannot be read.
        """
        photo = settled(photo)
        found = self.photo(photo, size)
        source = found.rgb if isinstance(photo, Photo) else photo
        own = Contents([source], size, seen=found.rgb)
        stylizer = self.stylizer(
            styles, controls, style_masks=style_masks, contents=own, on_step=on_step
        )
        return finished(found, stylizer, shown_name(photo), on_step)

    def photo(self, photo: ImageLike, size: int | None = None) -> Photo:
        """A photo as it is stylized."""
        if isinstance(photo, Photo):
            return photo
        return read_photo(photo, size=size, max_pixels=self.max_pixels)

    def run(
        self,
        jobs: Iterable[Job],
        stylizer: Stylizer,
        pictures: Pictures | None = None,
        *,
        on_step: OnStep | None = None,
    ) -> dict[Path, str]:
        """Do every job; returns photo → one line for those that failed, in the jobs' order."""
        pictures = pictures or Pictures(max_pixels=self.max_pixels)
        failures = {}
        for job in jobs:
            try:
                pictures.stylize(job, stylizer, on_step)
            except GessoError as error:
                failures[job.photo] = str(error)
        return failures

    def _checked(self, path: Path) -> StyleCard:
        name = digest(path)  # a file of that name may be another tomorrow
        with self._kept.lock_of(name):
            card = self._kept.get(name, cached=False) or StyleCard.load(path)
            if card.method != self.method.name:
                raise GessoError(
                    f"{shown(path)}: a card of {card.method}, the method is {self.method.name}"
                )
            try:
                if name not in self._kept:
                    self.method.stylizer(card)
            except GessoError as error:
                raise GessoError(f"{shown(path)}: {error}") from error
            self._kept.remember(name, card)
        return card

    def _picture(
        self, style: ImageLike, mask: Tensor | None, color: Color, photo: Tensor | None
    ) -> ImageLike:
        """The style as it is adapted to: a file stays one, unless its colours change."""
        if photo is None or color == "style":
            return style
        size = self.method.style_size(self.options)
        return recolored(masked(style, size, mask)[0], photo, color)

    def _adapted(
        self,
        style: ImageLike,
        mask: Tensor | None,
        contents: Contents | None,
        color: Color,
        photo: Tensor | None,
        on_step: OnStep | None,
    ) -> StyleCard:
        practised = practice(contents, color) if self.method.practises(self.options) else None
        card = self.method.adapt(
            self._picture(style, mask, color, photo), practised, self.options,
            style_mask=mask, on_step=on_step, vectors=self.vectors, exact=self.exact,
        )  # fmt: skip
        if isinstance(style, str | Path):
            card.provenance |= {"style": Path(style).name, "sha256": digest(style)}
        return card


def shown_name(photo: ImageLike, other: str = "photo") -> str:
    """What messages call a photo; `other` where it is no file."""
    return shown(photo) if isinstance(photo, str | Path) else other
