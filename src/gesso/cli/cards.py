"""From the options of a command to a method and a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.cli.console import adapting, say
from gesso.cli.options import AdaptOptions
from gesso.errors import GessoError
from gesso.files import shown

if TYPE_CHECKING:
    from gesso.adaptation import Practice
    from gesso.card import StyleCard
    from gesso.methods.base import Method


def practice_on(photos: Sequence[Path], size: int | None, options: AdaptOptions) -> Practice:
    """What to adapt on: the pictures of --contents, else the photos to be stylized."""
    from gesso.adaptation import Practice, folder_practice

    if options.contents is not None:
        return folder_practice(options.contents, size, options.pixels)
    return Practice(photos, size, max_pixels=options.pixels)


def method_and_card(
    style: Path, practice: Practice, options: AdaptOptions, use_cache: bool, quiet: bool
) -> tuple[Method, StyleCard]:
    """The card in the file `style`, or that of the picture in it, and the method to run it."""
    from gesso.adaptation import is_card

    if is_card(style):
        return with_card(style, options)
    return adapt_to(style, practice, options, use_cache, quiet)


def adapt_to(
    style: Path,
    practice: Practice | None,
    options: AdaptOptions,
    use_cache: bool,
    quiet: bool,
    **more: Any,
) -> tuple[Method, StyleCard]:
    """The method of the options, and its card of a picture: from the cache, or adapted now.

    `more`: further arguments of `Method.adapt`.
    """
    from gesso.adaptation import Adaptation, cached_card
    from gesso.cache import CardCache
    from gesso.methods import load, load_class

    name, encoder = options.method or "metastyle", options.encoder or "compact"
    fit = options.fit(load_class(name))  # a senseless option is told before anything is loaded
    method = load(name, weights=options.weights, encoder=encoder, device=options.device)
    adaptation = Adaptation(
        encoder,
        practice,
        given=options.contents is not None,
        style_size=options.style_size,
        options=fit | more,
        max_pixels=options.pixels,
    )
    cache = CardCache() if use_cache else None
    with adapting(f"adapting to {style.name}", quiet) as on_step:
        card, known = cached_card(method, style, adaptation, cache, on_step)
    say(f"{shown(style)}: {_told(card, known)}", quiet)
    return method, card


def _told(card: StyleCard, known: bool) -> str:
    if known:
        return "adapted before, card taken from the cache"
    origin = card.provenance
    return f"adapted, {origin.get('steps', 0)} steps in {origin.get('seconds', 0):.1f} s"


def with_card(path: Path, options: AdaptOptions) -> tuple[Method, StyleCard]:
    """The card in the file, and the method to run it; options that only matter while adapting are
    refused."""
    from gesso.card import StyleCard
    from gesso.methods import load, load_class

    card = StyleCard.load(path)
    needed = ("--encoder",) if load_class(card.method).runs_encoder else ()
    given = [flag for flag in options.given() if flag not in needed]
    if given:
        names = ", ".join(given)
        raise GessoError(f"{names}: of no use with {shown(path)}, a card, which is adapted already")
    if options.method not in (None, card.method):
        raise GessoError(f"--method {options.method}: {shown(path)} is a card of {card.method}")
    encoder = options.encoder or "compact"
    method = load(card.method, weights=options.weights, encoder=encoder, device=options.device)
    try:
        method.stylizer(card)
    except GessoError as error:
        raise GessoError(f"{shown(path)}: {error}") from error
    return method, card
