"""One HTML page with tables, plots and pictures, without anything to load from elsewhere."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from gesso.bench import svg, table
from gesso.bench.contestants import YARDSTICK
from gesso.bench.pictures import Pair
from gesso.bench.store import Row
from gesso.bench.workshop import CONTROLS

if TYPE_CHECKING:
    from gesso.bench.bench import Bench
    from gesso.bench.report import Report

GRID_PAIRS = 6  # contents in styles that are shown
THUMBNAIL_PX, JPEG_QUALITY = 256, 85

# Nothing may be loaded, whatever a file's name holds.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1180px; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p { max-width: 60rem; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: 4px 9px; border-bottom: 1px solid #e4e4e4; text-align: right;
  vertical-align: top; }
th { border-bottom: 1px solid #6b6b6b; font-weight: 600; }
th:first-child, td:first-child, td.words { text-align: left; }
tr.control td { color: #6b6b6b; font-style: italic; }
.grid td { border: 0; padding: 3px; text-align: left; font-size: 12px; color: #6b6b6b; }
.grid img { display: block; width: 160px; height: auto; }
svg { max-width: 100%; height: auto; }
"""


def html(report: Report, ours: Sequence[Row]) -> str:
    """The page."""
    from gesso.bench.report import PUBLISHED, QUALITY, speed_columns

    methods = [row for row in ours if row["parameters"] or "not measured" in str(row["settings"])]
    judged = [row for row in ours if row["pairs"]]
    shared = table.same_pairs(report.bench)
    parts = ["<h1>gesso bench</h1>", *map(_paragraph, report.state())]
    parts += ["<h2>Trade-off</h2>", *trade_off(report, ours)]
    parts += ["<h2>Speed and size</h2>", *map(_paragraph, report.speed_notes())]
    parts += [_table(methods, speed_columns(methods)), "<h2>Quality</h2>"]
    parts += [*map(_paragraph, report.quality_notes()), _table(judged, QUALITY)]
    if shared:
        parts.append(_paragraph("The same over the pictures that Gatys has made too:"))
        parts.append(_table(shared, list(shared[0])))
    parts += ["<h2>Loss against time</h2>", *curves(report)]
    parts += ["<h2>Pictures</h2>", *grid(report)]
    parts += ["<h2>The papers’ figures</h2>", *map(_paragraph, report.published_notes())]
    parts += [_table(table.published_rows(), PUBLISHED), "<h2>Conditions</h2>"]
    facts = report.conditions().items()
    parts.append(_plain_table([(name.replace("_", " "), str(value)) for name, value in facts]))
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n<title>gesso bench</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(parts) + "\n</body>\n</html>\n"


def trade_off(report: Report, ours: Sequence[Row]) -> list[str]:
    """Seconds per picture against the objective, discs as large as taking on a style is long."""
    relative = any(row["of_gatys"] for row in ours if row["method"] != YARDSTICK)
    y, what = (
        ("of_gatys", "objective, of Gatys’ (lower is better)")
        if relative
        else ("gap_percent", "remaining style gap, % (lower is better)")
    )
    x = "seconds_512"
    measured = [row for row in ours if row[x] and row[y] is not None]
    colours = _colours(report)
    series = [
        svg.Series(name, [(r[x], r[y])], _radius(r["seconds_style"]), colours[name])
        for r in measured
        if (name := r["method"]) in colours
    ]
    levels = [(r["method"], r[y]) for r in ours if r["method"] in CONTROLS and r[y] is not None]
    plot = svg.draw(svg.Plot("seconds for a picture of 512 px (logarithmic)", what, series, levels))
    if not plot:
        return [_paragraph("Nothing has been measured yet.")]
    caption = (
        "Left is faster, down is better; a larger disc takes longer to take on a style (its radius "
        "grows with the logarithm of the seconds). Dashed: the controls. Quality judged by "
        f"{report.bench.judge.name}."
    )
    if relative:
        caption += " Each method is compared with Gatys over the pictures that both have made."
    return [plot, _paragraph(caption)]


def _colours(report: Report) -> dict[str, int]:
    """A method has the same colour in every plot."""
    return {c.name: i for i, c in enumerate(report.bench.contestants)}


def _radius(seconds: float | None) -> float:
    return 5 + 6 * math.log10(1 + (seconds or 0.0))


def curves(report: Report) -> list[str]:
    """The objective against the seconds from a style and a photo to the picture."""
    bench = report.bench
    colours = _colours(report)
    series = [svg.Series(c.name, bench.curve(c), None, colours[c.name]) for c in bench.contestants]
    untouched = bench.picture_rows(CONTROLS[0]).get(bench.gallery.pairs()[0].name)
    levels = [(CONTROLS[0], untouched["objective"])] if untouched else []
    x = "seconds from style and photo to the picture (logarithmic)"
    plot = svg.draw(svg.Plot(x, "objective (lower is better)", series, levels))
    if not plot:
        return [_paragraph("Nothing has been measured yet.")]
    count = bench.plan.curve_pairs
    pictures = "one picture" if count == 1 else f"the mean of {count} pictures"
    caption = (
        f"Judged by {bench.judge.name}, {pictures}; every point is a run of its own with that "
        "number of steps. A single point: a method without steps."
    )
    return [plot, _paragraph(caption)]


def grid(report: Report) -> list[str]:
    """Some contents in some styles, one row a pair and one column a method."""
    bench = report.bench
    names = [*CONTROLS, *(c.name for c in bench.contestants)]
    pairs = _shown_pairs(bench, names)
    rows = []
    for pair in pairs:
        cells = (_cell(bench.picture_path(name, pair), name, pair) for name in names)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<td>{escape(name)}</td>" for name in names)
    return [f'<div class="wide"><table class="grid"><tr>{head}</tr>{"".join(rows)}</table></div>']


def _shown_pairs(bench: Bench, names: Sequence[str]) -> list[Pair]:
    """Those that most methods have made a picture of, slow ones too, then the first ones, which go
    evenly over contents and styles; style by style."""

    def missing(pair: Pair) -> int:
        return sum(not bench.picture_path(name, pair).is_file() for name in names)

    chosen = sorted(bench.gallery.pairs(), key=missing)[:GRID_PAIRS]
    return sorted(chosen, key=lambda pair: bench.gallery.styles.index(pair.style))


def _cell(path: Path, name: str, pair: Pair) -> str:
    if not path.is_file():
        return "<td>–</td>"
    told = escape(f"{pair.name}, {name}", quote=True)
    return f'<td><img alt="{told}" title="{told}" src="{data_uri(path)}"></td>'


def data_uri(path: Path) -> str:
    """A small JPEG of a picture, as text."""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(table.HEADS.get(c, c))}</th>" for c in columns)
    body = []
    for row in rows:
        kind = ' class="control"' if row["method"] in CONTROLS else ""
        cells = "".join(_td(c, table.cell(c, row)) for c in columns)
        body.append(f"<tr{kind}>{cells}</tr>")
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(body)}</table></div>'


def _td(column: str, text: str) -> str:
    words = ' class="words"' if column in ("settings", "source", "hardware") else ""
    return f"<td{words}>{escape(text)}</td>"


def _plain_table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><td>{escape(name)}</td><td class="words">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{cells}</table>"
