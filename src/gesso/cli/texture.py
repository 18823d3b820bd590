"""`gesso texture` and `gesso invent`: styles without a photo, and without a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import SUFFIX, method_and_cards
from gesso.cli.console import import_torch, say
from gesso.cli.options import AdaptOptions
from gesso.disk.atomic import os_error_line, shown
from gesso.errors import GessoError

if TYPE_CHECKING:
    from gesso.methods.meta_networks.method import MetaNetworks


def texture(
    style: Annotated[Path, typer.Argument(metavar="IMAGE_OR_CARD", help="A picture, or a card.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="The picture to write.")],
    size: Annotated[
        int, typer.Option(min=16, max=8192, metavar="PX", help="Side of the texture in px.")
    ] = 512,
    method: opt.MethodName = None,
    style_size: opt.StyleSize = None,
    encoder: opt.EncoderName = None,
    model: opt.Model = None,
    device: opt.Device = None,
    threads: opt.Threads = None,
    seed: opt.Seed = None,
    cache: opt.Cache = True,
    overwrite: opt.Overwrite = True,
    max_pixels: opt.MaxPixels = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> int:
    """Show the texture that a style has become: what it makes of white noise.

    --seed is that of the noise.
    """
    import_torch()
    from gesso.images.write import write_image
    from gesso.pipeline.photos import noise
    from gesso.pipeline.plan import Job, make_folders, plan_one

    job = plan_one(style, out)
    if job.out.exists() and not overwrite:
        raise GessoError(f"{shown(job.out)}: exists; --overwrite replaces it")
    options = AdaptOptions(
        method, model, encoder, device, style_size=style_size, max_pixels=max_pixels
    )
    found, (card,) = method_and_cards([style], None, options, cache, quiet)
    make_folders([Job(style, job.out)])
    write_image(job.out, found.stylizer(card)(noise(size, seed or 0).unsqueeze(0))[0])
    say(f"{shown(job.out)}: written", quiet)
    return 0


def invent(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FOLDER", help="The cards are written here.")
    ],
    count: Annotated[
        int, typer.Option("--count", min=1, max=10_000, metavar="N", help="How many styles.")
    ] = 4,
    uniform: Annotated[
        bool,
        typer.Option("--uniform", help="As in the paper; default: distributed as real styles are."),
    ] = False,
    model: opt.Model = None,
    seed: opt.Seed = None,
    overwrite: opt.Overwrite = True,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> int:
    """Invent styles that no picture has, and write their cards: random hidden vectors of Meta
    Networks.

    The same seed gives the same styles. `gesso texture CARD` shows one, `gesso stylize` uses it.
    """
    import_torch()
    first = seed or 0
    paths = [out / f"invented-{first}-{i + 1}{SUFFIX}" for i in range(count)]
    if not overwrite and (there := next((p for p in paths if p.exists()), None)):
        raise GessoError(f"{shown(there)}: exists; --overwrite replaces it")
    cards = _method(model).invent(count, first, uniform)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GessoError(os_error_line(out, error, "cannot be created")) from error
    for path, card in zip(paths, cards, strict=True):
        card.save(path)
    say(f"{shown(out)}: {count} cards written", quiet)
    return 0


def _method(weights: Path | None) -> MetaNetworks:
    from gesso.encoders import load_encoder
    from gesso.methods.meta_networks.method import MetaNetworks

    return MetaNetworks.load(load_encoder, weights)
