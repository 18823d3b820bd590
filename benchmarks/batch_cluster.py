"""Write docs/batch.md's table of a million photos in a hundred styles on a cluster, from what one
picture costs (`batch_cost.py`):

    python benchmarks/batch_cluster.py

The block between the two markers in the page is nothing but what this script writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from batch_cost import WAYS

from gesso.disk.atomic import atomic_write

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "batch.md"
RESULT = ROOT / "benchmarks" / "results" / "batch-cost-cpu1-avx512-bf16-512px.json"
BEGIN, END = "<!-- benchmarks/batch_cluster.py -->", "<!-- /benchmarks/batch_cluster.py -->"
PHOTOS, STYLES = 1_000_000, 100
MACHINES, CORES = 50, 16  # c7a.4xlarge
ROW_BYTES = 350  # of a line of the manifest

Row = dict[str, Any]


def figures(row: Row) -> dict[str, float]:
    """What all pictures take, by what one takes."""
    pictures = PHOTOS * STYLES
    core_hours = pictures * row["core_seconds"] / 3600
    a_second = MACHINES * CORES / row["core_seconds"]
    return {
        "core-hours": core_hours,
        "machine-hours": core_hours / CORES,
        "hours": core_hours / CORES / MACHINES,
        "pictures a second": a_second,
        "results, MB a second": a_second * row["bytes"] / 1e6,
        "results, TB": pictures * row["bytes"] / 1e12,
    }


def table(rows: dict[str, Row]) -> str:
    """The table, a column a way."""
    found = [figures(row) for row in rows.values()]
    lines = [
        ["", *rows],
        ["---"] * (len(rows) + 1),
        ["seconds of a core a picture, measured", *(f"{r['core_seconds']}" for r in rows.values())],
        ["bytes a picture, measured", *(f"{r['bytes']:,}" for r in rows.values())],
        *[[name, *(number(one[name]) for one in found)] for name in found[0]],
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Three figures, more before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def block(result: Path = RESULT) -> str:
    """The text between the markers."""
    found = json.loads(result.read_text(encoding="utf-8"))
    run, rows = found["conditions"], {name: found["rows"][name] for name in WAYS}
    side, beside = rows["default"]["side"], rows["default"]["beside"]
    commands = "; ".join(f"{name}: `{row['command']}`" for name, row in rows.items())
    return (
        f"{table(rows)}\n\n"
        f"{commands}. Measured by `benchmarks/batch_cost.py` on {run['date']} with square photos "
        f"of {side} px, in one thread of an {run['processor']} ({run['machine']}), beside "
        f"{beside}: [{result.name}](../benchmarks/results/{result.name}). The rest is "
        f"reckoned: core-hours = {PHOTOS * STYLES:,} × seconds ÷ 3600; machine-hours = core-hours "
        f"÷ {CORES}; hours = machine-hours ÷ {MACHINES}; pictures a second = {MACHINES} × {CORES} "
        f"÷ seconds; MB a second = pictures a second × bytes ÷ 10⁶; TB = {PHOTOS * STYLES:,} × "
        "bytes ÷ 10¹²."
    )


def renewed(text: str) -> str:
    """The page with its block brought up to date."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"no block between {BEGIN} and {END}"
    return f"{before}{BEGIN}\n\n{block()}\n\n{END}{after}"


if __name__ == "__main__":
    atomic_write(PAGE, renewed(PAGE.read_text(encoding="utf-8")).encode())
