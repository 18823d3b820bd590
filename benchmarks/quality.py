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

from curves import Line, line_chart, picture_sheet
from johnson import Comparison
from PIL import Image
from refining import refining_trials
from session import RESULTS, Session, means, save_picture
from trials import Pair, Trial, controls, random_start

from gesso.bench.pictures import ordered
from gesso.bench.store import Row, digest, markdown, write_csv
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.metastyle.method import MetaStyle
from gesso.nn.pictures import read_image

RUNS = Path("runs") / "benchmarks"
MOST_DRAWN = 4.0  # beyond lie random networks, which would flatten all other curves
CURVE_STEPS = (1, 10, 50, 100, 200)


def mean_table(session: Session, trials: list[Trial]) -> list[Row]:
    """One row a trial, over the pairs that have been measured."""
    table = []
    for trial in trials:
        rows = [row for pair in session.pairs if (row := session.bench.row(pair, trial))]
        if rows:
            table.append({"": trial.name, **means(rows)})
    return table


def yardstick(session: Session) -> int:
    """Controls, MetaStyle and, once `gatys` has measured them, Gatys rows."""
    args = session.args
    trials = [*controls(), session.ours(), *(session.ours(steps) for steps in args.steps)]
    trials += [session.finished(polish) for polish in args.polish]
    trials = list({trial.name: trial for trial in trials}.values())
    done = session.bench.measure(session.pairs, trials)
    trials.append(session.gatys(args.gatys_steps, args.gatys_lr))
    shown_trials = trials[len(controls()) :]
    return session.report("yardstick", mean_table(session, trials), shown_trials, done)


def gatys(session: Session) -> int:
    """Gatys' optimisation, minutes a pair."""
    trials = [session.gatys(session.args.gatys_steps, session.args.gatys_lr)]
    done = session.bench.measure(session.pairs, trials)
    return session.report("gatys", mean_table(session, trials), trials, done)


def encoders(session: Session) -> int:
    """The same adaptation on --encoder and on VGG-19: objectives and wall time, pair by pair."""
    steps = session.args.steps[0] if session.args.steps else None
    on_vgg = MetaStyle.load(session.vgg, session.args.start)
    small = session.ours(steps)
    large = session.adapted("MetaStyle on VGG-19", on_vgg, on_vgg.base, steps)
    done = session.bench.measure(session.pairs, [small, large])
    table = []
    for pair in session.pairs:
        a, b = session.bench.row(pair, small), session.bench.row(pair, large)
        if a and b:
            table.append({"pair": pair.name, **ratios(session.method.encoder.name, a, b)})
    if table:
        columns = {k: [r[k] for r in table] for k in table[0] if k != "pair"}
        table.append({"pair": "mean", **{k: fmean(v) for k, v in columns.items()}})
        table.append({"pair": "median", **{k: median(v) for k, v in columns.items()}})
    return session.report("encoders", table, [small, large], done)


def ratios(name: str, a: Row, b: Row) -> Row:
    """Of encoder `name` (a) to VGG-19 (b)."""
    return {
        f"objective on {name}": a["objective"],
        "objective on vgg19": b["objective"],
        "ratio of objectives": a["objective"] / b["objective"],
        f"seconds on {name}": a["seconds"],
        "seconds on vgg19": b["seconds"],
        "ratio of seconds": a["seconds"] / b["seconds"],
    }


def starts(session: Session) -> int:
    """The objective by steps from the meta-learned, an average and a random start: table, figure.

    One adaptation for every number of steps, because the learning rate's decay depends on it.
    """
    args = session.args
    untrained = random_start(session.method, args.seed)
    named = {"MetaStyle": (session.method, session.method.base)}
    if args.average is not None:
        average = MetaStyle.load(session.method.encoder, args.average)
        named["average start"] = (average, average.base)
    named["random start"] = (untrained, f"random {args.seed}")
    trials = {
        (name, steps): session.adapted(name, method, start, steps)
        for steps in args.steps or CURVE_STEPS
        for name, (method, start) in named.items()
    }
    return by_steps(session, "starts", trials)


def refine(session: Session) -> int:
    """The objective by steps and by seconds: generated, mean and random start of one network, and
    MetaStyle's start of its own."""
    return by_steps(session, "refine", refining_trials(session, session.args.model), seconds=True)


def by_steps(
    session: Session, part: str, trials: dict[tuple[str, int], Trial], seconds: bool = False
) -> int:
    """Measure trials by start and steps; their table, and figures against steps (and seconds)."""
    done = session.bench.measure(session.pairs, list(trials.values()))
    table: list[Row] = []
    for (name, steps), trial in trials.items():
        row = mean_table(session, [trial])
        table += [{"start": name, "steps": steps, **{k: v for k, v in r.items() if k}} for r in row]
    figure(session, part, table, "steps", "steps of adaptation")
    if seconds:
        figure(session, part, table, "seconds", "seconds to take on the style")
    return session.report(part, table, list(trials.values()), done)


def figure(session: Session, part: str, table: list[Row], by: str, label: str) -> None:
    """Objective against `by`, with Gatys' as a dashed line if it has been measured."""
    whole = [row for row in table if row["pairs"] == len(session.pairs) and row[by]]
    complete = [row for row in whole if row["objective"] <= MOST_DRAWN]
    names = dict.fromkeys(row["start"] for row in complete)
    lines = [
        Line(name, [(round(r[by], 2), r["objective"]) for r in complete if r["start"] == name])
        for name in names
    ]
    if not lines:
        return
    trial = session.gatys(session.args.gatys_steps, session.args.gatys_lr)
    for row in mean_table(session, [trial]):
        if row["pairs"] == len(session.pairs):
            lines.append(Line(trial.name, level=row["objective"]))
    title = f"Perceptual objective by VGG-19, mean of {len(session.pairs)} pairs"
    chart = line_chart(lines, title=title, x=label, y="content + style")
    suffix = "" if by == "steps" else f"-{by}"
    save_picture(session.args.results / f"quality-{part}{suffix}-{session.suffix}.png", chart)


def johnson(session: Session) -> int:
    """Johnson's training from MetaStyle's, an average and a random start: one run a start and
    style, its losses as it goes and its network judged at the checkpoints."""
    comparison, args = Comparison(session), session.args
    done = comparison.measure()
    suffix = f"{session.conditions}-{comparison.extent}"
    for part, table in (
        ("johnson-losses", comparison.losses()),
        ("johnson", comparison.quality()),
    ):
        write_csv(args.results / f"quality-{part}-{suffix}.csv", table)
    print(f"\n{markdown(comparison.quality())}\n")
    if (drawn := comparison.figure()) is not None:
        save_picture(args.results / f"quality-johnson-{suffix}.png", drawn)
    sheet = session.pictures / f"johnson-{comparison.extent}.jpg"
    save_picture(sheet, picture_sheet(comparison.sheet(), cell=160))
    print(f"pictures: {shown(sheet)}")
    return session.status(done)


def grid(session: Session) -> int:
    """Some photos (down) in some styles (across) after the default adaptation, to look at."""
    args = session.args
    photos, styles = (
        ordered(folder)[:count]
        for folder, count in ((args.contents, args.rows), (args.styles, args.columns))
    )
    trial = session.ours(args.steps[0] if args.steps else None)
    folder = session.pictures / f"grid-{digest(trial.settings)}"
    rows: list[list[tuple[str, Image.Image | None]]] = [
        [("", None), *((style.stem, Image.open(style)) for style in styles)]
    ]
    for photo in photos:
        rows.append([(photo.stem, Image.open(photo))])
        for style in styles:
            cell = folder / f"{photo.stem}__{style.stem}.jpg"
            if not cell.is_file() and not session.budget.over():
                stylize(trial, Pair(photo, style, ()), args.size, cell)
            rows[-1].append((trial.name, Image.open(cell) if cell.is_file() else None))
    target = folder.with_suffix(".jpg")
    save_picture(target, picture_sheet(rows))
    print(f"pictures: {shown(target)}")
    return 3 if session.budget.stopped else 0


def stylize(trial: Trial, pair: Pair, size: int, target: Path) -> None:
    """One picture, not judged."""
    photo, style = (read_image(path, size=size) for path in (pair.content, pair.style))
    target.parent.mkdir(parents=True, exist_ok=True)
    write_image(target, trial.run(pair, photo, style)[0])


COMMANDS: dict[str, Callable[[Session], int]] = {
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
    p.add_argument("--polish", type=int, nargs="*", default=[MetaStyle.polish], help=polish)
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
        return COMMANDS[args.command](Session(args))
    except GessoError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
