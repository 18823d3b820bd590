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
from gesso.bench.pictures import Pair
from gesso.bench.store import Row
from gesso.bench.workshop import CONTROLS

if TYPE_CHECKING:
    from gesso.bench.bench import Bench
    from gesso.bench.report import Section

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


def html(sections: Sequence[Section]) -> str:
    """The page of a report."""
    parts: list[str] = []
    for number, section in enumerate(sections):
        if number and not (section.notes or section.rows or section.drawn):
            continue
        level = 2 if number else 1
        parts += [f"<h{level}>{escape(section.title)}</h{level}>", *map(_paragraph, section.notes)]
        parts += section.drawn
        if section.rows:
            parts.append(_table(section.rows, section.filled()))
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n<title>gesso bench</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(parts) + "\n</body>\n</html>\n"


def trade_off(bench: Bench, ours: Sequence[Row]) -> list[str]:
    """Seconds per picture against the style match, discs as large as taking on a style is long."""
    x, y = "seconds_512", "match_percent"
    measured = [row for row in ours if row[x] and row[y] is not None]
    colours = _colours(bench)
    series = [
        svg.Series(name, [(r[x], r[y])], _radius(r["seconds_style"]), colours[name])
        for r in measured
        if (name := r["method"]) in colours
    ]
    levels = [(r["method"], r[y]) for r in ours if r["method"] in CONTROLS and r[y] is not None]
    across, up = "seconds for a picture of 512 px (logarithmic)", "style match, % (lower is better)"
    plot = svg.draw(svg.Plot(across, up, series, levels))
    if not plot:
        return [_paragraph("Nothing has been measured yet.")]
    caption = (
        "Left is faster, down is better; a larger disc takes longer to take on a style (its radius "
        "grows with the logarithm of the seconds). Dashed: the controls. 100 % is the untouched "
        f"photo’s style match over the same pictures. Judged by {bench.judge.name}."
    )
    return [plot, _paragraph(caption)]


def _colours(bench: Bench) -> dict[str, int]:
    """A method has the same colour in every plot."""
    return {c.name: i for i, c in enumerate(bench.contestants)}


def _radius(seconds: float | None) -> float:
    return 5 + 6 * math.log10(1 + (seconds or 0.0))


def curves(bench: Bench) -> list[str]:
    """The objective against the seconds from a style and a photo to the picture."""
    colours = _colours(bench)
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


def grid(bench: Bench) -> list[str]:
    """Some contents in some styles, one row a pair and one column a method."""
    names = [*CONTROLS, *(c.name for c in bench.contestants)]
    pairs = shown_pairs(bench, names)
    rows = []
    for pair in pairs:
        cells = (_cell(bench.picture_path(name, pair), name, pair) for name in names)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<td>{escape(name)}</td>" for name in names)
    return [f'<div class="wide"><table class="grid"><tr>{head}</tr>{"".join(rows)}</table></div>']


def shown_pairs(bench: Bench, names: Sequence[str], most: int = GRID_PAIRS) -> list[Pair]:
    """The pairs that most methods have made a picture of, slow ones too, then the first ones,
    which go evenly over contents and styles; style by style."""

    def missing(pair: Pair) -> int:
        return sum(not bench.picture_path(name, pair).is_file() for name in names)

    chosen = sorted(bench.gallery.pairs(), key=missing)[:most]
    return sorted(chosen, key=lambda pair: bench.gallery.styles.index(pair.style))


def _cell(path: Path, name: str, pair: Pair) -> str:
    if not path.is_file():
        return "<td>–</td>"
    words = escape(f"{pair.name}, {name}", quote=True)
    return f'<td><img alt="{words}" title="{words}" src="{data_uri(path)}"></td>'


def data_uri(path: Path) -> str:
    """The text of a small JPEG of a picture."""
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
        kind = ' class="control"' if row.get("method") in CONTROLS else ""
        cells = "".join(_td(c, table.cell(c, row)) for c in columns)
        body.append(f"<tr{kind}>{cells}</tr>")
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(body)}</table></div>'


def _td(column: str, text: str) -> str:
    words = ' class="words"' if column in ("settings", "source", "hardware", "value") else ""
    return f"<td{words}>{escape(text)}</td>"
