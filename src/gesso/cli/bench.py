"""`gesso bench`: speed, size and quality of every method on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from gesso.bench.options import Options
from gesso.cli import options as opt
from gesso.cli.console import import_torch, say
from gesso.cli.flags import Derived, Given, fields_shown, values_of
from gesso.cli.progress import showing, step_reporter
from gesso.disk.atomic import shown
from gesso.disk.hub import fetched, on_hub
from gesso.errors import GessoError, OptionError
from gesso.options import changed
from gesso.reports import Progress

INCOMPLETE = 1

OfBench = Annotated[
    Given, Derived(lambda: {"": fields_shown(Options)}, lambda flag: "What is measured")
]


def bench(
    out: Annotated[
        Path, opt.option("Results; those there are gone on with.", "DIR", "-o --out")
    ] = Path("bench"),
    *,
    given: OfBench,
    method: Annotated[
        list[str] | None, opt.option("This method; may be repeated. Default: all.", "NAME")
    ] = None,
    model: Annotated[
        list[str] | None, opt.option("Weights of a method; may be repeated.", "NAME=FILE")
    ] = None,
    changes: Annotated[
        list[str] | None,
        opt.option(
            "An option of a method, as metastyle.steps=100, or how much it does: "
            "most_styles, most_pairs. May be repeated.",
            "NAME.OPTION=VALUE",
            "--set",
        ),
    ] = None,
    engines: Annotated[
        bool,
        opt.option(
            "Only print what the engines give for networks, see --engine of `gesso stylize`; by "
            "default for meta_networks and adain.",
            flags="--engines",
        ),
    ] = False,
    talk: opt.Talk,
) -> int:
    """Measure speed, size and quality of every method on this machine.

    Seconds a style and a picture, memory, and how close the pictures come to style and photo,
    beside the papers' own figures: results.csv, results.md, index.html and all pictures in the
    folder DIR. What is measured is kept at once: after Ctrl-C the same command goes on.
    """
    values = values_of(fields_shown(Options), given)
    values |= {"names": method, "weights": named_files(model or []), "changes": changes}
    options = changed(Options(), values)
    if engines:
        return _engines(options, talk)
    import_torch()

    from gesso.bench.report import Report
    from gesso.bench.setup import set_up
    from gesso.bench.store import Budget

    budget = Budget(options.most_minutes)  # before anything else: setting up counts too
    try:
        bench, absent = set_up(out, options)
    except OptionError as error:
        raise GessoError(f"--{error}") from error
    for missing in absent:
        say(f"{missing.name}: not measured: {missing.reason}", talk.quiet)
    complete = False
    with showing(talk.quiet) as show:

        def begins(task: str, done: float, total: float) -> None:
            show(Progress("bench", 100 * done / total, 100, "%", task))

        try:
            complete = bench.measure(budget, begins, step_reporter(show, "adapting"))
        finally:
            report = Report(bench, absent, command_line(), options.size, complete)
            report.write()
            say(
                f"{shown(out / 'index.html')}: written, with results.md and results.csv", talk.quiet
            )
            if not complete:
                say("not everything is measured yet: the same command goes on", talk.quiet)
    return 0 if complete else INCOMPLETE


def _engines(options: Options, talk: opt.Talk) -> int:
    """Print the table of engines."""
    from gesso.bench.engines import all_engines, measured, table
    from gesso.runtime.styles import bundled_methods

    with showing(talk.quiet) as show:

        def begins(what: str, done: int, total: int) -> None:
            show(Progress("engines", done, total, "networks", what))

        methods = options.names or bundled_methods()
        rows = list(measured(methods, all_engines(), options.runs or 3, begins))
    print(table(rows))
    return 0


def named_files(texts: list[str]) -> dict[str, Path]:
    """NAME=FILE as a name and a file. Raises OptionError for anything else."""
    files = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            trouble = f"{shown(text)}: expected NAME=FILE, as metastyle=start.safetensors"
            raise OptionError("model", trouble)
        path = fetched(file) if on_hub(file) else Path(file)
        if not path.is_file():
            raise OptionError("model", f"{name}: {shown(file)}: no such file")
        files[name] = path
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
