"""Write README.md's table of methods from a committed result of `gesso bench`.

    gesso bench -o bench                             # on an idle machine
    python benchmarks/readme_table.py --adopt bench  # into results/, and into the README
    python benchmarks/readme_table.py                # only the README, from the latest result

The block between the two markers in the README is nothing but what this script writes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from gesso.bench import table
from gesso.disk.atomic import atomic_write, shown
from gesso.errors import GessoError

ROOT = Path(__file__).parent.parent
RESULTS, README = ROOT / "benchmarks" / "results", ROOT / "README.md"
BEGIN, END = "<!-- benchmarks/readme_table.py -->", "<!-- /benchmarks/readme_table.py -->"
NOTHING = (
    "`gesso bench` measures speed, size, memory and quality of every method on your machine, "
    "beside the papers' figures; `gesso bench --quick` gives a first impression in three minutes."
)
THEIRS = ("paper_parameters", "paper_seconds")
LEFT_OUT = ("styles", "image_parameters", "runs", "device_mib", "content", "style", "objective")
NOT_SHOWN = (*LEFT_OUT, "match", *table.HALVES, "shared_pairs")
COLUMNS = [*(c for c in table.HEADS if c not in (*NOT_SHOWN, *THEIRS)), *THEIRS]
RENAMED = {"of_gatys": "of_reference"}  # columns of results that were written before

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """The rows of a results.csv.

    Raises:
        GessoError: no such file, or another one.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [{RENAMED.get(k, k): v for k, v in row.items()} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GessoError(f"{shown(path)}: cannot be read: {error}") from None
    if not rows or "run_machine" not in rows[0]:
        raise GessoError(f"{shown(path)}: not a result of gesso bench")
    return rows


def stem(row: Row) -> str:
    """The conditions as a file's name."""
    judge = row["run_judge"].split(" ")[0]
    counts = f"{row['run_contents']}x{row['run_styles']}"
    return f"bench-{row['run_machine']}-{row['run_size']}px-{judge}-{counts}"


def latest(results: Path) -> Path | None:
    """The result of the latest date; of two of one date the later name."""
    found = [(read(path)[0]["run_date"], path) for path in results.glob("bench-*.csv")]
    return max(found)[1] if found else None


def adopt(folder: Path, results: Path) -> Path:
    """Copy results.csv and results.json of a complete benchmark into the committed results.

    Raises:
        GessoError: an incomplete benchmark, or none.
    """
    rows = read(folder / "results.csv")
    if rows[0]["run_complete"] != "yes":
        raise GessoError(f"{shown(folder)}: not everything is measured; run gesso bench again")
    target = results / f"{stem(rows[0])}.csv"
    for suffix in (".csv", ".json"):
        atomic_write(target.with_suffix(suffix), (folder / f"results{suffix}").read_bytes())
    return target


def block(results: Path) -> str:
    """The text between the markers."""
    path = latest(results)
    if path is None:
        return NOTHING
    rows = read(path)
    ours = [row for row in rows if row["whose"] == table.OURS and row["pairs"]]
    for row in ours:
        row |= table.theirs(row["method"])
    columns = [c for c in COLUMNS if any(row.get(c) for row in ours)]
    return f"{table.markdown(ours, columns)}\n\n{caption(rows[0], path)}"


def caption(run: Row, path: Path) -> str:
    """The conditions, and the commands that give the table again."""
    absent = "" if run["run_judge"].startswith("vgg") else ", on which the methods adapt too"
    reference = run.get("run_reference", "gatys")
    return (
        f"Made by `{run['run_command']}` and `python benchmarks/readme_table.py` from "
        f"[{path.name}](benchmarks/results/{path.name}): {run['run_processor']}, "
        f"{run['run_machine']}, torch {run['run_torch']}, {run['run_date']}. Quality on "
        f"{run['run_contents']} photos and {run['run_styles']} styles at {run['run_size']} px, "
        f"judged by {run['run_judge'].split(' ')[0]}{absent}; content distortion at "
        f"{run['run_distortion_level']}; the reference is {reference}. The papers' figures are "
        "from MetaStyle's table or, where that lacks a method, from AdaIN's, on their GPUs: "
        "theirs, not ours. "
        "[What the columns mean](benchmarks/README.md#gesso-bench)."
    )


def renewed(text: str, results: Path) -> str:
    """The README with its block brought up to date. Raises GessoError where it has no markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise GessoError(f"README.md: no block between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{block(results)}\n\n{END}{after}"


def main(argv: list[str] | None = None) -> int:
    """Exit status 0; 2 for a file that does not fit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--adopt", type=Path, metavar="DIR", help="what gesso bench -o wrote")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--readme", type=Path, default=README)
    args = parser.parse_args(argv)
    try:
        if args.adopt is not None:
            print(adopt(args.adopt, args.results))
        text = args.readme.read_text(encoding="utf-8")
        atomic_write(args.readme, renewed(text, args.results).encode())
    except GessoError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
