"""From measurements to the rows of the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from gesso.bench.bench import Bench
from gesso.bench.contestants import YARDSTICK, Absent, Contestant
from gesso.bench.published import PUBLISHED, Published
from gesso.bench.store import Row
from gesso.bench.workshop import CONTROLS

OURS, PAPER = "gesso", "paper"

# Column → its head in Markdown and HTML; the CSV has the keys.
HEADS = {
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
    "device_mib": "… of the GPU, MiB",
    "gap_percent": "style gap, %",
    "distortion_percent": "content distortion, %",
    "ssim": "SSIM",
    "content": "content loss",
    "style": "style loss",
    "objective": "objective",
    "of_gatys": "objective, of Gatys’",
    "pairs": "pictures",
    "shared_pairs": "shared with Gatys",
}
COLUMNS = ("whose", *HEADS, "source", "hardware")
QUALITY = ("gap", "distortion", "ssim", "content", "style", "objective")


def rows(bench: Bench, absent: Sequence[Absent] = ()) -> list[Row]:
    """Controls, methods and those that took no part; one row each with the keys of COLUMNS."""
    table = [_blank(OURS, name, quality=_quality(bench, name)) for name in CONTROLS]
    table += [_of_contestant(bench, c) for c in bench.contestants]
    for missing in absent:
        table.append(_blank(OURS, missing.name, {"settings": f"not measured: {missing.reason}"}))
    return table


def same_pairs(bench: Bench) -> list[Row]:
    """Quality over the pictures that Gatys has made too, so that all rows are about the same."""
    shared = bench.picture_rows(YARDSTICK)
    names = [*CONTROLS, *(c.name for c in bench.contestants)]
    if not shared or YARDSTICK not in names:
        return []
    table = [_blank(OURS, name, quality=_quality(bench, name, shared)) for name in names]
    keep = ("method", "gap_percent", "distortion_percent", "ssim", "content", "style", "objective")
    return [{k: row[k] for k in (*keep, "of_gatys", "pairs")} for row in table if row["pairs"]]


def published_rows() -> list[Row]:
    """The papers' figures, marked as theirs."""
    return [_of_paper(paper) for paper in PUBLISHED]


def _of_paper(p: Published) -> Row:
    told = ""
    if p.with_style:
        told = f"{p.with_style[0]:g} and {p.with_style[1]:g} s with the style’s encoding"
    values = {"settings": told, "styles": p.styles, "parameters": p.parameters}
    values |= {"seconds_256": p.seconds_256, "seconds_512": p.seconds_512}
    return _blank(PAPER, f"{p.method} {p.year}", values) | {
        "source": p.source,
        "hardware": p.hardware,
    }


def _of_contestant(bench: Bench, c: Contestant) -> Row:
    speeds = {size: bench.runs(c, size) for size in bench.plan.sizes}
    peak = bench.peak(c) or {}
    adapting = bench.adaptations(c)
    values: Row = {
        "settings": "; ".join(word for word in (c.told, c.entry.note) if word),
        "styles": c.method.styles,
        "parameters": c.parameters,
        "image_parameters": c.image_parameters,
        "seconds_style": median(adapting) if adapting else None,
        **{f"seconds_{size}": median(times) if times else None for size, times in speeds.items()},
        "runs": min(map(len, speeds.values())) or None,
        "peak_mib": peak.get("peak_mib"),
        "device_mib": peak.get("device_mib"),
    }
    return _blank(OURS, c.name, values, _quality(bench, c.name))


def _quality(bench: Bench, name: str, pairs: Collection[str] | None = None) -> Row:
    """Means over the pictures there are, or over those of some pairs."""
    found = bench.picture_rows(name)
    chosen = {pair: row for pair, row in found.items() if pairs is None or pair in pairs}
    if not chosen:
        return {}
    mean = {key: fmean(row[key] for row in chosen.values()) for key in QUALITY}
    return {
        "gap_percent": 100 * mean["gap"],
        "distortion_percent": 100 * mean["distortion"],
        **{key: mean[key] for key in QUALITY[2:]},
        "pairs": len(chosen),
        **_against(chosen, bench.picture_rows(YARDSTICK)),
    }


def _against(mine: Mapping[str, Row], gatys: Mapping[str, Row]) -> Row:
    """The sum of the objectives, of that of Gatys on the same pairs."""
    shared = [pair for pair in mine if pair in gatys]
    if not shared:
        return {}
    ratio = sum(mine[p]["objective"] for p in shared) / sum(gatys[p]["objective"] for p in shared)
    return {"of_gatys": ratio, "shared_pairs": len(shared)}


def _blank(
    whose: str, method: str, values: Row | None = None, quality: Row | None = None
) -> dict[str, Any]:
    """All columns, those without a value None."""
    return (
        dict.fromkeys(COLUMNS)
        | {"whose": whose, "method": method}
        | (values or {})
        | (quality or {})
    )


def cell(column: str, row: Row) -> str:
    """A row's value as it is read: three significant digits, M for millions, – for none."""
    value = row.get(column)
    if value is None or value == "":
        return "–"
    if column in ("parameters", "image_parameters"):
        return f"{float(value) / 1e6:.2f} M"
    if column in ("gap_percent", "distortion_percent", "peak_mib", "device_mib"):
        return f"{float(value):.0f}"
    if column.startswith("seconds"):
        return f"{float(value):g}" if row.get("whose") == PAPER else significant(float(value))
    if column in ("ssim", "content", "style", "objective", "of_gatys"):
        return f"{float(value):.3f}"
    return str(value)


def significant(value: float) -> str:
    """Three significant digits without an exponent."""
    return (
        f"{value:.3g}" if 1e-3 <= value < 1000 else f"{value:.0f}" if value >= 1 else f"{value:g}"
    )
