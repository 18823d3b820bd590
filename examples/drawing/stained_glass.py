"""A tree by a river at sunrise, in stained glass and lead."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .canvas import Point, blur, coordinates, curve, filled, palette, ramp, relief, rgb
from .cells import labels_edges, spread
from .noise import Array, fbm

SUN: Point = (0.62, 0.34)

# Colours of the panes of each region, and how many panes the whole picture would hold.
PANES = {
    "sky": (palette("123c9e 1f5fc4 2f86d8 1b2f86 59a9e6 4a3fb0"), 120),
    "rays": (palette("f6b21b f58a1f f9d04a ee6a1c"), 60),
    "sun": (palette("ffe070 ffeb9c ffd23f"), 260),
    "hills": (palette("4b2a8c 6a35a8 8b4cc0 33206e 9d3f9d"), 150),
    "meadow": (palette("0f7a3d 1f9c4a 5cb531 0b5c3a a3c72c"), 170),
    "river": (palette("0fa3b8 2ec4d0 0b7f9e 86e0e0"), 200),
    "leaves": (palette("0c8a4a 37b04c 9ccc2f 0a6b3f e2cf2e"), 620),
    "trunk": (palette("7a3b16 9c4f1c 5a2910"), 260),
    "fruit": (palette("d3121f ef2b2b a80d2a"), 1),
    "petals": (palette("d61f6c f0559a b0138c f58ab8"), 420),
}
NAMES = tuple(PANES)


def _regions(size: int, rng: np.random.Generator) -> Array:
    x, y = coordinates(size)
    turn = np.arctan2(y - SUN[1], x - SUN[0])
    ring = np.hypot(x - SUN[0], y - SUN[1])
    region = np.zeros((size, size), np.int64)

    def put(name: str, inside: Array) -> None:
        region[inside] = NAMES.index(name)

    put("rays", (np.cos(9 * turn) > 0.35) & (ring < 0.46))
    put("sun", ring < 0.125)
    far = 0.56 - 0.13 * np.abs(np.sin(6.1 * x + 0.5)) ** 1.5
    put("hills", y > far)
    put("meadow", y > 0.62 + 0.035 * np.sin(5 * x + 1))
    middle = 0.66 + 0.13 * np.sin(7.5 * y - 3.4)
    put("river", (y > 0.63) & (np.abs(x - middle) < 0.02 + 0.5 * np.clip(y - 0.62, 0, 1) ** 1.25))
    trunk = [(0.2, 1.0), (0.225, 0.75), (0.2, 0.5), (0.12, 0.36), (0.15, 0.34), (0.235, 0.45)]
    trunk += [(0.26, 0.28), (0.29, 0.28), (0.28, 0.46), (0.37, 0.36), (0.39, 0.38), (0.295, 0.56)]
    trunk += [(0.29, 0.76), (0.34, 1.0)]
    crown = [(0.02, 0.3), (0.06, 0.14), (0.2, 0.05), (0.36, 0.07), (0.47, 0.2), (0.46, 0.36)]
    crown += [(0.34, 0.43), (0.24, 0.4), (0.12, 0.44)]
    put("leaves", filled(size, curve(crown), 1) > 0.5)
    put("trunk", filled(size, trunk, 1) > 0.5)
    for fx, fy in (
        (0.11, 0.24),
        (0.2, 0.14),
        (0.33, 0.17),
        (0.41, 0.27),
        (0.21, 0.29),
        (0.36, 0.36),
    ):
        put("fruit", np.hypot(x - fx, y - fy) < 0.03)
    for fx, fy, radius in ((0.5, 0.87, 0.115), (0.07, 0.86, 0.1), (0.93, 0.83, 0.095)):
        away, around = np.hypot(x - fx, y - fy), np.arctan2(y - fy, x - fx)
        put("petals", away < radius * (0.76 + 0.24 * np.cos(6 * around)))
        put("sun", away < 0.3 * radius)
    return region


def _panes(region: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Number of the pane of every pixel, and the colour of every pane."""
    size = len(region)
    x, y = coordinates(size)
    grid = np.stack([x.ravel(), y.ravel()], 1)
    panes, colors = np.zeros((size, size), np.int64), [np.zeros((0, 3), np.float32)]
    turn = np.arctan2(y - SUN[1], x - SUN[0])
    for index, name in enumerate(NAMES):
        tones, count = PANES[name]
        inside = region == index
        seeds = spread(size, count, rng)
        owner = cKDTree(seeds).query(grid[inside.ravel()])[1]
        if name in ("sky", "rays"):  # cut along the rays: sectors crossed by arcs
            sector = np.floor(turn / np.pi * 18 + 0.25)[inside]
            arc = np.floor(np.hypot(x - SUN[0], y - SUN[1])[inside] * 6.5 + 0.31 * (sector % 2))
            owner = np.unique(np.stack([sector, arc]), axis=1, return_inverse=True)[1].ravel()
        first = sum(len(part) for part in colors)
        panes[inside] = first + owner
        picks = ramp(tones, rng.random(int(owner.max()) + 1).astype(np.float32))
        colors.append(picks.astype(np.float32))
    return panes, np.concatenate(colors)


def draw(size: int, rng: np.random.Generator) -> Array:
    region = _regions(size, rng)
    panes, colors = _panes(region, rng)
    x, y = coordinates(size)
    color = colors[panes]
    away = ndimage.distance_transform_edt(~labels_edges(panes)).astype(np.float32) / size
    outline = ndimage.distance_transform_edt(~labels_edges(region)).astype(np.float32) / size
    streaks = fbm(x * 9 + 2 * fbm(x * 4, y * 4, 1), y * 26, 4, 4) - 0.5
    bubbles = fbm(x * 60, y * 60, 7, 2) - 0.5
    light = 0.78 + 14 * np.minimum(away, 0.03) + 0.75 * streaks + 0.25 * bubbles
    light += 0.35 * np.exp(-(((x - SUN[0]) ** 2 + (y - SUN[1]) ** 2) / 0.06))
    glass = np.clip(color * light[..., None], 0, 1)
    # Thick glass is more saturated than thin: raise the power where less light comes through.
    glass = glass ** (1.25 - 0.35 * np.clip(light - 0.6, 0, 1))[..., None]
    lead = np.clip((0.0036 - away) * size + 0.5, 0, 1)
    lead = np.maximum(lead, np.clip((0.0058 - outline) * size + 0.5, 0, 1))
    came = rgb("17151a") * (0.8 + 0.5 * fbm(x * 70, y * 70, 9, 2))[..., None]
    height = blur(lead * 3, 0.0022 * size)
    picture = glass + (came - glass) * lead[..., None]
    bloom = blur(glass * (1 - lead)[..., None], 0.012 * size)
    return relief(np.clip(picture + 0.16 * bloom, 0, 1), height, 0.45, 0.25)
