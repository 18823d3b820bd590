"""What the papers say of speed and size, on their hardware: to stand beside our own figures."""

from __future__ import annotations

import csv
from functools import cache

from gesso import assets
from gesso.bench.store import Row

FIGURES = assets.ROOT / "figures" / "papers.csv"
NUMBERS = ("parameters", "seconds_256", "seconds_512", "encoded_256", "encoded_512")
FOOTNOTE = "∞*: any style, after some steps of adaptation."


def beside(method: str) -> Row | None:
    """The row to stand beside gesso's method: MetaStyle's table has most of them, AdaIN's the
    others."""
    return next((row for row in published() if row["ours"] == method), None)


@cache
def published() -> list[Row]:
    """A row for every row of the papers' tables: `method` is what its paper calls the method,
    `ours` what gesso does; the seconds `encoded_…` include the encoding of the style."""
    with open(FIGURES, newline="", encoding="utf-8") as file:
        rows: list[Row] = list(csv.DictReader(file))
    for row in rows:
        row |= {name: float(row[name]) if row[name] else None for name in NUMBERS}
    return rows
