"""A tree of spirals on gold, patterned like jewellery."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .canvas import Point, coordinates, lines, palette, ramp, relief, rgb, smoothstep
from .cells import labels_edges, spread
from .noise import Array, blurred_noise, fbm

BROWN = rgb("4a2c12")


def _spiral(at: Point, heading: float, reach: float, turns: float, hand: int) -> list[Point]:
    """A branch that leaves ``at`` along ``heading`` and curls up into itself."""
    points, (px, py) = [], at
    steps = 90
    for i in range(steps):
        points.append((px, py))
        t = i / steps
        bend = hand * turns * 2 * np.pi * (0.25 + 2.2 * t**1.6) / steps
        heading += bend
        stride = reach * (1.35 - 1.15 * t) / steps
        px, py = px + stride * np.cos(heading), py + stride * np.sin(heading)
    return points


def _tree(rng: np.random.Generator) -> tuple[list[list[Point]], list[float]]:
    paths: list[list[Point]] = []
    widths: list[float] = []

    def grow(at: Point, heading: float, reach: float, width: float, depth: int, hand: int) -> None:
        path = _spiral(at, heading, reach, 1.5 + 0.35 * rng.random(), hand)
        for i in range(0, len(path) - 3, 3):
            paths.append(path[i : i + 5])
            widths.append(width * (1 - 0.82 * i / len(path)))
        if not depth:
            return
        for spot in (0.16, 0.34, 0.52) if depth > 1 else (0.3, 0.5):
            i = int(spot * len(path))
            (ax, ay), (bx, by) = path[i], path[i + 1]
            out = np.arctan2(by - ay, bx - ax) - hand * rng.uniform(0.45, 0.85)
            grow((ax, ay), out, reach * rng.uniform(0.5, 0.66), width * 0.55, depth - 1, -hand)

    paths.append([(0.5, 1.02), (0.495, 0.8), (0.505, 0.62)])
    widths.append(0.085)
    for heading, reach, hand in (
        (-2.55, 0.95, 1),
        (-0.6, 0.95, -1),
        (-2.0, 0.85, 1),
        (-1.15, 0.85, -1),
        (-1.62, 0.6, 1),
        (-2.95, 0.6, -1),
        (-0.2, 0.6, 1),
    ):
        grow((0.5, 0.66), heading, reach, 0.05, 2, hand)
    return paths, widths


def _gold(size: int, x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Leaf laid square by square over red clay, with a sprinkling of spirals and dots."""
    leaf = ramp(palette("b5832a d9a93f eccb6a f5e0a0"), fbm(x * 5, y * 5, 3, 4) * 1.7 - 0.35)
    tint = rng.normal(0, 0.05, (14, 14)).astype(np.float32)
    column = np.clip((x + 0.01 * np.sin(y * 40)) * 12, 0, 13).astype(np.int64)
    row = np.clip((y + 0.01 * np.sin(x * 35)) * 12, 0, 13).astype(np.int64)
    leaf = leaf * (1 + tint[row, column])[..., None]
    worn = smoothstep(1.5, 2.6, blurred_noise(rng, (size, size), 1.6 * size / 704))
    return leaf + (rgb("8a3f22") - leaf) * (0.55 * worn)[..., None]


def _meadow(size: int, x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Ground of round flowers, each with rings in its own colours; also its mask."""
    ground = smoothstep(-0.002, 0.002, y - 0.83 - 0.03 * np.sin(7 * x + 1))
    seeds = spread(size, 900, rng)
    grid = np.stack([x.ravel(), y.ravel()], 1)
    near, owner = (part.reshape(size, size) for part in cKDTree(seeds).query(grid))
    rings = near * rng.uniform(50, 75, len(seeds))[owner]
    inks = palette("c2412d e8a13a f3e2b0 2f6f6a 6f3f7a d9728a 1f3f5f 7a9a3f")
    first, second, third = (inks[rng.integers(8, size=len(seeds))][owner] for _ in range(3))
    flower = np.where((rings < 0.38)[..., None], first, second)
    flower = np.where((rings > 0.75)[..., None], third, flower)
    base = ramp(palette("24452f 3f6a35 6f8a3a"), fbm(x * 8, y * 8, 40, 2) * 1.6 - 0.3)
    return np.where((rings > 1.12)[..., None], base, flower).astype(np.float32), ground


def _ornaments(
    picture: Array, x: Array, y: Array, inside: Array, rng: np.random.Generator
) -> Array:
    """Eyes, triangles and little squares set into the branches."""
    size = len(picture)
    seeds = spread(size, 2600, rng, 2)
    grid = np.stack([x.ravel(), y.ravel()], 1)
    near, owner = (part.reshape(size, size) for part in cKDTree(seeds).query(grid))
    room = (
        ndimage.distance_transform_edt(inside > 0.5)[
            np.clip((seeds[:, 1] * size).astype(int), 0, size - 1),
            np.clip((seeds[:, 0] * size).astype(int), 0, size - 1),
        ]
        / size
    )
    radius = (np.minimum(0.0075, 0.75 * room) * (room > 0.004))[owner]
    inks = palette("f0cf6a e9b23a c2412d f6ecd0 2f6f6a 1c1a1a d98a3a")
    color = inks[rng.integers(len(inks), size=len(seeds))][owner]
    pupil = inks[rng.integers(len(inks), size=len(seeds))][owner]
    disc = smoothstep(1 / size, -1 / size, near - radius)
    core = smoothstep(1 / size, -1 / size, near - 0.45 * radius) * (radius > 0.004)
    picture = picture + (color - picture) * disc[..., None]
    return picture + (pupil - picture) * core[..., None]


def _leaves(size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Long drops and triangles between the branches: coverage and number."""
    spots = spread(size, 210, rng)
    spots = spots[(spots[:, 1] < 0.8)]
    number = np.zeros((size, size), np.int64)
    x, y = coordinates(size)
    for i, (px, py) in enumerate(spots):
        lean, long = rng.uniform(0, 2 * np.pi), rng.uniform(0.012, 0.022)
        u = (x - px) * np.cos(lean) + (y - py) * np.sin(lean)
        v = (y - py) * np.cos(lean) - (x - px) * np.sin(lean)
        number[
            np.abs(v) < 0.45 * long * np.sqrt(np.clip(1 - (u / long) ** 2, 0, 1)) * (1 + u / long)
        ] = i + 1
    return (number > 0).astype(np.float32), number


def draw(size: int, rng: np.random.Generator) -> Array:
    x, y = coordinates(size)
    picture = _gold(size, x, y, rng)
    leaf, number = _leaves(size, rng)
    inks = palette("b5391f 2f6f6a f6ecd0 e8892f 1f3f5f 7a9a3f")
    picture = picture + (inks[number % len(inks)] - picture) * leaf[..., None]
    meadow, ground = _meadow(size, x, y, rng)
    picture = picture + (meadow - picture) * ground[..., None]
    paths, widths = _tree(rng)
    outer = lines(size, paths, [w + 0.007 for w in widths])
    inner = lines(size, paths, widths)
    rim = ndimage.grey_dilation(outer, size=(3, 3))
    picture = picture + (rgb("f2d889") - picture) * rim[..., None]
    picture = picture + (BROWN - picture) * outer[..., None]
    bark = ramp(palette("6a3d18 8f5a22 b57f30"), fbm(x * 9, y * 30, 60, 3) * 1.7 - 0.35)
    picture = picture + (bark - picture) * (0.8 * inner)[..., None]
    picture = _ornaments(picture, x, y, inner, rng)
    edges = labels_edges(number) * (1 - outer)
    picture = picture + (BROWN - picture) * (0.8 * edges)[..., None]
    height = 2.2 * ndimage.gaussian_filter(outer, 2.2 * size / 704)
    height += 0.28 * blurred_noise(rng, (size, size), 1.1 * size / 704)
    return relief(picture, height.astype(np.float32), 0.5, 0.35)
