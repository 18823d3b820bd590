"""`gesso mix` and `gesso grid`: styles between styles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.adapt import card_target
from gesso.cli.cards import make_card, open_session
from gesso.cli.console import import_torch, say
from gesso.cli.flags import OfMethods
from gesso.cli.progress import showing
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.pipeline.styles import check_for_photos, is_card


def mix(
    cards: Annotated[
        list[str],
        typer.Argument(metavar="CARD=SHARE...", help="Cards of `gesso adapt`, and their shares."),
    ],
    *,
    out: Annotated[Path, opt.option("The card to write (.safetensors).", "CARD", "-o --out")],
    float32: opt.Float32 = False,
    overwrite: opt.Overwrite = True,
    talk: opt.Talk,
) -> int:
    """Mix style cards into one: gesso mix a.safetensors=0.6 b.safetensors=0.4 -o c.safetensors

    Shares are scaled to sum to 1; without =SHARE a card's is 1, and a negative one moves away from
    a style. The new card is used like any other. Cards mix when they come from the same weights
    and hold the same tensors.
    """
    parts = [_part(text) for text in cards]
    paths = [path for path, _ in parts]
    card_target(out, paths, overwrite)
    for path in paths:
        if not is_card(path):
            raise GessoError(
                f"{shown(path)}: a picture; cards can be mixed (gesso adapt makes one)"
            )
    import_torch()
    from gesso.cards.card import StyleCard
    from gesso.controls.controls import mix as mixed

    found = [StyleCard.load(path) for path in paths]
    try:
        card = mixed(found, [share for _, share in parts], exact=float32)
    except GessoError as error:
        names = ", ".join(shown(path.name) for path in paths[:4]) + ", …" * (len(paths) > 4)
        raise GessoError(f"{names}: {error}") from error
    card.save(out, "float32" if float32 else "float16")
    say(f"{shown(out)}: {out.stat().st_size / 1000:.0f} kB written", talk.quiet)
    return 0


def _part(text: str) -> tuple[Path, float]:
    """A card's file and its share: what follows the last "=", if that is no file's name."""
    name, equals, share = text.rpartition("=")
    if not equals or Path(text).is_file():
        return Path(text), 1.0
    try:
        number = float(share)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise GessoError(f"{shown(text)}: {share!r} is no share; allowed are numbers: CARD=0.6")
    return Path(name), number


def grid(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The photo.")],
    *,
    style: Annotated[
        list[str],
        opt.option(
            "Twice: a row from one style to the other. Four times: the corners top left, top "
            "right, bottom left, bottom right.",
            "STYLE",
            "-s --style",
        ),
    ],
    out: opt.Picture,
    columns: Annotated[int, opt.option("Pictures in a row.", "N", min=2, max=32)] = 5,
    rows: Annotated[
        int | None, opt.option("With four styles; default: as columns.", "N", min=2, max=32)
    ] = None,
    size: Annotated[int, opt.option("Longer side of each picture in px.", "PX", min=16)] = 256,
    labels: Annotated[
        bool, opt.option("Write the styles' shares below each picture.", flags="--labels")
    ] = False,
    given: OfMethods,
    setup: opt.Setup,
    cache: opt.Cache = True,
    overwrite: opt.Overwrite = True,
    running: opt.Running,
) -> int:
    """Show the styles between two or four styles, in one picture.

    The cards are blended, so the strokes change and not just their opacity. Styles that are
    pictures are adapted to first, as by `gesso stylize`.
    """
    from gesso.pipeline.banks import bank_of
    from gesso.pipeline.plan import plan_one
    from gesso.pipeline.sources import style_source

    bank = bank_of(setup.model)
    styles = [style_source(text, bank) for text in style]
    job = plan_one(photo, out, [path for path in styles if isinstance(path, Path)])
    if job.out.exists() and not overwrite:
        raise GessoError(f"{shown(job.out)}: exists; --overwrite replaces it")
    session = open_session(styles, setup, given, running, size=size, use_cache=cache)
    check_for_photos(styles, session.options)
    from gesso.controls.controls import Controls
    from gesso.images.sheet import grid_weights, sheet
    from gesso.images.write import write_image
    from gesso.pipeline.style_cards import Contents

    shares = grid_weights(len(styles), columns, rows or columns)
    picture = session.photo(photo, size)
    contents = Contents([photo], size, seen=picture.rgb)
    with showing(running.quiet) as show:
        cards = [make_card(session, path, show, contents) for path in styles]
    blends = [[Controls(weights=weights, polish=0) for weights in row] for row in shares]
    cells = [[session.stylize(picture, cards, blend).rgb for blend in row] for row in blends]
    texts = [[" ".join(f"{w:.2g}" for w in weights) for weights in row] for row in shares]
    write_image(job.out, sheet(cells, texts if labels else ()))
    say(f"{shown(job.out)}: written", running.quiet)
    return 0
