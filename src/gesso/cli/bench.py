"""`gesso bench`: speed, size and quality of every method on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.console import benchmarking, import_torch, say
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError

if TYPE_CHECKING:
    from gesso.bench.report import Report

INCOMPLETE = 1


def bench(
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="DIR", help="Results; those there are gone on with."),
    ] = Path("bench"),
    contents: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos; default: a bundled set.")
    ] = None,
    styles: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Styles; default: a bundled set.")
    ] = None,
    max_contents: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="At most so many of them; default: 50 (quick: 3)."),
    ] = None,
    max_styles: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="At most so many of them; default: 10 (quick: 2)."),
    ] = None,
    size: Annotated[
        int, typer.Option(min=64, metavar="PX", help="Longer side of the photos judged.")
    ] = 256,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This method; may be repeated. Default: all."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Weights of a method; may be repeated."),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="compact|vgg16|vgg19|FILE",
            help="What measures quality; default: VGG if it is in the cache, else compact.",
        ),
    ] = None,
    encoder: opt.EncoderName = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME.OPTION=VALUE",
            help="An option of a method, as metastyle.steps=100, or how much it does: "
            "most_styles, most_pairs. May be repeated.",
        ),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Timed runs of a method; default: 5 (quick: 3)."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A first impression: at most 3 minutes on two cores.")
    ] = False,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="N", help="Begin nothing new after this; default: no end (quick: 2.5)."
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what was measured in the folder.")
    ] = False,
    device: opt.Device = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="CPU threads that compute; default: all cores."),
    ] = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> int:
    """Measure speed, size and quality of every method on this machine.

    Seconds a style and a picture, memory, and how close the pictures come to style and photo,
    beside the papers' own figures: results.csv, results.md, index.html and all pictures in the
    folder DIR. What is measured is kept at once: after Ctrl-C the same command goes on.
    """
    given = named_files(model or [])
    import_torch()
    import torch

    from gesso.bench.report import Report
    from gesso.bench.setup import QUICK_MINUTES, Options, set_up
    from gesso.bench.store import Budget

    # Before anything else: setting up counts too.
    budget = Budget(QUICK_MINUTES if quick and minutes is None else minutes)
    if threads is not None:
        torch.set_num_threads(threads)
    options = Options(
        out=out,
        contents=contents,
        styles=styles,
        most_contents=max_contents,
        most_styles=max_styles,
        size=size,
        names=method or [],
        weights=given,
        changes=changes or [],
        judge=judge,
        encoder=encoder or "compact",
        runs=runs,
        quick=quick,
        device=device or "cpu",
        fresh=fresh,
    )
    try:
        bench, absent = set_up(options)
    except OptionError as error:
        raise GessoError(f"--{error}") from error
    for missing in absent:
        say(f"{missing.name}: not measured: {missing.reason}", quiet)
    complete = False
    try:
        with benchmarking(quiet) as bar:
            seen = (None, None) if bar is None else (bar.task, bar.step)
            complete = bench.measure(budget, *seen)
    finally:
        report = Report(bench, absent, command_line(), size, complete)
        report.write()
        _announce(report, out, quiet)
    return 0 if complete else INCOMPLETE


def _announce(report: Report, out: Path, quiet: bool) -> None:
    say(f"{shown(out / 'index.html')}: written, with results.md and results.csv", quiet)
    if not report.complete:
        say("not everything is measured yet: the same command goes on", quiet)


def named_files(texts: list[str]) -> dict[str, Path]:
    """NAME=FILE as a name and a file. Raises GessoError for anything else."""
    files = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise GessoError(
                f"--model {shown(text)}: expected NAME=FILE, as metastyle=start.safetensors"
            )
        if not Path(file).is_file():
            raise GessoError(f"--model {name}: {shown(file)}: no such file")
        files[name] = Path(file)
    return files


def command_line() -> str:
    """The command as it was given, files and folders without what lies above them: results are
    passed on, and where they were made is nobody's business."""
    import shlex

    words = []
    for word in sys.argv[1:]:
        head, equals, value = word.rpartition("=")
        words.append(head + equals + (Path(value).name if "/" in value else value))
    return shlex.join(["gesso", *words])
