"""`gesso batch`: very many photos, on one machine or on several."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from gesso.cli import options as opt
from gesso.cli.cards import Source, checked, name_of
from gesso.cli.console import THREADS, complain, say, threads, threads_are_chosen, words
from gesso.cli.flags import Given, OfControls, OfMethods, fields_shown, values_of
from gesso.cli.light import Engine, files_of, is_light
from gesso.cli.progress import showing
from gesso.cli.tally import SOME_FAILED
from gesso.cli.writing import Saving
from gesso.controls.options import ControlOptions
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError, OptionError
from gesso.pipeline.styles import check_for_photos
from gesso.reports import Progress

if TYPE_CHECKING:
    from gesso.cli.painter import Painter
    from gesso.pipeline.crew import Workers
    from gesso.pipeline.manifest import Row
    from gesso.pipeline.tasks import Batch, Task

MOST_TOLD = 20  # lines about failures; the report has all
WORKER = "from gesso.cli.batch import work; work()"

_serving: ContextVar[list[Command] | None] = ContextVar("serving", default=None)


@dataclass(frozen=True)
class Going:
    """How a batch goes on, and with what."""

    anew: Annotated[
        bool, opt.option("Do everything, also what an earlier run has done.", flags="--anew")
    ] = False
    retry: Annotated[
        bool, opt.option("Try those again that failed in an earlier run.", flags="--retry")
    ] = False
    shard: Annotated[
        str,
        opt.option("Do only part i of n, such as 2/8: one for each machine of several.", "I/N"),
    ] = "1/1"
    workers: Annotated[
        int, opt.option("Processes that paint, each with the weights in memory.", "N", min=1)
    ] = 1
    ray: Annotated[
        str | None,
        opt.option(
            "Have the workers on a cluster of Ray: its address, auto, or local for this machine.",
            "ADDRESS",
        ),
    ] = None


@dataclass(frozen=True)
class Command:
    """The values of the command's options."""

    photos: list[str]
    styles: list[Source]
    out: str
    size: int | None
    look: ControlOptions
    given: Given
    setup: opt.Setup
    cache: bool
    engine: Engine
    writing: Saving
    going: Going
    running: opt.Reading

    @property
    def named_styles(self) -> list[tuple[Path | None, str]]:
        """File and name of each style."""
        return [
            (style if isinstance(style, Path) else None, Path(name_of(style)).stem)
            for style in self.styles
        ]

    def made_by(self) -> dict[str, Any]:
        """What decides the pictures, as JSON values."""
        styles = [
            sha256_file(style) if isinstance(style, Path) else name_of(style)
            for style in self.styles
        ]
        values = {
            "styles": styles,
            "engine": "onnxruntime" if is_light(self.styles, self.engine) else "torch",
            "size": self.size,
            "controls": asdict(self.look),
            "options": dict(self.given),
            "setup": {n: v for n, v in asdict(self.setup).items() if n != "device"},
            "quality": self.writing.quality,
            "keep-metadata": self.writing.keep_metadata,
        }
        found: dict[str, Any] = json.loads(json.dumps(values, default=os.fspath))
        return found


def batch(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PHOTO...", help="Photos, or folders of photos; paths or URLs."),
    ],
    *,
    style: Annotated[
        list[str],
        opt.option(
            "A picture, a card (also hf:…), the name of a style, or a folder of them; several "
            "times: every photo in each of them, a folder a style. Pictures and cards may be URLs.",
            "STYLE",
            "-s --style",
        ),
    ],
    out: Annotated[
        str, opt.option("The folder for the pictures: a path or a URL.", "DIR", "-o --out")
    ],
    size: Annotated[
        int | None,
        opt.option("Longer side of the results in px; default: the photo's.", "PX", min=1),
    ] = None,
    going: Going,
    controls: OfControls,
    engine: Annotated[
        str,
        opt.option(
            "What computes; auto: torch where it is installed.",
            "|".join(get_args(Engine)),
            under=opt.RUNNING,
        ),
    ] = "auto",
    given: OfMethods,
    setup: opt.Setup,
    cache: opt.Cache = True,
    writing: Saving,
    running: opt.Reading,
) -> int:
    """Turn very many photos into one or many styles, whatever happens meanwhile.

    Each photo ends as done or failed, in DIR/manifest.jsonl, and the reasons stand in
    DIR/failures.txt. The same command goes on where it was killed or stopped, does photos that are
    new or have changed, and touches nothing that is finished. A photo that ends its worker twice
    has failed, and the rest goes on. Cards practise on the bundled contents, unless --contents
    says otherwise, so that they depend on no other photo.

    Photos, styles and results may lie in object stores: s3://BUCKET/FOLDER, gs://… and what else
    fsspec reaches.

    The exit code is 1 if some have failed.
    """
    from gesso.pipeline.banks import bank_of
    from gesso.pipeline.files import files_at
    from gesso.pipeline.sources import given_path, is_url
    from gesso.pipeline.tasks import Shard, plan_batch

    if engine not in get_args(Engine):
        allowed = ", ".join(get_args(Engine))
        raise OptionError("engine", f"{engine} is unknown; allowed are {allowed}")
    out = out if is_url(out) else os.fspath(given_path("out", out))
    styles = files_of(_styles(style, bank_of(setup.model)))
    look = ControlOptions(**values_of(fields_shown(ControlOptions), controls))
    command = Command(
        photos, styles, out, size, look, given, setup, cache, cast(Engine, engine), writing, going,
        running,
    )  # fmt: skip
    serving = _serving.get()
    if serving is not None:
        serving.append(command)
        return 0
    shard = Shard.read(going.shard)
    if not is_light(styles, command.engine):
        _, options = checked(styles, setup, given, polished=bool(look.polish))
        check_for_photos(styles, options)
    made_by = command.made_by()
    files_at(out).make_folder(out)
    planned = plan_batch(photos, command.named_styles, out, shard, _inputs(command, style))
    return _supervise(command, planned, made_by)


def _styles(texts: Sequence[str], bank: Any) -> list[Source]:
    """The styles that are named, with the pictures and cards of folders in their place."""
    from gesso.pipeline.sources import STDIN, is_url, style_source
    from gesso.pipeline.urls import fetched

    if STDIN in texts:
        raise OptionError("style", "-: workers cannot read standard input; save it as a file")
    found: dict[str, Source] = {}
    for text in texts:
        if is_url(text):
            found |= {str(path): path for path in fetched(text)}
            continue
        for style in _of_folder(style_source(text, bank)):
            known = os.path.abspath(style) if isinstance(style, Path) else name_of(style)
            found.setdefault(known, style)
    return list(found.values())


def _of_folder(style: Any) -> list[Any]:
    """A style, or the pictures and cards of a folder of them."""
    from gesso.images.folders import find_images
    from gesso.images.formats import SUFFIXES
    from gesso.pipeline.plan import CARD_SUFFIX
    from gesso.runtime.exported import is_exported

    if not isinstance(style, Path) or not style.is_dir() or is_exported(style):
        return [style]
    files, failures = find_images(style, (*SUFFIXES, CARD_SUFFIX))
    if failures or not files:
        raise GessoError(next(iter(failures.values()), f"{shown(style)}: holds no styles"))
    return files


def _inputs(command: Command, styles: Sequence[str]) -> list[str]:
    """Files that must not be overwritten, besides photos and the files of styles."""
    from gesso.pipeline.sources import is_url

    named = (command.setup.model, command.setup.encoder)
    return [*(str(path) for path in named if path is not None), *filter(is_url, styles)]


def _supervise(command: Command, planned: Batch, made_by: Mapping[str, Any]) -> int:
    """Have it done; returns the exit code."""
    from gesso.pipeline.batch import run_batch
    from gesso.pipeline.files import files_at

    quiet, going = command.running.quiet, command.going
    busy = f"{shown(command.out)}: another gesso batch is at work in this folder"
    held = files_at(planned.out).held(planned.manifest, busy)
    progress = [0, 0]
    try:
        with held, showing(quiet) as show:

            def tell(done: int, total: int) -> None:
                progress[:] = done, total
                show(Progress("stylizing", done, total, "pictures"))

            rows = run_batch(
                planned, made_by, lambda: _crew(command), anew=going.anew, retry=going.retry,
                on_progress=tell,
            )  # fmt: skip
    except KeyboardInterrupt as stop:
        stop.add_note(f"{progress[0]} of {progress[1]} have ended; the same command goes on")
        raise
    return _tell(planned, rows, quiet)


def _tell(planned: Batch, rows: Sequence[Row], quiet: bool) -> int:
    failed = [row.reason for row in rows if row.state == "failed"]
    say(f"{shown(planned.out)}: {len(rows) - len(failed)} done, {len(failed)} failed", quiet)
    for line in failed[:MOST_TOLD]:
        complain(line)
    if len(failed) > MOST_TOLD:
        complain(f"{len(failed) - MOST_TOLD} more in {shown(planned.report)}")
    return SOME_FAILED if failed else 0


def _crew(command: Command) -> Workers[Task]:
    from gesso.images.apart import processors
    from gesso.pipeline.alone import Alone
    from gesso.pipeline.cluster import RayCrew
    from gesso.pipeline.crew import Crew
    from gesso.pipeline.files import files_at

    count, address = command.going.workers, command.going.ray
    ours = next((n for n in [*command.photos, command.out] if not files_at(n).shared), None)
    if ours is not None:
        if address is not None:
            raise OptionError("ray", f"{address}: no worker there reaches {shown(ours)}")
        return Alone(lambda: closing(_painter(command)), _message)
    if address is not None:
        return RayCrew(address, count, painter, words.get(), _message, threads() or 1)
    share = str(max(1, processors() // count))
    shared = {} if threads_are_chosen() or count == 1 else {THREADS: share}
    return Crew(WORKER, words.get(), count, _message, shared)


def _message(task: Task) -> dict[str, Any]:
    return {"photo": task.photo, "out": task.out, "style": task.style}


def work() -> None:
    """Be a worker of the command in `sys.argv`."""
    import sys

    from gesso.pipeline.crew import serve

    serve(lambda: painter(sys.argv[1:]))


def painter(arguments: Sequence[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What does the jobs of a command line, from the command's name on. Raises GessoError."""
    from gesso.cli import run

    found: list[Command] = []
    token = _serving.set(found)
    code = run(list(arguments))
    _serving.reset(token)
    if not found:
        raise GessoError(f"a worker could not read its options (exit code {code})")
    return _painter(found[0])


def _painter(command: Command) -> Painter:
    from gesso.cli.painter import Painter

    return Painter(command)
