"""`gesso texture` and `gesso invent`: styles without a photo, and without a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.adapt import SUFFIX
from gesso.cli.cards import make_card, open_session, reporter
from gesso.cli.console import import_torch, say
from gesso.cli.flags import OfMethods
from gesso.cli.progress import showing
from gesso.disk.atomic import make_folder, shown
from gesso.errors import GessoError


def texture(
    style: Annotated[
        str,
        typer.Argument(metavar="STYLE", help="A picture, a card, or the name of a style."),
    ],
    *,
    out: opt.Picture,
    size: Annotated[int, opt.option("Side of the texture in px.", "PX", min=16, max=8192)] = 512,
    seed: Annotated[
        int, opt.option("Seed of the noise: another one, another texture.", "N", min=0)
    ] = 0,
    tileable: Annotated[
        bool,
        opt.option("Make opposite sides fit, with methods that can.", flags="--tileable"),
    ] = False,
    given: OfMethods,
    setup: opt.Setup,
    cache: opt.Cache = True,
    overwrite: opt.Overwrite = True,
    running: opt.Running,
) -> int:
    """Make a texture of a style: what it becomes where there is no photo.

    Methods that make textures in their own way do so; all others stylize white noise. The same seed
    gives the same texture. `gesso mix` makes cards between styles, and so textures between them.
    """
    from gesso.pipeline.banks import bank_of
    from gesso.pipeline.plan import plan_one
    from gesso.pipeline.sources import style_source

    source = style_source(style, bank_of(setup.model))
    job = plan_one(source if isinstance(source, Path) else Path("-"), out)
    if job.out.exists() and not overwrite:
        raise GessoError(f"{shown(job.out)}: exists; --overwrite replaces it")
    session = open_session([source], setup, given, running, use_cache=cache)
    from gesso.images.write import write_image

    with showing(running.quiet) as show:
        card = make_card(session, source, show)
        made = session.method.texture(
            card, size, size, seed=seed, tileable=tileable, on_step=reporter(show, "optimizing")
        )
    write_image(job.out, made)
    say(f"{shown(job.out)}: written", running.quiet)
    return 0


def invent(
    *,
    out: Annotated[Path, opt.option("The cards are written here.", "FOLDER", "-o --out")],
    count: Annotated[int, opt.option("How many styles.", "N", min=1, max=10_000)] = 4,
    uniform: Annotated[
        bool,
        opt.option("As in the paper; default: distributed as real styles are.", flags="--uniform"),
    ] = False,
    model: opt.Model = None,
    seed: Annotated[int, opt.option("Seed of all random choices.", "N", min=0)] = 0,
    overwrite: opt.Overwrite = True,
    talk: opt.Talk,
) -> int:
    """Invent styles that no picture has, and write their cards: random hidden vectors of Meta
    Networks.

    The same seed gives the same styles. `gesso texture CARD` shows one, `gesso stylize` uses it.
    """
    import_torch()
    paths = [out / f"invented-{seed}-{i + 1}{SUFFIX}" for i in range(count)]
    if not overwrite and (there := next((p for p in paths if p.exists()), None)):
        raise GessoError(f"{shown(there)}: exists; --overwrite replaces it")
    from gesso.encoders import load_encoder
    from gesso.methods.meta_networks.method import MetaNetworks

    cards = MetaNetworks.load(load_encoder, model).invent(count, seed, uniform)
    make_folder(out)
    for path, card in zip(paths, cards, strict=True):
        card.save(path)
    say(f"{shown(out)}: {count} cards written", talk.quiet)
    return 0
