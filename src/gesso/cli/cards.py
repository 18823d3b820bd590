"""From the options of a command to a method and its cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.cli.console import say, threads_are_chosen
from gesso.cli.options import AdaptOptions
from gesso.cli.progress import showing, step_reporter
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.reports import stage

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.methods.base import Method
    from gesso.pipeline.style_cards import Adaptation, Practice

SUFFIX = ".safetensors"


def practice_on(photos: Sequence[Path], size: int | None, options: AdaptOptions) -> Practice:
    """What to adapt on: the pictures of --contents, else the photos to be stylized."""
    from gesso.pipeline.style_cards import Practice, folder_practice

    if options.contents is not None:
        return folder_practice(options.contents, size, options.pixels)
    return Practice(photos, size, max_pixels=options.pixels)


def method_and_cards(
    styles: Sequence[Path],
    practice: Practice | None,
    options: AdaptOptions,
    use_cache: bool,
    quiet: bool,
) -> tuple[Method, list[StyleCard]]:
    """The cards of the styles, each read from its file or made of the picture in it, and the
    method to run them all."""
    known = known_cards(styles)
    if all(style in known for style in styles):
        _refuse_adapting(known, options)
    method = method_of(options, known)
    cards = []
    for style in styles:
        card = known.get(style) or adapt_to(method, style, practice, options, use_cache, quiet)
        cards.append(card)
    return method, cards


def known_cards(styles: Sequence[Path]) -> dict[Path, StyleCard]:
    """Those of the files that are cards. Raises GessoError for one that cannot be read."""
    from gesso.cards.card import StyleCard
    from gesso.pipeline.style_cards import is_card

    return {style: StyleCard.load(style) for style in styles if is_card(style)}


def method_of(options: AdaptOptions, cards: dict[Path, StyleCard] | None = None) -> Method:
    """The method of the options, or that of the cards, which it has to be able to run.

    Raises:
        GessoError: options the method does not know, cards of several methods.
    """
    from gesso.methods.registry import load, load_class

    known = cards or {}
    name = options.method or next((card.method for card in known.values()), "metastyle")
    for path, card in known.items():
        if card.method != name:
            given = f"--method {name}" if options.method else f"{shown(next(iter(known)))}: {name}"
            raise GessoError(f"{given}: {shown(path)} is a card of {card.method}")
    options.fit(load_class(name))  # a senseless option is told before anything is loaded
    encoder = options.encoder or "compact"
    method = load(name, weights=options.model, encoder=encoder, device=options.device)
    for path, card in known.items():
        try:
            method.stylizer(card)
        except GessoError as error:
            raise GessoError(f"{shown(path)}: {error}") from error
    return method


def _refuse_adapting(cards: dict[Path, StyleCard], options: AdaptOptions) -> None:
    """Raises GessoError for options that only matter while adapting."""
    from gesso.methods.registry import load_class

    path, card = next(iter(cards.items()))
    runs = load_class(card.method).runs_encoder or options.grams  # to polish
    needed = ("--encoder",) if runs else ()
    given = [flag for flag in options.given() if flag not in needed]
    if given:
        names = ", ".join(given)
        raise GessoError(f"{names}: of no use with {shown(path)}, a card, which is adapted already")


def adaptation(
    method: Method, practice: Practice | None, options: AdaptOptions, **more: Any
) -> Adaptation:
    """How the options would have a picture adapted to; `more`: arguments of `Method.adapt`."""
    from gesso.pipeline.style_cards import Adaptation

    return Adaptation(
        options.encoder or "compact",
        practice,
        given=options.contents is not None,
        style_size=options.style_size,
        options=options.fit(type(method)) | more,
        max_pixels=options.pixels,
        grams=method.polish > 0 and not options.only_in if options.grams is None else options.grams,
    )


def adapt_to(
    method: Method,
    style: Path,
    practice: Practice | None,
    options: AdaptOptions,
    use_cache: bool,
    quiet: bool,
    **more: Any,
) -> StyleCard:
    """The card of a picture: from the cache, or adapted now."""
    from gesso.cards.cache import CardCache
    from gesso.nn.threads import ThreadWatch
    from gesso.pipeline.style_cards import cached_card

    how = adaptation(method, practice, options, **more)
    cache = CardCache() if use_cache else None
    with showing(quiet) as show, stage("adapting"):
        watch = None if threads_are_chosen() else ThreadWatch()
        on_step = step_reporter(show, f"adapting to {style.name}", watch)
        card, known = cached_card(method, style, how, cache, on_step)
    say(f"{shown(style)}: {_told(card, known)}", quiet)
    return card


def _told(card: StyleCard, known: bool) -> str:
    if known:
        return "adapted before, card taken from the cache"
    steps, seconds = card.provenance.get("steps"), card.provenance.get("seconds", 0.0)
    if steps is None:
        return f"adapted, one pass in {seconds:.2f} s"
    return f"adapted, {steps} steps in {seconds:.1f} s"


def card_target(target: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raises GessoError if no card can be written to `target`: better known before than after."""
    if target.suffix.lower() != SUFFIX:
        raise GessoError(f"{shown(target)}: a card's name ends in {SUFFIX}")
    if not target.parent.is_dir():
        raise GessoError(f"{shown(target)}: its folder does not exist; make it first")
    if target.exists():
        if any(path.is_file() and target.samefile(path) for path in inputs):
            raise GessoError(f"{shown(target)}: is an input, which is never overwritten")
        if not overwrite:
            raise GessoError(f"{shown(target)}: exists; --overwrite replaces it")
