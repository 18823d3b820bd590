"""A summer afternoon on a river bank, in dots of divided colour."""

import numpy as np

from .canvas import (
    Point,
    coordinates,
    curve,
    filled,
    mirrored,
    palette,
    paper,
    ramp,
    rgb,
    sample,
    smoothstep,
)
from .noise import Array, fbm

# What is on the palette: no earth, no black; greys and shadows are mixed by the eye.
PAINTS = palette(
    "fdf6d8 f9e27a f6c233 f2913a e8553a c9304f e58aa6 b86fb5 7a4f9e 4a3f93"
    " 2f55a8 3f86c9 8fc4dd 1f8f8a 2f9a55 7fbf4a c3d84f 1d5f4f f3c9a8 a9d8c0"
)
SAIL = [(0.0, -0.13), (0.0, 0.0), (0.065, -0.005)]
HULL = [(-0.04, 0.005), (0.07, 0.005), (0.05, 0.022), (-0.02, 0.022)]
LADY = [(0.0, -0.2), (0.022, -0.185), (0.03, -0.15), (0.02, -0.11), (0.05, -0.05), (0.06, 0.0)]
LADY += [(-0.085, 0.0), (-0.075, -0.06), (-0.03, -0.1), (-0.03, -0.15), (-0.02, -0.185)]
PARASOL = [(-0.085, 0.0), (-0.06, -0.045), (0.0, -0.065), (0.06, -0.045), (0.085, 0.0), (0, -0.012)]
GENTLEMAN = [
    (-0.03, 0.0),
    (-0.035, -0.1),
    (-0.03, -0.155),
    (0.03, -0.155),
    (0.035, -0.1),
    (0.03, 0),
]


def _landscape(x: Array, y: Array) -> Array:
    sky = ramp(
        palette("8fbfe0 b4d6e6 e2e0d0 f6d3b0"), y * 2.6 + 0.35 * (fbm(x * 3, y * 7, 2) - 0.5)
    )
    far = 0.34 - 0.05 * fbm(x * 7, y * 0, 4, 3) - 0.03 * np.sin(4 * x)
    trees = ramp(palette("4f86a8 5f9a8a 8fae6a 6f7fb0"), fbm(x * 12, y * 12, 5, 3) * 2 - 0.5)
    glitter = fbm(x * 5, y * 60, 7, 3)
    water = ramp(palette("3f78b8 5f9fd0 9fcbe0 f3e6c8"), 1.5 * glitter - 0.25 + 0.5 * (0.5 - y))
    shore = 0.52 + 0.62 * np.clip(x - 0.1, 0, 1) ** 1.6 - 0.02 * np.sin(9 * x)
    sunlit = ramp(palette("b9cf4a d8dc5a 8fc04f f0e07a"), fbm(x * 9, y * 22, 9, 3) * 2 - 0.5)
    color = np.where((y > far)[..., None], trees, sky)
    color = np.where((y > 0.36)[..., None], water, color)
    grass = y > 1.32 - shore
    shadow = smoothstep(0.44, 0.56, fbm(x * 2.3 + 3, y * 6.5, 12, 3) + 0.22 * (y - 0.8))
    dark = ramp(palette("2f7a5a 3f5f9a 2f8a55 5f4f95"), fbm(x * 10, y * 20, 14, 3) * 2 - 0.5)
    lawn = sunlit + (dark - sunlit) * shadow[..., None]
    return np.where(grass[..., None], lawn, color)


def _tree(x: Array, y: Array, color: Array) -> Array:
    sway = 0.115 + 0.03 * np.sin(5 * y)
    trunk = (np.abs(x - sway) < 0.022 + 0.04 * np.clip(y - 0.75, 0, 1)) & (y > 0.2) & (y < 0.9)
    bark = ramp(palette("6f3f6a a0604f d08a4f 4f3a80"), 0.5 + 9 * (x - sway))
    color = np.where(trunk[..., None], bark, color)
    lumps = fbm(x * 6, y * 6, 22, 4)
    crown = np.hypot((x - 0.13) / 0.36, (y - 0.08) / 0.27) + 0.7 * (lumps - 0.5)
    light = 1.4 * fbm(x * 8 + 3, y * 9, 25, 3) - 0.35 + 0.5 * (0.25 - y)
    leaves = ramp(palette("2a4f8a 1f6f5a 3f9a4f 9fc84f f0dc5a"), light + 0.12)
    return np.where((crown < 0.97)[..., None], leaves, color)


def _people(size: int, color: Array) -> Array:
    shapes: list[tuple[list[Point], str]] = []

    def add(outline: list[Point], tint: str, scale: float, at: Point, smooth: bool = True) -> None:
        shapes.append((mirrored(curve(outline) if smooth else outline, False, scale, at), tint))

    for at, scale in (((0.72, 0.43), 1.3), ((0.5, 0.4), 0.75), ((0.9, 0.395), 0.6)):
        add(SAIL, "fdf3dc", scale, at, False)
        add(HULL, "8a3f6a", scale, at, False)
    add([(0.0, 0.0), (-0.17, 0.012), (-0.2, 0.03), (0, 0.02)], "34508f", 1.2, (0.63, 0.9))
    add(LADY, "c9304f", 1.75, (0.65, 0.9))
    add([(0.02, -0.02), (0.05, -0.02), (0.04, -0.13), (0.0, -0.13)], "e8553a", 1.3, (0.66, 0.9))
    add([(-0.02, 0), (0.02, 0), (0.02, -0.045), (-0.02, -0.045)], "f3c9a8", 1.2, (0.652, 0.565))
    add(PARASOL, "f6c233", 1.7, (0.665, 0.53))
    add(PARASOL, "f2913a", 0.8, (0.705, 0.512))
    add(GENTLEMAN, "3f3f8a", 1.45, (0.46, 0.86), False)
    add([(-0.018, 0), (0.018, 0), (0.018, -0.04), (-0.018, -0.04)], "f3c9a8", 1.2, (0.46, 0.635))
    add([(-0.03, 0), (0.03, 0), (0.024, -0.045), (-0.024, -0.045)], "4a3f93", 1.2, (0.46, 0.6))
    add([(0.0, 0.0), (-0.15, 0.012), (-0.18, 0.03), (0, 0.02)], "34508f", 1.0, (0.45, 0.86))
    add(LADY, "e58aa6", 0.8, (0.86, 0.72))
    add(PARASOL, "e8553a", 0.85, (0.86, 0.545))
    for outline, tint in shapes:
        inside = filled(size, outline, 1)[..., None]
        color = color + (rgb(tint) - color) * inside
    return color


def _divide(color: Array, rng: np.random.Generator) -> Array:
    """For each wanted colour one paint of the palette, so that neighbours mix to it."""
    error = rng.normal(0, 0.13, color.shape) + rng.normal(0, 0.05, (len(color), 1))
    wanted = (color + error).astype(np.float32)
    # Now and then the complement, as light as the colour beside it, which it makes sing.
    flip = rng.random(len(color)) < 0.06
    grey = wanted[flip].mean(1, keepdims=True)
    wanted[flip] = grey - 1.2 * (wanted[flip] - grey)
    weight = np.float32([0.9, 1.1, 0.8])
    gap = ((wanted[:, None] - PAINTS) * weight) ** 2
    return PAINTS[gap.sum(-1).argmin(1)]


def _dots(canvas: Array, x: Array, y: Array, radius: Array, paint: Array) -> None:
    """Lay dots in order on a canvas (side, side, 3); where they overlap the later one shows."""
    side = len(canvas)
    reach = int(np.ceil(radius.max() * side))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    dx, dy = dx.ravel(), dy.ravel()
    columns, rows = (x * side).astype(np.int64), (y * side).astype(np.int64)
    inside = dx * dx + dy * dy <= ((radius * side) ** 2)[:, None]
    which, offset = np.nonzero(inside)
    row = np.clip(rows[which] + dy[offset], 0, side - 1)
    column = np.clip(columns[which] + dx[offset], 0, side - 1)
    canvas[row, column] = paint[which]


def draw(size: int, rng: np.random.Generator) -> Array:
    x, y = coordinates(size)
    scene = _people(size, _tree(x, y, _landscape(x, y)))
    fine = 3
    canvas = np.ones((size * fine, size * fine, 3), np.float32) * rgb("ece2c8")
    canvas *= 1 + 0.03 * paper(rng, size).repeat(fine, 0).repeat(fine, 1)[..., None]
    for count, radius in ((12000, 0.0074), (17000, 0.0061), (15000, 0.0046)):
        px, py = rng.random((2, count), dtype=np.float32)
        paint = _divide(sample(scene, px, py), rng)
        paint = np.clip(paint + rng.normal(0, 0.02, paint.shape), 0, 1).astype(np.float32)
        _dots(canvas, px, py, radius * rng.uniform(0.75, 1.15, count).astype(np.float32), paint)
    return np.clip(canvas, 0, 1).reshape(size, fine, size, fine, 3).mean((1, 3))
