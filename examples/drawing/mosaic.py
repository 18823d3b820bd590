"""A ship under a golden sun, in tesserae of glass and gold."""

import numpy as np
from scipy import ndimage

from .canvas import Point, blur, coordinates, curve, filled, mirrored, palette, relief, rgb, sample
from .cells import Tesserae, along_outlines, labels_edges
from .noise import Array, fbm

SUN: Point = (0.68, 0.27)
HULL = [(-0.25, 0.0), (-0.2, 0.045), (0, 0.055), (0.19, 0.045), (0.27, -0.06), (0.2, -0.02)]
SAIL = [(-0.01, -0.42), (-0.15, -0.25), (-0.17, -0.06), (-0.01, -0.05)]
JIB = [(0.02, -0.37), (0.03, -0.06), (0.23, -0.06), (0.14, -0.2)]
# For every region the glasses it is laid in; a tile takes the one its tone asks for.
GLASS = {
    0: palette("f2cf8a f4dcae efe3c8 cfe0d3 a5d0d0 7bb8c6 5a9dba"),  # sky: gold to blue
    1: palette("e4572e ee7a2c f29a2e f7b733"),  # sun
    2: palette("f0a72b f6c445 f9d976 ec8f2a"),  # rays
    3: palette("0c2f4f 114a6e 1a6f8c 2f9aa0 6cc3b0 d8efe0"),  # sea
    4: palette("5a2a1a 7c3b22 9a5530 3f1d16"),  # hull
    5: palette("a32c22 c64a2c e07a48 8c1f22"),  # sail
    6: palette("2f6f62 4d9478 8dbb8a d7d58c"),  # jib
    8: palette("7b6aa0 9c86b4 5e5088 b7a3c4"),  # hills
    9: palette("e9ddc4 cfd9c8 f6efdf"),  # foam
    10: palette("2c1710 3b2018"),  # mast
}


def _waves(x: Array, y: Array) -> Array:
    """Phase of the swell: one unit from crest to crest, rows tighten towards the horizon."""
    depth = np.clip(y - 0.6, 1e-3, None)
    return 7.5 * depth**0.75 + 0.28 * np.sin(17 * x - 9 * depth) + 0.1 * np.sin(31 * x + 3)


def _picture(size: int) -> tuple[Array, Array, Array]:
    """Region, tone (0 to 1) and flow of the tiles at every pixel."""
    x, y = coordinates(size)
    ring = np.hypot(x - SUN[0], y - SUN[1])
    turn = np.arctan2(y - SUN[1], x - SUN[0])
    labels = np.zeros((size, size), np.int64)
    tone = np.clip(ring * 1.5 - 0.25 + 0.5 * (fbm(x * 3, y * 6, 5, 3) - 0.5), 0, 1)
    angle = turn + np.pi / 2
    labels[(np.cos(turn * 14) > 0.1 + 3.2 * (ring - 0.14)) & (ring < 0.34)] = 2
    labels[ring < 0.12] = 1
    hill = (
        0.6 - 0.1 * np.exp(-(((x - 0.1) / 0.14) ** 2)) - 0.07 * np.exp(-(((x - 0.33) / 0.1) ** 2))
    )
    hill -= 0.06 * np.exp(-(((x - 0.95) / 0.1) ** 2))
    labels[(y > hill) & (y < 0.61)] = 8
    sea = y > 0.6
    phase = _waves(x, y)
    down, right = np.gradient(phase)
    labels[sea] = np.where(phase % 1 > 0.86, 9, 3)[sea]
    tone[sea] = (0.85 * (phase % 1) + 0.3 * fbm(x * 6, y * 6, 9, 2) - 0.12)[sea]
    angle[sea] = np.arctan2(-right, down)[sea]
    return _figures(size, labels, tone, x, y), np.clip(tone, 0, 1), angle.astype(np.float32)


def _figures(size: int, labels: Array, tone: Array, x: Array, y: Array) -> Array:
    at = (0.4, 0.7)
    mast = [(0.393, 0.24), (0.404, 0.24), (0.404, 0.7), (0.393, 0.7)]
    shapes = [(10, mast), (5, mirrored(curve(SAIL), False, 1.0, at))]
    shapes += [(6, mirrored(curve(JIB), False, 1.0, at))]
    shapes += [(4, mirrored(curve(HULL), False, 1.0, at))]
    for label, outline in shapes:
        inside = filled(size, outline, 1) > 0.5
        labels[inside] = label
        edge = ndimage.distance_transform_edt(inside)[inside] / max(1.0, 0.05 * size)
        tone[inside] = np.clip(edge + 0.4 * (fbm(x * 9, y * 9, label, 2)[inside] - 0.5), 0, 1)
    return labels


def _glaze(labels: Array, tone: Array, rng: np.random.Generator) -> Array:
    """The colour of each tile from its region's glasses."""
    color = np.zeros((len(labels), 3), np.float32)
    for label, glasses in GLASS.items():
        mine = labels == label
        place = tone[mine] * (len(glasses) - 1) + rng.normal(0, 0.45, int(mine.sum()))
        color[mine] = glasses[np.clip(np.rint(place), 0, len(glasses) - 1).astype(np.int64)]
    wear = rng.normal(1, 0.07, (len(labels), 1)) + rng.normal(0, 0.02, (len(labels), 3))
    return np.clip(color * wear, 0, 1).astype(np.float32)


def draw(size: int, rng: np.random.Generator) -> Array:
    labels, tone, angle = _picture(size)
    angle = along_outlines(labels, angle, 0.028 * size)
    gaps = ndimage.binary_dilation(labels_edges(labels), iterations=max(1, size // 400))
    tiles = Tesserae(angle, gaps, 4300, rng)
    x, y = coordinates(size)
    owner, reach = (
        part.reshape(size, size) for part in tiles.assign(np.stack([x.ravel(), y.ravel()], 1))
    )
    px, py = tiles.points.T
    color = _glaze(sample(labels, px, py), sample(tone, px, py), rng)
    half = rng.uniform(0.0069, 0.0086, len(px)).astype(np.float32)[owner]
    border = ndimage.distance_transform_edt(~labels_edges(owner)).astype(np.float32)
    glass = np.clip(np.minimum(border - 0.9 * size / 704, (half - reach) * size), 0, 1)
    grout = rgb("857868") * (0.8 + 0.5 * fbm(x * 90, y * 90, 2, 2))[..., None]
    picture = grout + (color[owner] - grout) * glass[..., None]
    tilt = rng.normal(0, 0.13, (2, len(px))).astype(np.float32)
    slope = tilt[0][owner] * (x - px[owner]) + tilt[1][owner] * (y - py[owner])
    height = 1.6 * np.minimum(border, 2.5) * glass + slope * size
    return relief(picture, blur(height.astype(np.float32), 0.5), 0.5, 0.3)
