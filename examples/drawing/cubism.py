"""A guitar, a bottle and a glass seen from several sides at once, in earth colours."""

import numpy as np
from scipy import ndimage

from .brush import Brush, follow
from .canvas import (
    Point,
    blur,
    coordinates,
    curve,
    filled,
    lines,
    mirrored,
    palette,
    paper,
    ramp,
    relief,
    rgb,
    sample,
    vary,
)
from .noise import Array, fbm

BODY = [(0.0, -0.16), (0.085, -0.15), (0.1, -0.07), (0.075, -0.01), (0.12, 0.07), (0.125, 0.17)]
BODY += [(0.06, 0.235), (-0.06, 0.235), (-0.125, 0.17), (-0.12, 0.07), (-0.075, -0.01)]
BODY += [(-0.1, -0.07), (-0.085, -0.15)]
BOTTLE = [(-0.06, 0.0), (-0.062, -0.22), (-0.05, -0.27), (-0.022, -0.31), (-0.02, -0.42)]
BOTTLE += [(0.02, -0.42), (0.022, -0.31), (0.05, -0.27), (0.062, -0.22), (0.06, 0.0)]
GOBLET = [(-0.06, -0.2), (-0.045, -0.1), (-0.01, -0.08), (-0.008, -0.01), (-0.045, 0.0)]
GOBLET += [(0.045, 0.0), (0.008, -0.01), (0.01, -0.08), (0.045, -0.1), (0.06, -0.2)]
EARTHS = palette("2e241d 5a3f2b 8a5a33 c08f4a e0c48c f0e2c0 9fb0aa 5f7d84 33474f a8452c")


def _turned(outline: list[Point], angle: float, scale: float, at: Point) -> list[Point]:
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    return [(at[0] + c * px - s * py, at[1] + s * px + c * py) for px, py in outline]


def _still_life(size: int) -> Array:
    """The plain picture the facets are cut from."""
    x, y = coordinates(size)
    wall = ramp(palette("5f6a66 a09a7c d8c79c"), 1.3 * fbm(x * 2, y * 2, 3, 2) - 0.1)
    table = ramp(palette("7a3a22 b0623a 8a4a2c"), fbm(x * 3, y * 22, 5, 3) * 1.6 - 0.3)
    picture = np.where((y > 0.66 + 0.08 * x)[..., None], table, wall)
    layers: list[tuple[list[Point], str]] = []
    cloth = [(0.03, 0.75), (0.35, 0.68), (0.98, 0.83), (0.75, 0.99), (0.2, 0.97)]
    layers += [(cloth, "d6c9a6"), ([(0.06, 0.8), (0.3, 0.76), (0.36, 0.93), (0.1, 0.96)], "bfb08a")]
    layers += [(mirrored(BOTTLE, False, 1.55, (0.2, 0.84)), "35463a")]
    layers += [([(0.115, 0.6), (0.285, 0.6), (0.285, 0.73), (0.115, 0.73)], "d8b96b")]
    angle, at = 0.42, (0.55, 0.6)
    neck = [(-0.018, -0.62), (0.018, -0.62), (0.02, 0.02), (-0.02, 0.02)]
    head = [(-0.035, -0.72), (0.035, -0.72), (0.025, -0.6), (-0.025, -0.6)]
    layers += [(_turned(curve(BODY), angle, 1.75, at), "b8702e")]
    hole = [(0.048 * np.cos(t), 0.02 + 0.048 * np.sin(t)) for t in np.linspace(0, 6.283, 40)]
    layers += [(_turned(hole, angle, 1.75, at), "2a1c14")]
    layers += [(_turned(neck, angle, 1.1, at), "3a271b"), (_turned(head, angle, 1.1, at), "5a3a22")]
    bridge = [(-0.05, 0.14), (0.05, 0.14), (0.05, 0.16), (-0.05, 0.16)]
    layers += [(_turned(bridge, angle, 1.75, at), "2e2018")]
    layers += [(mirrored(GOBLET, False, 1.6, (0.86, 0.9)), "b9c2b8")]
    for outline, tint in layers:
        cover = filled(size, outline, 2)
        left = ndimage.gaussian_filter(cover, 0.02 * size)
        form = np.clip(1.15 + 0.9 * (left - 0.8), 0.6, 1.2)[..., None]
        picture = picture + (rgb(tint) * form - picture) * cover[..., None]
        contour = lines(size, [[*outline, outline[0]]], [0.0045])[..., None]
        picture = picture + (rgb("1d1713") - picture) * contour
    offsets = np.linspace(-0.011, 0.011, 6)
    strings = [_turned([(o, -0.4), (o, 0.14)], angle, 1.75, at) for o in offsets]
    wires = lines(size, strings, [0.0022] * 6)[..., None]
    return picture + (rgb("efe3c2") - picture) * wires


def _facets(size: int, rng: np.random.Generator) -> tuple[Array, int, list[list[Point]]]:
    """Pieces cut by straight lines and a few arcs; also the cuts themselves."""
    x, y = coordinates(size)
    code = np.zeros((size, size), np.int64)
    cuts: list[list[Point]] = []
    leans = [0.42, 0.42 + np.pi / 2, 1.15, -0.5, 0.05, 1.57, 2.3]
    for i in range(15):
        lean = leans[i % len(leans)] + rng.normal(0, 0.1)
        px, py = rng.normal(0.5, 0.23, 2)
        side = (x - px) * np.cos(lean) + (y - py) * np.sin(lean)
        # Each cut reaches over one part of the picture only, so pieces are of many sizes.
        along = -(x - px) * np.sin(lean) + (y - py) * np.cos(lean)
        near = (along > -rng.uniform(0.1, 0.7)) & (along < rng.uniform(0.1, 0.7))
        code = code * 2 % (1 << 40) + ((side > 0) & near)
        code = np.unique(code, return_inverse=True)[1].reshape(size, size)
        cuts.append([(px - t * np.sin(lean), py + t * np.cos(lean)) for t in (-0.35, 0.35)])
    for _ in range(4):
        px, py, radius = rng.uniform(0.2, 0.8), rng.uniform(0.25, 0.85), rng.uniform(0.08, 0.2)
        code = code * 2 + (np.hypot(x - px, y - py) < radius) * (x > px - 0.3 * radius)
    pieces = np.unique(code, return_inverse=True)[1].reshape(size, size)
    return pieces, int(pieces.max()) + 1, cuts


def _shattered(size: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Every facet shows the still life from its own place, shaded from one of its sides."""
    plain = _still_life(size)
    pieces, count, cuts = _facets(size, rng)
    x, y = coordinates(size)
    turn, zoom = rng.normal(0, 0.12, count)[pieces], rng.uniform(0.85, 1.2, count)[pieces]
    move = rng.normal(0, 0.028, (2, count))
    middle = [ndimage.mean(axis, pieces, np.arange(count)) for axis in (x, y)]
    dx, dy = x - middle[0][pieces], y - middle[1][pieces]
    sx = x - dx + zoom * (np.cos(turn) * dx - np.sin(turn) * dy) + move[0][pieces]
    sy = y - dy + zoom * (np.sin(turn) * dx + np.cos(turn) * dy) + move[1][pieces]
    color = sample(plain, sx, sy)
    lean = rng.choice([0.42, 0.42 + np.pi / 2, 1.15, -0.5, np.pi], count)
    slope = np.cos(lean)[pieces] * dx + np.sin(lean)[pieces] * dy
    spread = np.sqrt(ndimage.mean(slope**2, pieces, np.arange(count)) + 1e-6)[pieces]
    shade = np.clip(slope / spread, -1.8, 1.8)
    tint = EARTHS[rng.integers(len(EARTHS), size=count)][pieces]
    keep = np.clip(rng.normal(0.25, 0.16, count), 0, 0.6)[pieces] * (0.6 + 0.35 * shade)
    color = color + (tint - color) * np.clip(keep, 0, 1)[..., None]
    color = color * (1 + 0.22 * shade)[..., None] + 0.045 * shade[..., None]
    stroke_angle = (lean + np.pi / 2 + rng.choice([0.0, 0.5], count))[pieces]
    return np.clip(color, 0, 1), stroke_angle.astype(np.float32), _edges(size, pieces, cuts, rng)


def _edges(size: int, pieces: Array, cuts: list[list[Point]], rng: np.random.Generator) -> Array:
    border = ndimage.morphological_gradient(pieces, size=(3, 3)) > 0
    soft = ndimage.gaussian_filter(border.astype(np.float32), 0.7 * size / 704)
    reach = fbm(*(c * 5 for c in coordinates(size)), 17, 3)
    drawn = np.clip(1.7 * soft, 0, 1) * np.clip((reach - 0.36) * 6, 0, 1)
    rule = lines(size, cuts, list(rng.uniform(0.001, 0.002, len(cuts))))
    return np.maximum(drawn, 0.5 * rule).astype(np.float32)


def draw(size: int, rng: np.random.Generator) -> Array:
    color, angle, edges = _shattered(size, rng)
    brush = Brush(color, rng, 0.7)
    x, y = rng.random((2, 5200), dtype=np.float32)
    xs, ys = follow(angle, x, y, 0.016, 3)
    paint = vary(sample(color, x, y), rng, 0.055, 0.015)
    for i in range(len(x)):
        brush.stroke(xs[i], ys[i], 0.0085, paint[i], paint[i], 0.6)
    picture = brush.color + (rgb("1d1713") - brush.color) * (0.85 * edges)[..., None]
    picture = picture * (1 + 0.035 * paper(rng, size))[..., None]
    return relief(picture, blur(brush.height, 0.6), 0.16, 0.03)
