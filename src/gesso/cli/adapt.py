"""`gesso adapt`, and `gesso fast` as the original release called it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.cards import Source, make_card, name_of, open_session
from gesso.cli.console import say
from gesso.cli.flags import Given, OfMethods
from gesso.cli.progress import showing
from gesso.cli.tally import Tally
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.pipeline.banks import BankStyle, bank_of
from gesso.pipeline.styles import holds_card
from gesso.reports import OnProgress

if TYPE_CHECKING:
    from gesso.pipeline.session import Session

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Keeping:
    """What cards keep."""

    vectors: Annotated[
        bool | None,
        opt.option(
            "Keep what --polish needs of the style, 190 kB; default: with methods that are "
            "polished by default, but for --only-in.",
            under=opt.OUTPUT,
        ),
    ] = None
    float32: opt.Float32 = False
    licence: Annotated[
        str | None, opt.option("The picture's licence, kept in the card.", "TEXT", under=opt.OUTPUT)
    ] = None
    author: Annotated[
        str | None, opt.option("Who made the card, kept in it.", "TEXT", under=opt.OUTPUT)
    ] = None
    overwrite: opt.Overwrite = True


def adapt(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="STYLE...",
            help="Pictures, folders of them, names of styles, or - for standard input.",
        ),
    ],
    *,
    out: Annotated[
        Path,
        opt.option(
            "The card to write (.safetensors), or a folder; several styles need a folder.",
            "CARD",
            "-o --out",
        ),
    ],
    given: OfMethods,
    size: Annotated[
        int | None, opt.option("Short for --content-size.", "PX", under=opt.SETUP, min=16)
    ] = None,
    style_mask: opt.StyleMasks = None,
    setup: opt.Setup,
    keeping: Keeping,
    running: opt.Reading,
) -> int:
    """Make a style card of a picture.

    That is a file which `gesso stylize --style CARD` runs at once, here or anywhere else.
    """
    from gesso.pipeline.sources import STDIN, style_source

    if len(images) > 1 and STDIN in images:
        raise GessoError(f"{STDIN}: standard input is one style, and goes alone")
    bank = bank_of(setup.model)
    sources = [style_source(text, bank) for text in images]
    if size is not None:
        given = {**given, "--content-size": size}
    return _Work(sources, out, given, setup, keeping, running, style_mask or []).do()


def fast(
    *,
    content_dataset: Annotated[Path, typer.Option(help="Folder of contents.")],
    style_image: Annotated[Path, typer.Option(help="The style.")],
    model: Annotated[Path, typer.Option(help="The start that `gesso train` wrote.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Default: the style's name, .safetensors.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=0, help="Steps of adaptation.")] = None,
    only_in: Annotated[
        bool, typer.Option("--only-in", help="Adapt instance norm's γ and β only.")
    ] = False,
    cuda: Annotated[int, typer.Option(help="1: use the GPU.")] = 0,
) -> int:
    """The name of `gesso adapt` in the original release."""
    flags = {"--steps": steps, "--only-in": only_in or None}
    given = {flag: value for flag, value in flags.items() if value is not None}
    device = "cuda" if cuda else None
    setup = opt.Setup(method="metastyle", model=model, device=device, contents=content_dataset)
    return _Work([style_image], out or Path(style_image.stem + SUFFIX), given, setup).do()


@dataclass(frozen=True)
class _Work:
    """What a command is to do: the values of its options."""

    styles: list[Source]
    out: Path
    given: Given = field(default_factory=dict)
    setup: opt.Setup = field(default_factory=opt.Setup)
    keeping: Keeping = field(default_factory=Keeping)
    running: opt.Reading = field(default_factory=opt.Reading)
    masks: Sequence[Path] = ()

    def do(self) -> int:
        """Write the cards; returns the exit code."""
        files = [style for style in self.styles if isinstance(style, Path)]
        named = [style for style in self.styles if isinstance(style, BankStyle)]
        if named and len(self.styles) > 1:
            raise GessoError(f"{shown(named[0].name)}: a style by its name is one, and goes alone")
        if len(self.styles) > 1 or any(path.is_dir() for path in files):
            return self._many(files)
        if len(self.masks) > 1:
            raise OptionError("style_mask", f"{len(self.masks)} given, for 1 style")
        style = self.styles[0]
        target = self.out
        if target.is_dir():
            if isinstance(style, bytes):
                raise OptionError("out", f"{shown(target)}: a folder; standard input has no name")
            target = target / (Path(name_of(style)).stem + SUFFIX)
        card_target(target, [*files, *self._inputs()], self.keeping.overwrite)
        session = self._session()
        with showing(self.running.quiet) as show:
            self._write(session, style, target, show, *self.masks)
        say(f"{shown(target)}: {target.stat().st_size / 1000:.0f} kB written", self.running.quiet)
        return 0

    def _many(self, files: Sequence[Path]) -> int:
        from gesso.pipeline.plan import make_folders, plan_cards

        if self.masks:
            raise OptionError("style_mask", "needs one style; a card is made for each of several")
        planned = plan_cards(files, self.out, self._inputs())
        tally = Tally(planned, self.keeping.overwrite, self.running.quiet)
        if tally.todo:
            session = self._session()
            make_folders(tally.todo)
            decoding = opt.decoding(self.running.decode_timeout)
            with decoding, showing(self.running.quiet) as show:
                tally.run(lambda job: self._write(session, job.photo, job.out, show), show, "cards")
        return tally.tell(self.out, "cards")

    def _inputs(self) -> list[Path]:
        model = [self.setup.model] if self.setup.model else []
        return [*model, Path(self.setup.encoder or ""), *self.masks]

    def _session(self) -> Session:
        named = [style for style in self.styles if isinstance(style, BankStyle)]
        return open_session(
            named, self.setup, self.given, self.running,
            vectors=self.keeping.vectors, exact=self.keeping.float32,
        )  # fmt: skip

    def _write(
        self,
        session: Session,
        style: Source,
        target: Path,
        show: OnProgress,
        mask: Path | None = None,
    ) -> None:
        if isinstance(style, Path) and holds_card(style):
            raise GessoError(f"{shown(style)}: a card; it is adapted already")
        card = make_card(session, style, show, mask=mask)
        said = {"licence": self.keeping.licence, "author": self.keeping.author}
        card.provenance |= {name: text for name, text in said.items() if text is not None}
        card.save(target, "float32" if self.keeping.float32 else "float16")


def card_target(target: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raises GessoError if no card can be written to `target`: better known before than after."""
    if target.suffix.lower() != SUFFIX:
        raise GessoError(f"{shown(target)}: a card's name ends in {SUFFIX}")
    if not target.parent.is_dir():
        raise GessoError(f"{shown(target)}: its folder does not exist; make it first")
    if target.exists():
        if any(path.is_file() and target.samefile(path) for path in inputs):
            raise GessoError(f"{shown(target)}: is an input, which is never overwritten")
        if not overwrite:
            raise GessoError(f"{shown(target)}: exists; --overwrite replaces it")
