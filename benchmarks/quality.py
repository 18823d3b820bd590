"""Quality of stylized pictures, judged by VGG-19 (gesso.bench); one sub-command a question.

Rows are kept as they are measured: run a command again and it goes on where it stopped. Tables are
printed and written as CSV to --results, pictures to --pictures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median

from johnson import Comparison
from refining import refining
from study import RESULTS, Study, control_rows, mean_row

from gesso.bench import svg
from gesso.bench.contestants import Contestant
from gesso.bench.store import Row, digest
from gesso.bench.workshop import Workshop
from gesso.errors import GessoError
from gesso.methods.metastyle.method import MetaStyle

RUNS = Path("runs") / "benchmarks"
MOST_DRAWN = 4.0  # beyond lie random networks, which would flatten all other curves
CURVE_STEPS = (1, 10, 50, 100, 200)


def mean_table(workshop: Workshop) -> list[Row]:
    """One row a contestant, over the pairs that have been measured."""
    return [{"": c.name, **row} for c in workshop.contestants if (row := mean_row(workshop, c))]


def yardstick(study: Study) -> int:
    """Controls, MetaStyle and, once `gatys` has measured them, Gatys rows."""
    args = study.args
    ours = [study.ours(), *(study.ours(steps) for steps in args.steps)]
    ours += [study.ours(polish=polish) for polish in args.polish]
    workshop = study.workshop(list({c.name: c for c in ours}.values()))
    done = study.measure(workshop)
    workshop.contestants.append(study.gatys())
    rows = [*control_rows(workshop), *mean_table(workshop)]
    return study.report("yardstick", rows, workshop, done)


def gatys(study: Study) -> int:
    """Gatys' optimisation, minutes a pair."""
    workshop = study.workshop([study.gatys()])
    done = study.measure(workshop)
    return study.report("gatys", mean_table(workshop), workshop, done)


def encoders(study: Study) -> int:
    """Adapt on --encoder and, alike, on VGG-19: objectives and wall time, pair by pair."""
    steps = study.args.steps[0] if study.args.steps else None
    on_vgg = MetaStyle.load(study.vgg, study.args.start)
    small, large = study.ours(steps), study.adapted("MetaStyle on VGG-19", on_vgg, steps)
    workshop = study.workshop([small, large])
    done = study.measure(workshop)
    rows: list[Row] = []
    for pair in study.gallery.pairs():
        a, b = workshop.whole(small, pair), workshop.whole(large, pair)
        if a and b:
            rows.append({"pair": pair.name, **ratios(study.method.encoder.name, a, b)})
    if rows:
        columns = {k: [r[k] for r in rows] for k in rows[0] if k != "pair"}
        rows.append({"pair": "mean", **{k: fmean(v) for k, v in columns.items()}})
        rows.append({"pair": "median", **{k: median(v) for k, v in columns.items()}})
    return study.report("encoders", rows, workshop, done)


def ratios(name: str, a: Row, b: Row) -> Row:
    """What encoder `name` (a) gives, and VGG-19 (b)."""
    return {
        f"objective on {name}": a["objective"],
        "objective on vgg19": b["objective"],
        "ratio of objectives": a["objective"] / b["objective"],
        f"seconds on {name}": a["seconds"],
        "seconds on vgg19": b["seconds"],
        "ratio of seconds": a["seconds"] / b["seconds"],
    }


def starts(study: Study) -> int:
    """The objective by steps from the meta-learned, an average and a random start: table, figure.

    One adaptation for every number of steps, because the learning rate's decay depends on it.
    """
    args = study.args
    named = {"MetaStyle": study.method}
    if args.average is not None:
        named["average start"] = MetaStyle.load(study.method.encoder, args.average)
    named["random start"] = study.random_start()
    found = {
        (name, steps): study.adapted(name, method, steps)
        for steps in args.steps or CURVE_STEPS
        for name, method in named.items()
    }
    return by_steps(study, "starts", found)


def refine(study: Study) -> int:
    """The objective by steps and by seconds: generated, mean and random start of one network, and
    MetaStyle's start of its own."""
    return by_steps(study, "refine", refining(study), seconds=True)


def by_steps(
    study: Study, part: str, found: dict[tuple[str, int], Contestant], seconds: bool = False
) -> int:
    """Measure contestants by start and steps; write their table, and figures against steps (and
    seconds)."""
    workshop = study.workshop(list(found.values()))
    done = study.measure(workshop)
    rows = [
        {"start": name, "steps": steps, **row}
        for (name, steps), c in found.items()
        if (row := mean_row(workshop, c))
    ]
    figure(study, part, rows, workshop, "steps", "steps of adaptation")
    if seconds:
        figure(study, f"{part}-seconds", rows, workshop, "seconds", "seconds to the picture")
    return study.report(part, rows, workshop, done)


def figure(
    study: Study, part: str, rows: list[Row], workshop: Workshop, by: str, label: str
) -> None:
    """Draw the objective against `by`, with Gatys' as a dashed line if it has been measured."""
    count = study.args.pairs
    drawn = [r for r in rows if r["pairs"] == count and r[by] and r["objective"] <= MOST_DRAWN]
    level = mean_row(workshop, gatys := study.gatys())
    levels = [(gatys.name, level["objective"])] if level and level["pairs"] == count else []
    lines = svg.lines(drawn, "start", by, "objective")
    title = f"content + style by VGG-19, mean of {count} pairs"
    study.write_figure(part, [[svg.Plot(label, title, lines, levels)]])


def johnson(study: Study) -> int:
    """Johnson's training from MetaStyle's, an average and a random start: one run a start and
    style, its losses as it goes and its network judged at the checkpoints."""
    comparison = Comparison(study)
    done = comparison.measure()
    suffix = f"{study.conditions}-{comparison.extent}"
    study.write_table("johnson", comparison.quality(), suffix)
    study.write_table("johnson-losses", comparison.losses(), suffix, show=False)
    study.write_figure("johnson", comparison.figure(), suffix)
    study.write_sheet(study.out / f"johnson-{comparison.extent}.jpg", comparison.sheet())
    return study.status(done)


def grid(study: Study) -> int:
    """Some photos (down) in some styles (across) after the default adaptation, to look at."""
    args, found = study.args, study.pictures
    c = study.ours(args.steps[0] if args.steps else None)
    out = study.out / f"grid-{digest(c.settings)}"
    workshop = Workshop(out, found, [c], study.method.encoder, study.store, needs_files=False)
    styles = found.styles[: args.columns]
    rows: list[list[tuple[str, Path | None]]] = [[("", None), *((s.name, s.path) for s in styles)]]
    for i, photo in enumerate(found.contents[: args.rows]):
        rows.append([(photo.name, photo.path)])
        for pair in (found.pair(i, style) for style in styles):
            path = workshop.picture_path(c.name, pair)
            if not path.is_file() and not study.budget.over():
                workshop.make(c, pair)
            rows[-1].append((c.name, path))
    study.write_sheet(out.with_suffix(".jpg"), rows)
    return 3 if study.budget.stopped else 0


COMMANDS: dict[str, Callable[[Study], int]] = {
    "yardstick": yardstick,
    "gatys": gatys,
    "encoders": encoders,
    "starts": starts,
    "refine": refine,
    "johnson": johnson,
    "grid": grid,
}


def parser() -> argparse.ArgumentParser:
    """The command line; every sub-command takes the same options."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("command", choices=COMMANDS)
    p.add_argument("--contents", type=Path, required=True, help="folder of photos")
    p.add_argument("--styles", type=Path, required=True, help="folder of styles")
    p.add_argument("--vgg", help="VGG-19's weights, a safetensors file, or vgg19 to download")
    p.add_argument("--start", type=Path, help="MetaStyle's weights (the bundled ones)")
    p.add_argument("--encoder", default="compact", help="what adaptation is judged by")
    p.add_argument(
        "--average", type=Path, help="starts, johnson: weights learned without an inner loop"
    )
    p.add_argument("--model", help="refine: Meta Networks' weights (the bundled ones)")
    p.add_argument("--training", type=Path, help="johnson: folder of photos to train on")
    p.add_argument("--training-photos", type=int, default=256, help="johnson: of that folder")
    p.add_argument("--pairs", type=int, default=12, help="of a photo and a style")
    p.add_argument("--size", type=int, default=512, help="longer side of photos and styles, px")
    p.add_argument("--steps", type=int, nargs="*", default=[], help="other than the default")
    polish = "yardstick: steps of polish"
    p.add_argument("--polish", type=int, nargs="*", default=[MetaStyle.about.polish], help=polish)
    p.add_argument("--adapt", nargs="*", default=[], metavar="NAME=VALUE", help="crop=160 …")
    p.add_argument("--gatys-steps", type=int, default=100)
    p.add_argument("--gatys-lr", type=float, default=0.02, help="Adam's, pixels in [0, 1]")
    p.add_argument("--seed", type=int, default=0, help="of the random start")
    p.add_argument("--rows", type=int, default=4, help="photos of grid and johnson")
    p.add_argument("--columns", type=int, default=6, help="styles of grid and johnson")
    p.add_argument("--minutes", type=float, help="start nothing new after this long")
    p.add_argument("--fresh", action="store_true", help="forget what was measured")
    p.add_argument("--tag", default="", help="put into the names of results")
    p.add_argument("--results", type=Path, default=RESULTS)
    p.add_argument("--pictures", type=Path, default=RUNS / "pictures")
    return p


def main(argv: list[str] | None = None) -> int:
    """Exit status 0; 2 for a wrong option or file, 3 if --minutes were over before the end."""
    args = parser().parse_args(argv)
    try:
        return COMMANDS[args.command](Study(args))
    except GessoError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
