"""From measurements to rows, and from rows to tables as people read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from gesso.bench.bench import Bench
from gesso.bench.contestants import Absent, Contestant
from gesso.bench.published import beside, published
from gesso.bench.store import Row
from gesso.bench.workshop import CONTROLS, UNTOUCHED

OURS, PAPER = "gesso", "paper"

# Column → its head in Markdown and HTML; the CSV has the keys.
SPEED = {
    "method": "method",
    "settings": "settings",
    "styles": "styles",
    "parameters": "parameters",
    "image_parameters": "… of them for a picture",
    "seconds_style": "seconds a style",
    "seconds_256": "seconds at 256 px",
    "seconds_512": "seconds at 512 px",
    "runs": "runs",
    "peak_mib": "peak memory, MiB",
    "seconds_large": "seconds at 12 MP",
    "large_mib": "peak memory at 12 MP, MiB",
    "paper_parameters": "the paper's parameters",
    "paper_seconds": "the paper's seconds at 256 / 512 px",
}
ON_GPU = {"device_mib": "… of the GPU, MiB"}
QUALITY = {
    "match_percent": "style match, % of the photo’s",
    "match": "style match",
    "patches": "patches",
    "structure": "structure",
    "gap_percent": "style gap, %",
    "distortion_percent": "content distortion, %",
    "ssim": "SSIM",
    "content": "content loss",
    "style": "style loss",
    "objective": "objective",
    "of_reference": "objective, of the reference’s",
    "pairs": "pictures",
    "shared_pairs": "shared with it",
}
HALVES = {
    "match_of_picture": "style match of the picture’s places",
    "match_of_style": "style match of the style’s places",
}
HEADS = SPEED | ON_GPU | QUALITY | HALVES
COLUMNS = ("whose", *HEADS, "source", "hardware")
LIKENESS = ("match", *HALVES, "patches", "structure")
MEASURES = (*LIKENESS, "gap", "distortion", "ssim", "content", "style", "objective")


def rows(bench: Bench, absent: Sequence[Absent] = ()) -> list[Row]:
    """Controls, methods and those that took no part; one row each with the keys of COLUMNS."""
    table = [_whole(OURS, name, quality(bench, name)) for name in CONTROLS]
    table += [_of_contestant(bench, c) for c in bench.contestants]
    for missing in absent:
        why = {"settings": f"not measured: {missing.reason}"}
        table.append(_whole(OURS, missing.name, why | theirs(missing.name)))
    return table


def same_pairs(bench: Bench) -> list[Row]:
    """Quality over the pictures that the reference has made, too, so that all rows are about the
    same ones."""
    if bench.reference is None or not (shared := bench.picture_rows(bench.reference.name)):
        return []
    names = [*CONTROLS, *(c.name for c in bench.contestants)]
    table = [_whole(OURS, name, quality(bench, name, shared)) for name in names]
    keep = ["method", *(column for column in QUALITY if column != "shared_pairs")]
    return [{column: row[column] for column in keep} for row in table if row["pairs"]]


def published_rows() -> list[Row]:
    """The papers' figures, marked as theirs."""
    return [_of_paper(paper) for paper in published()]


def theirs(method: str) -> Row:
    """What the papers print of a method, on their hardware; {} where they have no row of it."""
    paper = beside(method)
    if paper is None:
        return {}
    seconds = f"{paper['seconds_256']:g} / {paper['seconds_512']:g}"
    return {"paper_parameters": paper["parameters"], "paper_seconds": seconds}


def _of_paper(paper: Row) -> Row:
    words, encoded = "", (paper["encoded_256"], paper["encoded_512"])
    if all(encoded):
        words = f"{encoded[0]:g} and {encoded[1]:g} s with the style’s encoding"
    values = {key: value for key, value in paper.items() if key in COLUMNS}
    return _whole(PAPER, f"{paper['method']} {paper['year']}", {**values, "settings": words})


def _of_contestant(bench: Bench, c: Contestant) -> Row:
    speeds = {size: bench.runs(c, size) for size in bench.plan.sizes}
    peak, large = bench.peak(c) or {}, bench.of_large(c)
    adapting = bench.adaptations(c)
    values: Row = {
        "settings": c.in_words,
        "styles": c.about.styles,
        "parameters": c.parameters,
        "image_parameters": c.image_parameters,
        "seconds_style": median(adapting) if adapting else None,
        **{f"seconds_{size}": median(times) if times else None for size, times in speeds.items()},
        "runs": min(map(len, speeds.values())) or None,
        "peak_mib": peak.get("peak_mib"),
        "device_mib": peak.get("device_mib"),
        "seconds_large": large.get("seconds"),
        "large_mib": large.get("peak_mib"),
        **({} if c.entry.polish else theirs(c.entry.method)),
    }
    return _whole(OURS, c.name, values | quality(bench, c.name))


def quality(bench: Bench, name: str, pairs: Collection[str] | None = None) -> Row:
    """Means over the pictures there are, or over those of some pairs."""
    found = bench.picture_rows(name)
    chosen = {pair: row for pair, row in found.items() if pairs is None or pair in pairs}
    if not chosen:
        return {}
    photo = bench.picture_rows(UNTOUCHED)
    reference = {} if bench.reference is None else bench.picture_rows(bench.reference.name)
    mean = means(list(chosen.values()))
    return {**mean, **of_photo(chosen, photo), **_against(chosen, reference)}


def means(judged: Sequence[Row]) -> Row:
    """The number of pictures and the mean of every measure, gap and distortion in per cent."""
    known = [key for key in MEASURES if key in judged[0]]
    mean = {key: fmean(row[key] for row in judged) for key in known}
    shares = {f"{key}_percent": 100 * mean.pop(key) for key in ("gap", "distortion")}
    return {**shares, **mean, "pairs": len(judged)}


def of_photo(mine: Mapping[str, Row], photo: Mapping[str, Row]) -> Row:
    """The sum of the style matches in per cent of the untouched photo's, on the same pairs."""
    shared = [pair for pair in mine if pair in photo]
    ours, theirs = (sum(found[pair]["match"] for pair in shared) for found in (mine, photo))
    return {"match_percent": 100 * ours / theirs} if theirs else {}


def _against(mine: Mapping[str, Row], reference: Mapping[str, Row]) -> Row:
    """The sum of the objectives, as a share of the reference's on the same pairs."""
    shared = [pair for pair in mine if pair in reference]
    if not shared:
        return {}
    sums = [sum(found[pair]["objective"] for pair in shared) for found in (mine, reference)]
    return {"of_reference": sums[0] / sums[1], "shared_pairs": len(shared)}


def _whole(whose: str, method: str, values: Row) -> dict[str, Any]:
    """All columns, those without a value None."""
    return dict.fromkeys(COLUMNS) | values | {"whose": whose, "method": method}


def cell(column: str, row: Row) -> str:
    """A row's value as it is read: three significant digits, M for millions, – for none."""
    value = row.get(column)
    if value is None or value == "":
        return "–"
    if column in ("parameters", "image_parameters", "paper_parameters"):
        return f"{float(value) / 1e6:.2f} M"
    if column.endswith(("_percent", "_mib")):
        return f"{float(value):.0f}"
    if column.startswith("seconds"):
        return f"{float(value):g}" if row.get("whose") == PAPER else significant(float(value))
    if column in (*LIKENESS, "ssim", "content", "style", "objective", "of_reference"):
        return f"{float(value):.3f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def significant(value: float) -> str:
    """Three significant digits without an exponent."""
    return (
        f"{value:.3g}" if 1e-3 <= value < 1000 else f"{value:.0f}" if value >= 1 else f"{value:g}"
    )


def markdown(rows: Sequence[Row], columns: Sequence[str] = ()) -> str:
    """Rows as Markdown, with heads and values as people read them; by default with the first
    row's columns."""
    if not rows:
        return "(nothing measured yet)"
    columns = columns or list(rows[0])
    head = [HEADS.get(c, c) for c in columns]
    lines = [head, ["---"] * len(head), *([cell(c, row) for c in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
