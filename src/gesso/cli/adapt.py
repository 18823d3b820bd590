"""`gesso adapt`, and `gesso fast` as the original release called it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import SUFFIX, adapt_to, card_target, method_of
from gesso.cli.console import import_torch, say
from gesso.cli.options import AdaptOptions
from gesso.disk.atomic import shown
from gesso.errors import GessoError


def adapt(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The style: a picture.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", metavar="CARD", help="The card to write (.safetensors), or a folder."
        ),
    ],
    method: opt.MethodName = None,
    steps: opt.Steps = None,
    only_in: opt.OnlyIn = False,
    refine: opt.Refine = None,
    kernels: Annotated[
        bool,
        typer.Option(
            "--kernels",
            help="meta_networks: write the generated network, which runs without its weights.",
        ),
    ] = False,
    lr: opt.Rate = None,
    optimizer: opt.Optimizer = None,
    init: opt.Init = None,
    objective: opt.ObjectiveName = None,
    start: opt.Start = None,
    crop: Annotated[
        int | None, typer.Option(min=16, metavar="PX", help="Side of the contents' crops.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, metavar="N", help="Crops in a step.")] = None,
    contents: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Adapt on the pictures in this folder; default: a bundled set."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=16, metavar="PX", help="Longer side of the contents in px; default: own."),
    ] = None,
    style_size: opt.StyleSize = None,
    encoder: opt.EncoderName = None,
    model: opt.Model = None,
    device: opt.Device = None,
    threads: opt.Threads = None,
    seed: opt.Seed = None,
    grams: Annotated[
        bool | None,
        typer.Option(
            "--grams/--no-grams",
            help="Keep what --polish needs of the style, 90 kB; default: with metastyle, but for "
            "--only-in.",
        ),
    ] = None,
    float32: Annotated[
        bool, typer.Option("--float32", help="Store float32, not float16: twice the size.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The picture's licence, kept in the card.")
    ] = None,
    overwrite: opt.Overwrite = True,
    max_pixels: opt.MaxPixels = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> int:
    """Make a style card of a picture.

    That is a file which `gesso stylize --style CARD` runs at once, here or anywhere else.
    """
    options = AdaptOptions(
        method, model, encoder, device, contents, style_size, steps, only_in, lr, seed,
        crop, batch, max_pixels, refine=refine, kernels=kernels,
        optimizer=optimizer, init=init, objective=objective, start=start, grams=grams,
    )  # fmt: skip
    return _adapt(image, out, size, options, float32, licence, overwrite, quiet)


def fast(
    content_dataset: Annotated[Path, typer.Option(help="Folder of contents.")],
    style_image: Annotated[Path, typer.Option(help="The style.")],
    model: Annotated[Path, typer.Option(help="The start that `gesso train` wrote.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: the style's name, .safetensors.")
    ] = None,
    steps: opt.Steps = None,
    only_in: opt.OnlyIn = False,
    cuda: Annotated[int, typer.Option(help="1: use the GPU.")] = 0,
) -> int:
    """The name of `gesso adapt` in the original release."""
    options = AdaptOptions(
        model=model,
        device="cuda" if cuda else None,
        contents=content_dataset,
        steps=steps,
        only_in=only_in,
    )
    return _adapt(style_image, out or Path(style_image.stem + SUFFIX), None, options)


def _adapt(
    image: Path,
    out: Path,
    size: int | None,
    options: AdaptOptions,
    float32: bool = False,
    licence: str | None = None,
    overwrite: bool = True,
    quiet: bool = False,
) -> int:
    target = out / (image.stem + SUFFIX) if out.is_dir() else out
    inputs = [image, *([options.model] if options.model else []), Path(options.encoder or "")]
    card_target(target, inputs, overwrite)
    import_torch()
    from gesso.pipeline.style_cards import folder_practice

    practice = None  # the method's own contents
    if options.contents is not None:
        practice = folder_practice(options.contents, size, options.pixels)
    own_size = size if practice is None else None
    chosen = method_of(options)
    if own_size is not None and "content_size" not in chosen.options:
        raise GessoError(f"--size: method {chosen.name} does not look at contents")
    card = adapt_to(chosen, image, practice, options, False, quiet, content_size=own_size)
    if licence is not None:
        card.provenance["licence"] = licence
    card.save(target, "float32" if float32 else "float16")
    say(f"{shown(target)}: {target.stat().st_size / 1000:.0f} kB written", quiet)
    return 0
