"""`gesso stylize`, and `gesso test` as the original release called it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import Source, make_card, open_session, reporter
from gesso.cli.console import say
from gesso.cli.engines import EngineName, checked, megapixels, one_network
from gesso.cli.flags import Given, OfControls, OfMethods, fields_shown, values_of
from gesso.cli.light import Light, files_of, find_light
from gesso.cli.progress import showing
from gesso.cli.standard import STANDARD, as_files
from gesso.cli.tally import Tally
from gesso.cli.writing import Lines, Writing, recorded
from gesso.controls.options import ControlOptions
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.nn.memory import at_most, parsed
from gesso.pipeline.sources import STDIN
from gesso.pipeline.styles import check_for_photos
from gesso.reports import OnProgress

if TYPE_CHECKING:
    from gesso.controls.controls import Controls
    from gesso.pipeline.photos import Pictures
    from gesso.pipeline.plan import Job, Plan
    from gesso.pipeline.session import Session


def stylize(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO...", help="Photos, folders of photos, or - for standard input."
        ),
    ],
    *,
    style: opt.Styles,
    out: Annotated[
        Path,
        opt.option(
            "The picture to write, or - for standard output; a folder for several photos or a "
            "folder of styles.",
            "OUT",
            "-o --out",
        ),
    ],
    size: Annotated[
        int | None,
        opt.option(
            "Longer side of the result in px; default: the photo's. Never cropped.", "PX", min=1
        ),
    ] = None,
    controls: OfControls,
    weights: opt.Shares = None,
    mask: opt.Masks = None,
    style_mask: opt.StyleMasks = None,
    frame: opt.Frame = None,
    engine: EngineName = "auto",
    only: Annotated[
        str | None, typer.Option(hidden=True, help="Of many results only the one of this name.")
    ] = None,
    memory: opt.Memory = None,
    given: OfMethods,
    setup: opt.Setup,
    cache: opt.Cache = True,
    writing: Writing,
    running: opt.Reading,
) -> int:
    """Turn photos into the style of a picture.

    A style costs some seconds of adaptation, on up to eight of the photos; its card is cached, so
    the same photos cost nothing the next time (`gesso cache` shows the cache), and a card of `gesso
    adapt` never does. One photo is written to the file OUT, or into OUT if that is a folder;
    several, or folders of them, go to the folder OUT under their own names. Photos that cannot be
    read are listed at the end, and the exit code is 1.

    Several styles are mixed in the shares of --weights, or have a region each, given by --mask. If
    --style is a folder, the photo is shown in each of its styles, and all of them on a sheet.
    """
    from gesso.pipeline.banks import bank_of
    from gesso.pipeline.sources import style_source

    writing.check(out == STANDARD)
    if STANDARD in photos and STDIN in style:
        raise OptionError("style", "-: standard input is the photo; only one of them can be")
    bank = bank_of(setup.model)
    styles = files_of([style_source(text, bank) for text in style])
    found = values_of(fields_shown(ControlOptions), controls)
    look = ControlOptions(**found, weights=opt.shares(weights), masks=mask or [])
    most = None if memory is None else parsed(memory)
    with as_files(photos, out, writing.format) as files:
        return _Work(
            files.photos, styles, files.out, look, size, given, setup, cache, writing, running,
            frame, style_mask or [], checked(engine), only, files.names, most,
        ).do()  # fmt: skip


def test(
    *,
    content_image: Annotated[Path, typer.Option(help="The photo.")],
    output_image: Annotated[Path, typer.Option(help="The picture to write.")],
    model: Annotated[Path, typer.Option(help="The card that `gesso fast` wrote.")],
    cuda: Annotated[int, typer.Option(help="1: use the GPU.")] = 0,
) -> int:
    """The name of `gesso stylize` in the original release."""
    setup = opt.Setup(device="cuda" if cuda else None)
    return _Work([content_image], [model], output_image, setup=setup).do()


@dataclass(frozen=True)
class _Work:
    """What a command is to do: the values of its options."""

    photos: list[Path]
    styles: list[Source]
    out: Path
    look: ControlOptions = field(default_factory=ControlOptions)
    size: int | None = None
    given: Given = field(default_factory=dict)
    setup: opt.Setup = field(default_factory=opt.Setup)
    cache: bool = True
    writing: Writing = field(default_factory=Writing)
    running: opt.Reading = field(default_factory=opt.Reading)
    frame: int | None = None
    style_masks: Sequence[Path] = ()
    engine: str = "auto"
    only: str | None = None
    names: Mapping[Path, str] = field(default_factory=dict)
    memory: int | None = None

    def do(self) -> int:
        """Write the pictures; returns the exit code."""
        planned = self._plan()
        only = None if self.only is None else self.out / self.only
        tally = Tally(planned, self.writing.overwrite, self.running.quiet, only)
        if not planned.many and not tally.todo:
            raise GessoError(f"{shown(planned.jobs[0].out)}: exists; --overwrite replaces it")
        if tally.todo:
            decoding = opt.decoding(self.running.decode_timeout, planned.many)
            with at_most(self.memory), decoding:
                self._run(tally)
        if self.writing.json:
            Lines(tally).failed()
        if planned.many:
            return tally.tell(self.out, "pictures")
        if tally.failures:
            raise GessoError(*tally.failures.values())
        if not self.names:
            say(f"{shown(planned.jobs[0].out)}: written", self.running.quiet)
        return 0

    def _plan(self) -> Plan:
        """What is to be done; photos that are not there are known here, before torch is."""
        from gesso.images.folders import list_images
        from gesso.pipeline.plan import plan, plan_styles, without_missing
        from gesso.pipeline.sources import BUNDLED

        named = self.setup.contents
        contents = [] if named is None or str(named) == BUNDLED else list_images(named)
        files = [style for style in self.styles if isinstance(style, Path)]
        inputs = [*files, *self.look.masks, *self.style_masks, *contents]
        folder = next((path for path in files if path.is_dir()), None)
        if folder is None:
            return without_missing(plan(self.photos, self.out, inputs))
        if self.style_masks:
            raise OptionError("style_mask", f"of no use with {shown(folder)}, a folder of styles")
        if len(self.photos) > 1 or len(self.styles) > 1:
            trouble = "a folder; it needs one photo, and no other style beside it"
            raise OptionError("style", f"{shown(folder)}: {trouble}")
        return without_missing(plan_styles(self.photos[0], files, self.out, inputs))

    def _run(self, tally: Tally) -> None:
        """Get the cards, practising on all photos, and do what is to be done."""
        jobs = tally.plan.jobs
        each = tally.plan.sheet is not None
        styles = [job.style for job in jobs if job.style is not None] if each else self.styles
        work = megapixels(len(tally.todo), self.size)

        def make(engine: str) -> Light:
            look, masks, quiet, cache = self.look, self.style_masks, self.running.quiet, self.cache
            given, most = self.given, self.running.max_pixels
            return Light(styles, look, self.setup, given, masks, quiet, cache, engine, most)

        light = find_light(self.engine, styles, self.setup.method, work, make)
        if light is not None:
            self._run_light(tally, styles, each, light)
            return
        from gesso.pipeline.need import too_large  # needs torch

        polish = self.look.polish
        session = open_session(
            styles, self.setup, self.given, self.running,
            size=self.size, use_cache=self.cache, vectors=None if polish is None else polish > 0,
            engine=self.engine, work=work if one_network(self.look) else 0.0,
        )  # fmt: skip
        check_for_photos(styles, session.options)
        controls = self._controls()
        controls.check(1 if each else len(styles))
        tally.leave_out(too_large(tally.todo, self.size, controls, session))
        if not tally.todo:
            return
        engine = getattr(session.method.engine, "engine", "torch")
        pictures = self._pictures(tally, session.method.name, engine)
        with showing(self.running.quiet) as show:
            if each:
                self._in_every_style(tally, session, controls, pictures, show)
            else:
                self._in_one_look(tally, session, controls, pictures, show)

    def _pictures(self, tally: Tally, method: str, engine: str) -> Pictures:
        from gesso.pipeline.photos import Pictures

        writing, record = self.writing, None
        if writing.json or writing.keep_settings:
            files = [*self.look.masks, *self.style_masks, *filter(None, [self.setup.model])]
            out = self.out if tally.plan.many else None
            record = recorded(self.styles, files, out, self.names, method, engine)
        return Pictures(
            self.size, self.running.pixels, writing.quality, writing.keep_metadata, self.frame,
            record, writing.keep_settings, Lines(tally).written if writing.json else None,
        )  # fmt: skip

    def _run_light(self, tally: Tally, styles: Sequence[Source], each: bool, light: Light) -> None:
        """Do it without torch."""
        from gesso.pipeline.plan import make_folders

        whole = None if each else light.look(styles)
        pictures = self._pictures(tally, light.name, light.engine)
        make_folders(tally.todo)

        def do(job: Job) -> None:
            photo = pictures.read(job.photo)
            painted = (whole or light.look([job.style]))(photo.rgb)
            pictures.write(replace(photo, rgb=painted), job)

        with showing(self.running.quiet) as show:
            tally.run(do, show)
        sheet = tally.plan.sheet
        if sheet is not None and (self.writing.overwrite or not sheet.exists()):
            from gesso.pipeline.variations import write_sheet

            write_sheet(tally.plan.jobs, sheet)

    def _controls(self) -> Controls:
        """With the masks read. Raises GessoError for one that cannot be."""
        from gesso.controls.controls import Controls
        from gesso.nn.masks import read_mask

        masks = [read_mask(path, self.running.pixels) for path in self.look.masks]
        return Controls(**vars(self.look) | {"masks": masks})

    def _in_one_look(
        self, tally: Tally, session: Session, controls: Controls, pictures: Pictures,
        show: OnProgress,
    ) -> None:  # fmt: skip
        from gesso.nn.masks import checked_style_masks
        from gesso.pipeline.plan import make_folders
        from gesso.pipeline.style_cards import Contents, NoContents

        sources = [job.photo for job in tally.plan.jobs]
        photos = Contents(sources, self.size, max_pixels=self.running.pixels, frame=self.frame)
        try:
            masks = checked_style_masks(self.style_masks, len(self.styles))
            if controls.color == "style":
                for style, mask in zip(self.styles, masks, strict=True):
                    make_card(session, style, show, photos, mask)
            stylizer = session.stylizer(self.styles, controls, style_masks=masks, contents=photos)
        except NoContents as error:
            if session.contents is not None:
                raise
            tally.failures |= {job.out: error.failures[job.photo] for job in tally.todo}
            return
        make_folders(tally.todo)
        on_step = reporter(show, "optimizing")
        tally.run(lambda job: pictures.stylize(job, stylizer, on_step), show)

    def _in_every_style(
        self, tally: Tally, session: Session, controls: Controls, pictures: Pictures,
        show: OnProgress,
    ) -> None:  # fmt: skip
        from gesso.pipeline.plan import make_folders
        from gesso.pipeline.variations import Variations, write_sheet

        jobs, sheet = tally.plan.jobs, tally.plan.sheet
        made = Variations(session, jobs[0].photo, controls, pictures)
        make_folders(tally.todo)
        tally.run(lambda job: made.make(job, reporter(show, "adapting")), show)
        if sheet is not None and (self.writing.overwrite or not sheet.exists()):
            write_sheet(jobs, sheet)
