"""From the options of a command to a session, and to the cards of its styles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.cli.console import import_torch, say, threads_are_chosen
from gesso.cli.engines import through
from gesso.cli.flags import Given, fields_shown, method_values
from gesso.cli.options import Running, Setup
from gesso.cli.progress import step_reporter
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.methods.registry import about
from gesso.options import changed
from gesso.pipeline.banks import BankStyle
from gesso.pipeline.presets import Chosen, chosen
from gesso.pipeline.styles import holds_card
from gesso.reports import OnProgress, stage

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.methods.base import OnStep
    from gesso.pipeline.session import Session
    from gesso.pipeline.style_cards import Contents

Source = Path | bytes | BankStyle  # of a style


def open_session(
    styles: Sequence[Source],
    setup: Setup,
    given: Given,
    running: Running,
    *,
    size: int | None = None,
    use_cache: bool = False,
    vectors: bool | None = None,
    exact: bool = False,
    engine: str = "torch",
    work: float = 0.0,
) -> Session:
    """The session that makes the cards of these styles and runs them.

    Options are checked before torch is imported, let alone weights.

    Args:
        size: the longer side in px to read the pictures of --contents with.
        vectors, exact: as for `Session`.
        engine, work: as for `gesso.cli.engines.through`: what computes networks.

    Raises:
        GessoError: options that the method does not have, or that are of no use with cards; cards
            of several methods; a method, weights or contents that cannot be used.
    """
    ours, options = checked(styles, setup, given, polished=bool(vectors))
    import_torch()
    from gesso.cards.cache import CardCache
    from gesso.pipeline.session import Session
    from gesso.pipeline.style_cards import Contents

    contents = None
    if setup.contents is not None:
        contents = Contents.named(setup.contents, size, running.pixels)
    changed_by = through(engine, work, setup.device, ours.method)
    try:
        session = Session(
            ours.method,
            options,
            retouch=ours.retouch,
            defaults=ours.controls,
            encoder=setup.encoder or "compact",
            weights=setup.model,
            device=setup.device,
            cache=CardCache() if use_cache else None,
            contents=contents,
            max_pixels=running.pixels,
            vectors=vectors,
            exact=exact,
            on_card=_card_line(running.quiet),
        )
        session.method.engine = changed_by
        return session
    except OptionError as error:
        if error.option == "weights":  # whose flag is --model; --weights are shares
            raise OptionError("model", error.trouble) from error
        raise


def checked(
    styles: Sequence[Source], setup: Setup, given: Given, polished: bool = False
) -> tuple[Chosen, Any]:
    """The method with what was said of it, and its options; without torch. Raises GessoError as
    `open_session` does."""
    name = chosen(setup.preset, setup.method, styles, {}).method
    ours = chosen(setup.preset, setup.method, styles, method_values(name, given))
    if styles and all(map(holds_card, styles)):
        _refuse_adapting(ours, styles[0], setup, given, polished)
    return ours, changed(about(name).options(), ours.options)


def make_card(
    session: Session,
    style: Source,
    show: OnProgress,
    contents: Contents | None = None,
    mask: Path | None = None,
) -> StyleCard:
    """The card of a style, or of the part of it where a mask is on, with its steps shown."""
    with stage("adapting"):
        on_step = reporter(show, f"adapting to {name_of(style)}")
        return session.card(style, mask=mask, contents=contents, on_step=on_step)


def reporter(show: OnProgress, title: str) -> OnStep:
    """An `on_step` that shows steps, and drops to one thread where others take the cores."""
    from gesso.nn.threads import ThreadWatch

    return step_reporter(show, title, None if threads_are_chosen() else ThreadWatch())


def name_of(style: Source) -> str:
    """What messages call a style."""
    return "standard input" if isinstance(style, bytes) else style.name


def _refuse_adapting(
    ours: Chosen, card: Source, setup: Setup, given: Given, polished: bool
) -> None:
    """Raises GessoError for options that only matter while adapting."""
    runs_encoder = about(ours.method).needs.encoder_to_run or polished
    options = fields_shown(about(ours.method).options)
    of_pictures = {one.flag for one in options if one.option.on_pictures}
    useless = {
        "--contents": setup.contents,
        "--encoder": None if runs_encoder else setup.encoder,
        **{flag: value for flag, value in given.items() if flag not in of_pictures},
    }
    names = ", ".join(flag for flag, value in useless.items() if value is not None)
    if names:
        what = shown(card) if isinstance(card, Path) else name_of(card)
        raise GessoError(f"{names}: of no use with {what}, a card, which is adapted already")


def _card_line(quiet: bool) -> Callable[[Any, StyleCard, bool], None]:
    """Says of every style once that it is adapted to."""
    seen: list[Any] = []

    def on_card(style: Any, card: StyleCard, known: bool) -> None:
        if style not in seen:
            seen.append(style)
            what = shown(style) if isinstance(style, Path) else name_of(style)
            say(f"{what}: {_made(card, known)}", quiet)

    return on_card


def _made(card: StyleCard, known: bool) -> str:
    if known:
        return "adapted before, card taken from the cache"
    steps, seconds = card.provenance.get("steps"), card.provenance.get("seconds", 0.0)
    if steps is None:
        return f"adapted, one pass in {seconds:.2f} s"
    return f"adapted, {steps} steps in {seconds:.1f} s"
