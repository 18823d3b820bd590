"""A breaking wave before a far mountain, printed from flat blocks."""

import numpy as np
from scipy import ndimage

from .canvas import (
    Point,
    coordinates,
    curve,
    filled,
    lines,
    mirrored,
    palette,
    paper,
    ramp,
    rgb,
    smoothstep,
)
from .noise import Array, blurred_noise, fbm

INK = rgb("1c2a4a")
BLUES = palette("1f3f73 2f5f97 5f8fb8 a9c7cf dfe3d2")
MOUNTAIN = [(0.5, 0.64), (0.585, 0.565), (0.64, 0.5), (0.665, 0.478), (0.7, 0.48), (0.73, 0.51)]
MOUNTAIN += [(0.79, 0.575), (0.88, 0.64)]
# The great wave: up the back from the left edge, over the crest, down the hollow face.
WAVE = [(-0.02, 0.62), (0.03, 0.45), (0.09, 0.29), (0.17, 0.16), (0.28, 0.085), (0.4, 0.08)]
WAVE += [(0.5, 0.13), (0.555, 0.215), (0.565, 0.3)]
FACE = [(0.5, 0.27), (0.42, 0.25), (0.35, 0.3), (0.315, 0.41), (0.335, 0.55), (0.41, 0.68)]
FACE += [(0.52, 0.78), (0.66, 0.84)]
SWELL = [
    (0.1, 1.04),
    (0.2, 0.93),
    (0.33, 0.86),
    (0.48, 0.87),
    (0.6, 0.875),
    (0.69, 0.83),
    (0.77, 0.75),
    (0.86, 0.69),
    (0.94, 0.7),
]
SWELL += [(1.03, 0.77)]
BOAT = [(-0.17, -0.05), (-0.08, 0.0), (0.05, 0.01), (0.19, -0.07), (0.1, 0.03), (-0.06, 0.035)]


def _sky(size: int, x: Array, y: Array) -> Array:
    """Cream paper shaded by wiping the block (bokashi): grey-blue above, rose at the horizon."""
    sky = ramp(palette("6f8a9a a9b6ac e6d9b8 f0dfb8 efc9a0"), y * 1.55)
    cloud = smoothstep(0.53, 0.545, fbm(x * 2.2 + 4, y * 8, 12, 3)) * (y < 0.42)
    sky = sky + (rgb("f6ead0") - sky) * (0.85 * cloud)[..., None]
    sun = smoothstep(0.072, 0.07, np.hypot(x - 0.83, y - 0.2))
    sky = sky + (rgb("d8452f") - sky) * sun[..., None]
    cone = filled(size, [*curve(MOUNTAIN, False), (0.5, 0.66)])
    sky = sky + (ramp(palette("2f4f7f 6f8fae"), (y - 0.48) * 6) - sky) * cone[..., None]
    hem = 0.535 + 0.02 * np.sin(x * 95) + 0.012 * np.sin(x * 213)
    snow = cone * smoothstep(0.002, -0.002, y - hem)
    return sky + (rgb("f7f0dd") - sky) * snow[..., None]


def _between(outer: np.ndarray, inner: np.ndarray, part: float) -> list[Point]:
    """A line a share ``part`` of the way from one curve to another."""
    mixed = outer + (inner - outer) * part
    return [(float(px), float(py)) for px, py in mixed]


def _even(points: list[Point], count: int) -> np.ndarray:
    path = np.array(curve(points, False))
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0, way[-1], count)
    return np.stack([np.interp(at, way, path[:, i]) for i in (0, 1)], 1)


def _great_wave(size: int, picture: Array) -> Array:
    """Bands of blue that follow the body of the wave from its back to its hollow."""
    back = np.concatenate([_even(WAVE, 120), [(0.565, 0.3)]])
    body = [*map(tuple, back), *curve(FACE, False), (0.66, 1.05), (-0.05, 1.05)]
    picture = _flat(size, picture, body, BLUES[1])
    outer = _even([(-0.3, 1.1), (-0.06, 0.7), *WAVE[1:7]], 90)
    inner = _even([(0.62, 1.1), (0.45, 0.78), *reversed(FACE[1:6]), (0.5, 0.22)], 90)
    tints = (3, 0, 4, 1, 3, 0, 2, 4, 1)
    inside = filled(size, body)
    for i, tint in enumerate(tints):
        start, end = (i + 0.12) / len(tints), (i + 0.62 + 0.1 * (i % 3)) / len(tints)
        band = [*_between(outer, inner, start), *reversed(_between(outer, inner, end))]
        cover = filled(size, band) * inside
        picture = picture + (BLUES[tint] - picture) * cover[..., None]
        edge = lines(size, [_between(outer, inner, start)], [0.0025]) * inside
        picture = picture + (INK - picture) * edge[..., None]
    return _outlined(size, picture, curve(FACE, False), 0.005)


def _flat(size: int, picture: Array, outline: list[Point], color: Array) -> Array:
    return picture + (color - picture) * filled(size, outline)[..., None]


def _outlined(size: int, picture: Array, path: list[Point], width: float) -> Array:
    return picture + (INK - picture) * lines(size, [path], [width])[..., None]


def _claws(
    rng: np.random.Generator, path: np.ndarray, reach: float, lean: float
) -> list[list[Point]]:
    """Fingers of foam that hook forward and down from a crest."""
    hooks = []
    for i in range(0, len(path) - 1):
        px, py = path[i]
        dx, dy = path[i + 1] - path[i]
        out = np.arctan2(dy, dx) + lean + rng.normal(0, 0.3)
        length, curl = reach * rng.uniform(0.5, 1.25), rng.uniform(0.8, 1.6)
        finger = []
        for t in np.linspace(0, 1, 9):
            angle = out + curl * t
            finger.append((px + length * t * np.cos(angle), py + length * t * np.sin(angle)))
        hooks.append(finger)
    return hooks


def _foam(
    size: int, picture: Array, rng: np.random.Generator, path: np.ndarray, reach: float
) -> Array:
    """White foam: a mass of fingers and bubbles with an ink outline round the whole."""
    fingers = [f for lean in (0.9, 0.3, -0.5) for f in _claws(rng, path, reach, lean)]
    widths = list(rng.uniform(0.15, 0.3, len(fingers)) * reach)
    bubbles = [
        [(px, py), (px + 1e-4, py)] for px, py in path + rng.normal(0, 0.18 * reach, path.shape)
    ]
    sizes = list(rng.uniform(0.3, 0.7, len(bubbles)) * reach)
    mass = lines(size, [*fingers, *bubbles], [*widths, *sizes])
    rim = ndimage.grey_dilation(mass, size=(max(3, round(size / 176)),) * 2)
    picture = picture + (INK - picture) * rim[..., None]
    picture = picture + (rgb("f6efdc") - picture) * mass[..., None]
    pale = [[(px, py) for px, py in finger[1:6]] for finger in fingers[::2]]
    veins = lines(size, pale, [0.16 * reach * 0.5] * len(pale)) * mass
    return picture + (BLUES[3] - picture) * (0.8 * veins)[..., None]


def _boats(size: int, picture: Array) -> Array:
    for at, scale, flip in (((0.82, 0.665), 0.85, False), ((0.5, 0.74), 0.75, True)):
        hull = mirrored(curve(BOAT), flip, scale, at)
        picture = _flat(size, picture, hull, rgb("d9b46a"))
        picture = _outlined(size, picture, [*hull, hull[0]], 0.0035)
        for i in range(6):
            head = mirrored(
                [(-0.09 + 0.036 * i, -0.018), (-0.088 + 0.036 * i, -0.018)], flip, scale, at
            )
            picture = _outlined(size, picture, head, 0.031 * scale)
            picture = (
                picture
                + (rgb("f0dcc0") - picture) * lines(size, [head], [0.022 * scale])[..., None]
            )
    return picture


def _spray(size: int, picture: Array, rng: np.random.Generator) -> Array:
    where = rng.normal((0.52, 0.22), (0.13, 0.1), (150, 2))
    drops = [[(px, py), (px + 1e-4, py)] for px, py in where]
    dots = lines(size, drops, list(rng.uniform(0.003, 0.0085, len(drops))))
    return picture + (rgb("f6efdc") - picture) * dots[..., None]


def draw(size: int, rng: np.random.Generator) -> Array:
    x, y = coordinates(size)
    picture = _sky(size, x, y)
    sea = smoothstep(-0.001, 0.001, y - 0.64)
    far = ramp(BLUES[1:4], 1 - (y - 0.62) * 2.4)
    picture = picture + (far - picture) * sea[..., None]
    picture = _boats(size, picture)
    swell = [*curve(SWELL, False), (1.05, 1.05)]
    picture = _great_wave(size, picture)
    picture = _flat(size, picture, swell, BLUES[0])
    for lift, tint in ((0.028, 2), (0.075, 1), (0.12, 4), (0.165, 1), (0.21, 3)):
        lower = [(px, py + lift) for px, py in curve(SWELL, False)]
        inner = [(px, py + lift + 0.024 + 0.01 * np.sin(19 * px)) for px, py in reversed(lower)]
        inner = [(px, py - lift) for px, py in inner]
        picture = _flat(size, picture, [*lower, *inner], BLUES[tint])
    picture = _foam(size, picture, rng, _even(SWELL, 46), 0.04)
    picture = _foam(size, picture, rng, _even(WAVE[2:], 44), 0.078)
    picture = _foam(size, picture, rng, _even([WAVE[-1], *FACE[:2]], 11), 0.06)
    picture = _spray(size, picture, rng)
    grain = blurred_noise(rng, (size, size), (0.8 * size / 704, 26 * size / 704))
    picture = picture * (1 + 0.022 * grain + 0.018 * paper(rng, size))[..., None]
    return np.clip(picture * rgb("fdf6e6"), 0, 1).astype(np.float32)
