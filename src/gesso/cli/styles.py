"""`gesso styles`: the styles there are by name, and what they make of a photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gesso.cli import options as opt
from gesso.cli.cards import Source, name_of, open_session, reporter
from gesso.cli.console import say
from gesso.cli.flags import Given, OfMethods, OfPainting, values_of
from gesso.cli.progress import showing
from gesso.controls.options import ControlOptions, of_painting
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.images.styles import bundled_styles
from gesso.pipeline.banks import bank_of

METHOD = "conditional_in"  # of the sheet: its weights hold all bundled styles
TIMES = 2  # the size of a photo when painted, of that in the sheet: small ones get few strokes


def styles(
    photo: Annotated[
        Path | None,
        typer.Argument(metavar="PHOTO", help="The sheet shows it in all styles."),
    ] = None,
    *,
    out: Annotated[
        Path | None, opt.option("The sheet to write; default: only names.", "OUT", "-o --out")
    ] = None,
    size: Annotated[int, opt.option("Longer side of each picture in px.", "PX", min=16)] = 192,
    columns: Annotated[int, opt.option("Pictures in a row.", "N", min=1, max=64)] = 8,
    controls: OfPainting,
    given: OfMethods,
    setup: opt.Setup,
    cache: opt.Cache = True,
    overwrite: opt.Overwrite = True,
    running: opt.Running,
) -> int:
    """List the bundled styles, or those of the bank --model, and show them on one sheet.

    Their names go wherever a style's file goes: gesso stylize photo.jpg --style impasto -o out.png.
    With -o they are shown in one labelled picture: themselves, or with a PHOTO what they make of
    it, by the method conditional_in unless --method or --preset names another.
    """
    bank = bank_of(setup.model)
    found: Mapping[str, Source] = bank.styles if bank else bundled_styles()
    if out is None:
        if photo is not None:
            raise OptionError("out", f"missing; it names the sheet of {shown(photo)} in all styles")
        print("\n".join(map(shown, found)))
        return 0
    from gesso.images.read import read_image
    from gesso.images.sheet import labelled_sheet
    from gesso.images.write import write_image
    from gesso.pipeline.plan import plan_one

    job = plan_one(photo if photo is not None else Path("-"), out)
    if job.out.exists() and not overwrite:
        raise GessoError(f"{shown(job.out)}: exists; --overwrite replaces it")
    if photo is None:
        if bank:
            raise OptionError("model", f"{bank.source}: holds no pictures; add a PHOTO to show")
        cells = [read_image(path, size=size) for path in bundled_styles().values()]
    else:
        if setup.method is None and setup.preset is None:
            setup = replace(setup, method=METHOD)
        look = ControlOptions(**values_of(of_painting(), controls))
        sources = list(found.values())
        cells = _in_every_style(photo, sources, size, look, given, setup, cache, running)
    write_image(job.out, labelled_sheet(cells, list(found), columns))
    say(f"{shown(job.out)}: {len(cells)} styles written", running.quiet)
    return 0


def _in_every_style(
    photo: Path,
    styles: Sequence[Source],
    size: int,
    look: ControlOptions,
    given: Given,
    setup: opt.Setup,
    cache: bool,
    running: opt.Running,
) -> list[Any]:
    """The photo (3, h, w) in every style, under the controls of `look`."""
    from gesso.images.read import read_image

    session = open_session(styles, setup, given, running, size=TIMES * size, use_cache=cache)
    from gesso.controls.controls import Controls

    picture, how = session.photo(photo, TIMES * size), Controls(**vars(look))
    with showing(running.quiet) as show:
        made = (
            session.stylize(picture, [style], how, on_step=reporter(show, name_of(style)))
            for style in styles
        )
        return [read_image(one.rgb, size=size) for one in made]
