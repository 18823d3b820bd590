"""`gesso stylize`, and `gesso test` as the original release called it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import adaptation, known_cards, method_and_cards, method_of, practice_on
from gesso.cli.console import import_torch, say
from gesso.cli.options import AdaptOptions
from gesso.cli.progress import showing, step_reporter
from gesso.cli.tally import Tally, tell_renamed
from gesso.disk.atomic import shown
from gesso.errors import GessoError

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.controls.controls import Controls
    from gesso.controls.regions import Stylize
    from gesso.methods.base import Method
    from gesso.pipeline.style_cards import Practice


def stylize(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos.")
    ],
    style: opt.Style,
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
    weights: opt.Shares = None,
    color: opt.Color = "style",
    mask: opt.Mask = None,
    feather: opt.Feather = None,
    polish: opt.Polish = None,
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
    contents: opt.ContentsFolder = None,
    encoder: opt.EncoderName = None,
    model: opt.Model = None,
    device: opt.Device = None,
    threads: opt.Threads = None,
    seed: opt.Seed = None,
    cache: opt.Cache = True,
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

    Several styles are mixed in the shares of --weights, or have a region each, given by --mask.
    """
    adapting = AdaptOptions(
        method, model, encoder, device, contents, style_size, steps, only_in, lr, seed,
        max_pixels=max_pixels, refine=refine,
        optimizer=optimizer, init=init, objective=objective, start=start,
        grams=None if polish is None else polish > 0,
    )  # fmt: skip
    output = _Output(out, size, quality, keep_metadata, overwrite, cache, quiet)
    look = _Look(strength, opt.shares(weights), color, mask or [], feather or 0.0, polish)
    return _stylize(photos, style, adapting, output, look)


def test(
    content_image: Annotated[Path, typer.Option(help="The photo.")],
    output_image: Annotated[Path, typer.Option(help="The picture to write.")],
    model: Annotated[Path, typer.Option(help="The card that `gesso fast` wrote.")],
    cuda: Annotated[int, typer.Option(help="1: use the GPU.")] = 0,
) -> int:
    """The name of `gesso stylize` in the original release."""
    options = AdaptOptions(device="cuda" if cuda else None)
    return _stylize([content_image], [model], options, _Output(output_image), _Look())


@dataclass(frozen=True)
class _Output:
    out: Path
    size: int | None = None
    quality: int | None = None
    keep_metadata: bool = False
    overwrite: bool = True
    cache: bool = True
    quiet: bool = False


@dataclass(frozen=True)
class _Look:
    """The controls as given."""

    strength: float = 1.0
    weights: list[float] | None = None
    color: str = "style"
    masks: Sequence[Path] = ()
    feather: float = 0.0
    polish: int | None = None

    def controls(self, max_pixels: int) -> Controls:
        """With the masks read. Raises GessoError for values that make no sense."""
        from gesso.controls.controls import Controls
        from gesso.controls.regions import read_mask

        masks = [read_mask(path, max_pixels) for path in self.masks]
        return Controls(
            self.strength, self.weights, self.color, masks, self.feather, self.polish or 0
        )


def _stylize(
    photos: list[Path], styles: list[Path], options: AdaptOptions, output: _Output, look: _Look
) -> int:
    import_torch()
    from gesso.images.folders import list_images
    from gesso.pipeline.plan import plan, unfinished

    others = list_images(options.contents) if options.contents is not None else []
    planned = plan(photos, output.out, [*styles, *look.masks, *others])
    todo = planned.jobs if output.overwrite else unfinished(planned.jobs)
    if not planned.many and not todo:
        raise GessoError(f"{shown(planned.jobs[0].out)}: exists; --overwrite replaces it")
    controls = look.controls(options.pixels)
    controls.check(len(styles))
    tell_renamed(planned, output.quiet)
    tally = Tally(planned, todo)
    if todo:
        _do(tally, styles, options, output, controls)
    if not planned.many and tally.failures:
        raise GessoError(*tally.failures.values())
    where = output.out if planned.many else planned.jobs[0].out
    done = f"{tally.written} of {len(planned.jobs)} pictures written"
    say(f"{shown(where)}: {done if planned.many else 'written'}", output.quiet)
    return tally.tell_failures()


def _do(
    tally: Tally,
    styles: list[Path],
    options: AdaptOptions,
    output: _Output,
    controls: Controls,
) -> None:
    """Get the cards, practising on all photos, and do what is to be done."""
    from gesso.pipeline.photos import Pictures, stylize_all
    from gesso.pipeline.plan import make_folders
    from gesso.pipeline.style_cards import NoContents

    practice = practice_on([job.photo for job in tally.plan.jobs], output.size, options)
    try:
        method, ready = _ready(styles, practice, options, output, controls)
    except NoContents as error:
        if options.contents is not None:
            raise
        tally.failures |= {job.photo: error.failures[job.photo] for job in tally.todo}
        return
    pictures = Pictures(output.size, options.pixels, output.quality, output.keep_metadata)
    make_folders(tally.todo)
    with showing(output.quiet) as show:
        method.on_step = step_reporter(show, "optimizing")
        stylize = ready()
        tally.run(lambda job: stylize_all([job], stylize, pictures), show)


def _ready(
    styles: list[Path],
    practice: Practice,
    options: AdaptOptions,
    output: _Output,
    controls: Controls,
) -> tuple[Method, Callable[[], Stylize]]:
    """The method, and what makes its stylizer once the method has been told whom to report to."""
    from gesso.cards.cache import CardCache
    from gesso.pipeline.own_colors import OwnColors

    if controls.color != "style" and not known_cards(styles):
        method = method_of(options)
        if options.grams is None and not options.only_in:  # --polish was not given
            controls = replace(controls, polish=method.polish)
        given = practice if options.contents is not None else None  # else each photo its own
        how = adaptation(method, given, options)
        own = OwnColors(method, styles, how, controls, CardCache() if output.cache else None)
        return method, lambda: own
    method, cards = method_and_cards(styles, practice, options, output.cache, output.quiet)
    if options.grams is None and _can_polish(cards, options):
        controls = replace(controls, polish=method.polish)
    controls.stylizer(method, cards)  # cards that do not go together are told of before any photo
    return method, lambda: controls.stylizer(method, cards)


def _can_polish(cards: Sequence[StyleCard], options: AdaptOptions) -> bool:
    """Whether all keep Gram matrices of the encoder at hand."""
    from gesso.encoders import encoder_identity

    kept = [card.grams.encoder for card in cards if card.grams is not None]
    return len(kept) == len(cards) and {encoder_identity(options.encoder or "compact")} == {*kept}
