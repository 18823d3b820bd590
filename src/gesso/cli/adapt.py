"""`gesso adapt`, and `gesso fast` as the original release called it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import adapt_to
from gesso.cli.console import import_torch, say
from gesso.cli.options import AdaptOptions
from gesso.errors import GessoError
from gesso.files import shown

SUFFIX = ".safetensors"


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
    weights: opt.Weights = None,
    device: opt.Device = None,
    seed: opt.Seed = None,
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
        method, weights, encoder, device, contents, style_size, steps, only_in, lr, seed,
        crop, batch, max_pixels, refine=refine, kernels=kernels,
        optimizer=optimizer, init=init, objective=objective, start=start,
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
        weights=model,
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
    target = _checked(image, out, options, overwrite)
    import_torch()
    from gesso.adaptation import folder_practice

    practice = None  # the method's own contents
    if options.contents is not None:
        practice = folder_practice(options.contents, size, options.pixels)
    own_size = size if practice is None else None
    _, card = adapt_to(image, practice, options, False, quiet, content_size=own_size)
    if licence is not None:
        card.provenance["licence"] = licence
    card.save(target, "float32" if float32 else "float16")
    say(f"{shown(target)}: {target.stat().st_size / 1000:.0f} kB written", quiet)
    return 0


def _checked(image: Path, out: Path, options: AdaptOptions, overwrite: bool) -> Path:
    """The file to write, if it can be one: better known before adapting than after."""
    target = out / (image.stem + SUFFIX) if out.is_dir() else out
    if target.suffix.lower() != SUFFIX:
        raise GessoError(f"{shown(target)}: a card's name ends in {SUFFIX}")
    if not target.parent.is_dir():
        raise GessoError(f"{shown(target)}: its folder does not exist; make it first")
    if target.exists():
        inputs = [image, options.weights, Path(options.encoder or "")]
        if any(p is not None and p.is_file() and target.samefile(p) for p in inputs):
            raise GessoError(f"{shown(target)}: is an input, which is never overwritten")
        if not overwrite:
            raise GessoError(f"{shown(target)}: exists; --overwrite replaces it")
    return target
