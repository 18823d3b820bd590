"""`gesso stylize`, and `gesso test` as the original release called it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import method_and_card, practice_on
from gesso.cli.console import complain, import_torch, say, stylizing
from gesso.cli.options import AdaptOptions
from gesso.errors import GessoError
from gesso.files import shown

if TYPE_CHECKING:
    from gesso.batch import Job


def stylize(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")
    ],
    style: Annotated[
        Path,
        typer.Option(
            "-s", "--style", metavar="IMAGE_OR_CARD", help="A picture, or a card of `gesso adapt`."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", metavar="OUT", help="The picture to write; a folder for several photos."
        ),
    ],
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PX",
            help="Longer side of the result in px; default: the photo's. Never cropped.",
        ),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="0 is the photo, 1 the whole style."),
    ] = 1.0,
    method: opt.MethodName = None,
    steps: opt.Steps = None,
    only_in: opt.OnlyIn = False,
    refine: opt.Refine = None,
    lr: opt.Rate = None,
    optimizer: opt.Optimizer = None,
    init: opt.Init = None,
    objective: opt.ObjectiveName = None,
    start: opt.Start = None,
    style_size: opt.StyleSize = None,
    contents: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Adapt on the pictures in this folder, not on the photos."
        ),
    ] = None,
    encoder: opt.EncoderName = None,
    weights: opt.Weights = None,
    device: opt.Device = None,
    seed: opt.Seed = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep and reuse styles adapted before.")
    ] = True,
    overwrite: opt.Overwrite = True,
    quality: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, metavar="N", help="Of JPEG, WebP, AVIF, HEIF; default: about 39 dB."
        ),
    ] = None,
    keep_metadata: Annotated[
        bool, typer.Option("--keep-metadata", help="Copy EXIF data (place, camera, date).")
    ] = False,
    max_pixels: opt.MaxPixels = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> int:
    """Turn photos into the style of a picture.

    The first time a style costs some seconds of adaptation, on up to eight of the photos; its card
    is cached, so the next time it costs nothing (`gesso cache` shows the cache). One photo is
    written to the file OUT, or into OUT if that is a folder; several, or folders of them, go to
    the folder OUT under their own names. Photos that cannot be read are listed at the end, and the
    exit code is 1.
    """
    adaptation = AdaptOptions(
        method, weights, encoder, device, contents, style_size, steps, only_in, lr, seed,
        max_pixels=max_pixels, refine=refine,
        optimizer=optimizer, init=init, objective=objective, start=start,
    )  # fmt: skip
    output = _Output(out, size, strength, quality, keep_metadata, overwrite, cache, quiet)
    return _stylize(photos, style, adaptation, output)


def test(
    content_image: Annotated[Path, typer.Option(help="The photo.")],
    output_image: Annotated[Path, typer.Option(help="The picture to write.")],
    model: Annotated[Path, typer.Option(help="The card that `gesso fast` wrote.")],
    cuda: Annotated[int, typer.Option(help="1: use the GPU.")] = 0,
) -> int:
    """The name of `gesso stylize` in the original release."""
    options = AdaptOptions(device="cuda" if cuda else None)
    return _stylize([content_image], model, options, _Output(output_image))


@dataclass(frozen=True)
class _Output:
    out: Path
    size: int | None = None
    strength: float = 1.0
    quality: int | None = None
    keep_metadata: bool = False
    overwrite: bool = True
    cache: bool = True
    quiet: bool = False


def _stylize(photos: list[Path], style: Path, options: AdaptOptions, output: _Output) -> int:
    import_torch()
    from gesso.batch import plan, unfinished
    from gesso.image import list_images

    others = list_images(options.contents) if options.contents is not None else []
    jobs = plan(photos, output.out, [style, *others])
    todo = jobs if output.overwrite else unfinished(jobs)
    many = len(photos) > 1 or photos[0].is_dir()
    if not many and not todo:
        raise GessoError(f"{shown(jobs[0].out)}: exists; --overwrite replaces it")
    failures = _do(todo, jobs, style, options, output) if todo else {}
    if failures and not many:
        raise GessoError(next(iter(failures.values())))
    done = f"{len(todo) - len(failures)} of {len(jobs)} pictures written" if many else "written"
    say(f"{shown(output.out if many else jobs[0].out)}: {done}", output.quiet)
    for line in failures.values():
        complain(line)
    return 1 if failures else 0


def _do(
    todo: list[Job], jobs: list[Job], style: Path, options: AdaptOptions, output: _Output
) -> dict[Path, str]:
    """Get the card, practising on all `jobs`, and do those in `todo`; photo → one line if bad."""
    from gesso.adaptation import NoContents
    from gesso.batch import make_folders
    from gesso.stylize import Pictures, apply_strength, stylize_all

    practice = practice_on([job.photo for job in jobs], output.size, options)
    try:
        method, card = method_and_card(style, practice, options, output.cache, output.quiet)
    except NoContents as error:
        if options.contents is not None:
            raise
        return {job.photo: error.failures[job.photo] for job in todo}
    pictures = Pictures(output.size, options.pixels, output.quality, output.keep_metadata)
    make_folders(todo)
    with stylizing("stylizing", len(todo), output.quiet) as (on_job, method.on_step):
        stylize = apply_strength(method, card, output.strength)
        return stylize_all(todo, stylize, pictures, on_job)
