"""Plots as SVG, drawn by hand: nothing to install, nothing to load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito's
INK, FAINT, RULE = "#222222", "#6b6b6b", "#e4e4e4"
WIDTH, HEIGHT = 860, 470
LEFT, RIGHT, TOP, BOTTOM = 74, 170, 26, 62  # margins in px
LINE_PX = 18  # between the names at the right


@dataclass(frozen=True)
class Series:
    """Points (x, y) of one name. With a radius they are discs, else they are joined by a line."""

    name: str
    points: Sequence[tuple[float, float]]
    radius: float | None = None
    colour: int = 0  # of COLOURS


def lines(rows: Sequence[Mapping[str, Any]], name: str, x: str, y: str) -> list[Series]:
    """A line for every value of the column `name`, of the columns `x` and `y`."""
    points: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        points.setdefault(row[name], []).append((row[x], row[y]))
    return [Series(key, sorted(found), None, i) for i, (key, found) in enumerate(points.items())]


@dataclass(frozen=True)
class Plot:
    """Axes; x is logarithmic. `levels` are named values of y, drawn as dashed lines."""

    x: str
    y: str
    series: Sequence[Series]
    levels: Sequence[tuple[str, float]] = field(default_factory=tuple)


class _Scale:
    """Data coordinates to px."""

    def __init__(self, plot: Plot) -> None:
        xs = [x for s in plot.series for x, _ in s.points]
        ys = [y for s in plot.series for _, y in s.points] + [y for _, y in plot.levels]
        low, high = math.log10(min(xs)), math.log10(max(xs))
        room = max(0.15, 0.08 * (high - low))
        self.low, self.high = low - room, high + room
        self.top = 1.08 * max(ys)
        self.right, self.bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(self, value: float) -> float:
        return LEFT + (math.log10(value) - self.low) / (self.high - self.low) * (self.right - LEFT)

    def y(self, value: float) -> float:
        return self.bottom - value / self.top * (self.bottom - TOP)

    def x_ticks(self) -> list[float]:
        """1, 2 and 5 times powers of ten; only powers of ten on long axes."""
        factors = (1,) if self.high - self.low > 2.5 else (1, 2, 5)
        exponents = range(math.floor(self.low), math.ceil(self.high) + 1)
        ticks = [factor * 10.0**e for e in exponents for factor in factors]
        return [t for t in ticks if self.low <= math.log10(t) <= self.high]

    def y_ticks(self) -> list[float]:
        power = 10.0 ** math.floor(math.log10(self.top))
        step = next(power * f for f in (0.1, 0.2, 0.5, 1.0, 2.0) if self.top / (power * f) <= 7)
        return [i * step for i in range(math.floor(self.top / step) + 1)]


def draw(plot: Plot) -> str:
    """An <svg> element; empty where there are no points above 0 to draw."""
    return panels([[plot]])


def panels(rows: Sequence[Sequence[Plot]]) -> str:
    """An <svg> element of plots in rows; those without points above 0 are left out, and it is
    empty where all are."""
    drawn = [
        _moved(_parts(plot), column, row)
        for row, plots in enumerate(rows)
        for column, plot in enumerate(plots)
        if any(x > 0 for series in plot.series for x, _ in series.points)
    ]
    if not drawn:
        return ""
    width, height = WIDTH * max(map(len, rows)), HEIGHT * len(rows)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="13">'
    )
    first = rows[0][0]
    title = f"<title>{escape(f'{first.y} against {first.x}')}</title>"
    return "\n".join([head, title, *(part for parts in drawn for part in parts), "</svg>"])


def _moved(parts: list[str], column: int, row: int) -> list[str]:
    place = f"translate({column * WIDTH} {row * HEIGHT})"
    return [f'<g transform="{place}">', *parts, "</g>"] if column or row else parts


def _parts(plot: Plot) -> list[str]:
    series = [replace(s, points=[(x, y) for x, y in s.points if x > 0]) for s in plot.series]
    plot = replace(plot, series=[s for s in series if s.points])
    scale = _Scale(plot)
    parts = [*_axes(plot, scale), *_levels(plot, scale)]
    for s in plot.series:
        parts += _marks(s, _colour(s), scale)
    return [*parts, *_names(plot, scale)]


def _colour(series: Series) -> str:
    return COLOURS[series.colour % len(COLOURS)]


def _text(x: float, y: float, text: str, colour: str = INK, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(text)}</text>"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" {more}/>'


def _axes(plot: Plot, scale: _Scale) -> list[str]:
    parts = []
    for tick in scale.y_ticks():
        height = scale.y(tick)
        parts.append(_line(LEFT, height, scale.right, height, RULE))
        parts.append(_text(LEFT - 8, height + 4, f"{tick:g}", FAINT, "end"))
    for tick in scale.x_ticks():
        across = scale.x(tick)
        parts.append(_line(across, scale.bottom, across, scale.bottom + 5, FAINT))
        parts.append(_text(across, scale.bottom + 20, f"{tick:g}", FAINT, "middle"))
    parts.append(_line(LEFT, scale.bottom, scale.right, scale.bottom, FAINT))
    parts.append(_text((LEFT + scale.right) / 2, HEIGHT - 12, plot.x, INK, "middle"))
    parts.append(_text(8, 15, plot.y))
    return parts


def _levels(plot: Plot, scale: _Scale) -> list[str]:
    heights = [scale.y(value) for _, value in plot.levels]
    dashes = 'stroke-dasharray="6 5"'
    return [_line(LEFT, height, scale.right, height, FAINT, dashes) for height in heights]


def _names(plot: Plot, scale: _Scale) -> list[str]:
    """Names at the right, each at the height of its last point or level, pushed down where it
    would touch the one above."""
    ends = [(scale.y(value), name, FAINT) for name, value in plot.levels]
    ends += [(scale.y(s.points[-1][1]), s.name, _colour(s)) for s in plot.series]
    parts, lowest = [], 0.0
    for height, name, colour in sorted(ends):
        lowest = max(height + 4, lowest + LINE_PX)
        parts.append(_text(scale.right + 8, lowest, name, colour))
    return parts


def _marks(s: Series, colour: str, scale: _Scale) -> list[str]:
    at = [(scale.x(x), scale.y(y)) for x, y in s.points]
    if s.radius is not None:
        style = f'fill="{colour}" fill-opacity="0.55" stroke="{colour}"'
        return [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s.radius:.1f}" {style}/>' for x, y in at]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    line = f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return [line, *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in at)]
