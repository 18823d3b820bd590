"""Figures drawn with Pillow: line charts over a logarithmic axis, and sheets of pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

SCALE = 3  # drawn larger, then reduced: Pillow's own lines are jagged
PAPER, INK, FAINT, RULE = "#ffffff", "#222222", "#6b6b6b", "#e4e4e4"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito's
MOST_DOTS = 12  # of a line; one with more points is smooth enough without
MOST_MARKS = 8  # of points on the x axis; where there are more, round numbers
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 56, 62  # margins in px


@dataclass(frozen=True)
class Line:
    """Points (x, y) joined in the order of x; a `level` is one y, dashed from side to side."""

    name: str
    points: Sequence[tuple[float, float]] = ()
    level: float | None = None

    def heights(self) -> list[float]:
        """All its y."""
        return [y for _, y in self.points] if self.level is None else [self.level]


class _Plot:
    """Data coordinates to pixels; x is logarithmic."""

    def __init__(self, lines: Sequence[Line], size: tuple[int, int]) -> None:
        self.xs = sorted({x for line in lines for x, _ in line.points})
        self.marks = self.xs if len(self.xs) <= MOST_MARKS else round_numbers(self.xs)
        heights = [y for line in lines for y in line.heights()]
        if not self.xs or self.xs[0] <= 0:
            raise ValueError("a logarithmic axis needs points, with x above 0")
        self.ticks = nice_ticks(min(0.0, *heights), max(heights))
        self.box = (LEFT, TOP, size[0] - RIGHT, size[1] - BOTTOM)

    def at(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = self.box
        first, last = math.log(self.xs[0]), math.log(self.xs[-1])
        across = (math.log(x) - first) / (last - first) if last > first else 0.5
        up = (y - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return left + across * (right - left), bottom - up * (bottom - top)


def round_numbers(xs: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten within the range of `xs`, for a logarithmic axis."""
    low, high = math.floor(math.log10(xs[0])), math.ceil(math.log10(xs[-1]))
    candidates = [f * 10.0**power for power in range(low, high + 1) for f in (1, 2, 5)]
    return [x for x in candidates if xs[0] <= x <= xs[-1]]


def nice_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten that enclose low … high, at most `most`."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span) - 1)
    for step in (power * factor for factor in (1, 2, 5, 10, 20, 50, 100)):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last = max(last, first + 1)
        if last - first < most:
            break
    return [round(i * step, 12) for i in range(first, last + 1)]


def line_chart(
    lines: Sequence[Line], *, title: str, x: str, y: str, size: tuple[int, int] = (900, 520)
) -> Image.Image:
    """Lines with their names at their right ends; the x axis is logarithmic and labelled where
    there are points.

    Raises:
        ValueError: no points, or an x that is not above 0.
    """
    plot = _Plot(lines, size)
    image = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), PAPER)
    pen = _Pen(ImageDraw.Draw(image))
    _axes(pen, plot, title, x, y)
    for line, colour in reversed(list(zip(lines, _colours(len(lines)), strict=True))):
        _line(pen, plot, line, colour)  # the first line on top
    _names(pen, plot, lines)
    return image.resize(size, Image.Resampling.LANCZOS)


class _Pen:
    """ImageDraw in unscaled coordinates."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self.draw = draw

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> None:
        scaled = [(px * SCALE, py * SCALE) for px, py in points]
        self.draw.line(scaled, colour, round(width * SCALE), joint="curve")

    def dot(self, point: tuple[float, float], colour: str, radius: float = 3.5) -> None:
        self.draw.circle([c * SCALE for c in point], radius * SCALE, colour)

    def text(
        self,
        point: tuple[float, float],
        text: str,
        size: int = 13,
        colour: str = INK,
        anchor: str = "mm",
    ) -> None:
        font = ImageFont.load_default(size * SCALE)
        self.draw.text((point[0] * SCALE, point[1] * SCALE), text, colour, font, anchor=anchor)


def _axes(pen: _Pen, plot: _Plot, title: str, x: str, y: str) -> None:
    left, top, right, bottom = plot.box
    for tick in plot.ticks:
        height = plot.at(plot.xs[0], tick)[1]
        pen.line([(left, height), (right, height)], RULE)
        pen.text((left - 10, height), f"{tick:g}", 13, FAINT, "rm")
    for value in plot.marks:
        across = plot.at(value, plot.ticks[0])[0]
        pen.line([(across, bottom), (across, bottom + 5)], FAINT)
        pen.text((across, bottom + 17), f"{value:g}", 13, FAINT)
    pen.line([(left, bottom), (right, bottom)], FAINT)
    pen.text(((left + right) / 2, bottom + 44), x, 14)
    pen.text((left - 50, top - 18), y, 14, INK, "lm")
    pen.text((left - 50, top - 40), title, 16, INK, "lm")


def _colours(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _line(pen: _Pen, plot: _Plot, line: Line, colour: str) -> None:
    if line.level is not None:
        left, _, right, _ = plot.box
        height = plot.at(plot.xs[0], line.level)[1]
        for start in range(left, right, 12):
            pen.line([(start, height), (min(start + 7, right), height)], colour, 1.5)
        return
    points = [plot.at(px, py) for px, py in sorted(line.points)]
    pen.line(points, colour, 2.2)
    for point in points if len(points) <= MOST_DOTS else points[-1:]:
        pen.dot(point, colour)


def _names(pen: _Pen, plot: _Plot, lines: Sequence[Line]) -> None:
    """At the height of each line's right end, pushed apart where they would overlap."""
    ends = [
        (plot.at(plot.xs[0], line.level if line.level is not None else max(line.points)[1])[1], i)
        for i, line in enumerate(lines)
    ]
    previous = -math.inf
    for height, i in sorted(ends):
        previous = max(height, previous + 17)
        pen.text((plot.box[2] + 12, previous), lines[i].name, 13, _colours(i + 1)[i], "lm")


def panels(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Charts of one size in rows, as one picture."""
    width, height = rows[0][0].size
    whole = Image.new("RGB", (max(map(len, rows)) * width, len(rows) * height), PAPER)
    for r, row in enumerate(rows):
        for c, chart in enumerate(row):
            whole.paste(chart, (c * width, r * height))
    return whole


def picture_sheet(
    rows: Sequence[Sequence[tuple[str, Image.Image | None]]], cell: int = 256, caption: int = 22
) -> Image.Image:
    """Rows of named pictures, each fitted whole into a square of `cell` px; None stays empty."""
    fitted = [[(name, picture and _fitted(picture, cell)) for name, picture in row] for row in rows]
    heights = [max((p.height for _, p in row if p), default=0) for row in fitted]
    gap = 8
    width = max(map(len, rows)) * (cell + gap) + gap
    sheet = Image.new("RGB", (width, sum(heights) + len(rows) * (caption + gap) + gap), PAPER)
    draw, font, top = ImageDraw.Draw(sheet), ImageFont.load_default(13), gap
    for row, height in zip(fitted, heights, strict=True):
        for c, (name, picture) in enumerate(row):
            left = gap + c * (cell + gap)
            draw.text((left, top + height + caption // 2), name, INK, font, anchor="lm")
            if picture:
                sheet.paste(picture, (left, top + height - picture.height))
        top += height + caption + gap
    return sheet


def _fitted(picture: Image.Image, cell: int) -> Image.Image:
    size = [max(1, round(n * cell / max(picture.size))) for n in picture.size]
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
