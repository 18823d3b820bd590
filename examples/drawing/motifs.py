"""Outlines that several pictures share, each about the origin, and how they are laid on one."""

from collections.abc import Sequence

import numpy as np

from .canvas import Point, curve, filled, lines, over, rgb
from .noise import Array, fbm

LEAF: list[Point] = [(0, 0), (0.22, -0.16), (0.3, -0.5), (0, -1), (-0.3, -0.5), (-0.22, -0.16)]
PETAL: list[Point] = [(0, 0), (0.2, -0.3), (0.34, -0.7), (0.12, -1), (0, -0.93), (-0.12, -1)]
PETAL += [(-0.34, -0.7), (-0.2, -0.3)]
BIRD: list[Point] = [(-0.95, 0.28), (-0.5, 0.1), (-0.3, -0.22), (0.05, -0.4), (0.3, -0.62)]
BIRD += [(0.52, -0.66), (0.66, -0.52), (0.86, -0.47), (0.66, -0.4), (0.6, -0.16), (0.34, 0.14)]
BIRD += [(0, 0.26), (-0.35, 0.24)]
WING: list[Point] = [(0.28, -0.3), (0.02, -0.34), (-0.3, -0.05), (-0.62, 0.22), (-0.1, 0.14)]
WING += [(0.2, 0.0)]
FISH: list[Point] = [(-0.72, 0), (-1, -0.34), (-0.92, 0), (-1, 0.34), (-0.7, 0.08), (-0.2, 0.36)]
FISH += [(0.3, 0.33), (0.78, 0.04), (0.3, -0.34), (-0.2, -0.38)]


def turned(points: Sequence[Point], angle: float, scale: float, at: Point) -> list[Point]:
    """An outline turned by `angle` (clockwise), scaled and moved."""
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    return [(float(c * x - s * y + at[0]), float(s * x + c * y + at[1])) for x, y in points]


def smooth(points: Sequence[Point], angle: float, scale: float, at: Point) -> list[Point]:
    """`turned`, as a smooth closed line."""
    return curve(turned(points, angle, scale, at))


def lay(picture: Array, outline: Sequence[Point], color: str, alpha: float = 1.0) -> Array:
    """The picture with a flat shape on it."""
    return over(picture, rgb(color), alpha * filled(len(picture), outline))


def draw_lines(picture: Array, paths: Sequence[Sequence[Point]], width: float, color: str) -> Array:
    """The picture with round-ended lines on it."""
    return over(picture, rgb(color), lines(len(picture), paths, [width] * len(paths)))


def ring(at: Point, radius: float, steps: int = 48, flat: float = 1.0) -> list[Point]:
    """A circle, or an ellipse `flat` times as high as wide."""
    turns = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return [
        (float(at[0] + radius * np.cos(t)), float(at[1] + flat * radius * np.sin(t))) for t in turns
    ]


def ridge(
    level: float, height: float, seed: int, scale: float = 3.0, octaves: int = 4
) -> list[Point]:
    """The land below a rugged skyline at about `level`."""
    x = np.linspace(-0.02, 1.02, 160, dtype=np.float32)
    y = level - height * (2 * fbm(x * scale, 0 * x, seed, octaves) - 1)
    return [*zip(x.tolist(), y.tolist(), strict=True), (1.02, 1.02), (-0.02, 1.02)]


def spray(
    at: Point, angle: float, length: float, leaves: int, size: float, bend: float = 0.6
) -> tuple[list[Point], list[list[Point]]]:
    """A bent twig and its leaves: (path, outlines)."""
    stem, blades = [at], []
    x, y = at
    for i in range(leaves):
        turn = angle + bend * (i / leaves - 0.3)
        x += length / leaves * np.sin(turn)
        y -= length / leaves * np.cos(turn)
        stem.append((float(x), float(y)))
        for side in (-1, 1):
            grown = size * (1 - 0.55 * i / leaves)
            blades.append(smooth(LEAF, turn + side * 0.95, grown, (float(x), float(y))))
    return stem, blades


def grown_tree(
    at: Point, angle: float, length: float, depth: int, rng: np.random.Generator
) -> tuple[list[list[Point]], list[float]]:
    """A bare tree: paths and their widths."""
    end = (at[0] + length * np.sin(angle), at[1] - length * np.cos(angle))
    side = 0.06 * length * rng.standard_normal()
    mid = (0.5 * (at[0] + end[0]) + side, 0.5 * (at[1] + end[1]))
    paths, widths = [curve([at, mid, end], False, 5)], [0.11 * length]
    if depth:
        for turn in rng.normal((-0.5, 0.42, 0.05), 0.18)[: 3 if depth > 2 else 2]:
            more = grown_tree(end, angle + turn, length * rng.uniform(0.6, 0.8), depth - 1, rng)
            paths += more[0]
            widths += more[1]
    return paths, widths
