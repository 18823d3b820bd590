"""A lighthouse in a gale, carved in lino and printed in black, blue and vermilion."""

import numpy as np
from scipy import ndimage

from .canvas import Point, blur, coordinates, filled, paper, rgb, smoothstep
from .noise import Array, blurred_noise, fbm

LAMP: Point = (0.655, 0.205)
TOWER = [(0.605, 0.7), (0.628, 0.26), (0.682, 0.26), (0.71, 0.7)]
GALLERY = [(0.608, 0.262), (0.608, 0.245), (0.702, 0.245), (0.702, 0.262)]
LANTERN = [(0.634, 0.246), (0.634, 0.172), (0.676, 0.172), (0.676, 0.246)]
CAP = [(0.62, 0.175), (0.655, 0.12), (0.69, 0.175)]
ROCK = [(0.4, 0.86), (0.45, 0.76), (0.52, 0.74), (0.56, 0.68), (0.63, 0.665), (0.72, 0.68)]
ROCK += [(0.8, 0.7), (0.84, 0.76), (0.93, 0.77), (1.01, 0.72), (1.01, 0.9), (0.7, 0.92)]


def _carved(phase: Array, duty: Array, rough: Array, edge: float) -> Array:
    """Where the gouge took lino away: lines a share ``duty`` of their spacing wide."""
    ridge = np.abs(phase % 1 - 0.5) * 2
    return smoothstep(-edge, edge, duty + 0.16 * rough - ridge)


def _sky(x: Array, y: Array, rough: Array, edge: float) -> Array:
    """Light runs from the lamp in rings broken by wind, and in beams cut straight."""
    ring, turn = np.hypot(x - LAMP[0], y - LAMP[1]), np.arctan2(y - LAMP[1], x - LAMP[0])
    clouds = fbm(x * 2.6 + 1.5, y * 6, 21, 4)
    warp = 0.07 * (fbm(x * 4, y * 4, 30, 3) - 0.5)
    duty = 0.92 - 1.05 * ring + 1.9 * (clouds - 0.5)
    rings = _carved((ring + warp) * 46, duty, rough, edge)
    billow = _carved((y + 0.22 * clouds + 0.05 * np.sin(9 * x)) * 52, 1.1 - duty, rough, edge)
    picture = np.where(clouds + 0.25 * ring > 0.66, billow * 0.9, rings)
    beam = np.minimum(np.abs(turn - 2.72), np.abs(turn + 0.16))
    lit = smoothstep(0.115, 0.1, beam) * (ring > 0.05)
    streaks = _carved(turn * 62, 0.92 - 0.55 * ring, rough, edge * 0.8)
    return picture * (1 - lit) + streaks * lit


def _sea(x: Array, y: Array, rough: Array, edge: float) -> tuple[Array, Array]:
    """Carved swell, and the crests (1 where the foam is)."""
    depth = np.clip(y - 0.66, 0, 1)
    swell = 0.06 * np.sin(11 * x + 2.5 * np.sin(3 * x) + 6 * depth) + 0.03 * np.sin(
        23 * x - 9 * depth
    )
    phase = (depth + swell * (0.25 + 2.2 * depth)) * 9
    wave = phase % 1
    # Each wave is hatched along its own back, lighter towards the crest.
    duty = 1.15 * (1 - wave) ** 1.6 - 0.12 + 0.35 * (fbm(x * 5, y * 14, 50, 3) - 0.5)
    hatch = _carved(phase * 7 + 0.6 * fbm(x * 7, y * 7, 52, 2), duty, rough, edge)
    spray = 0.1 + 0.22 * fbm(x * 28, y * 28, 55, 3)
    crest = smoothstep(0.02, 0.0, wave - spray * (0.35 + 0.65 * np.clip(3 * depth, 0, 1)))
    return np.maximum(hatch, crest), crest


def _rock(x: Array, y: Array, rough: Array, edge: float) -> Array:
    facet = np.floor(9 * x + 3 * fbm(x * 5, y * 5, 61, 3)) + np.floor(11 * y - 4 * x)
    lean = 0.9 + 1.5 * ((np.sin(facet * 91.7) * 43.3) % 1)
    duty = 0.15 + 0.6 * ((np.sin(facet * 37.1) * 17.7) % 1)
    return _carved((x * np.cos(lean) + y * np.sin(lean)) * 60, duty, rough, edge)


def _tower(size: int, x: Array, y: Array, rough: Array, edge: float) -> tuple[Array, Array, Array]:
    """Coverage of the tower, what is carved out of it, and where vermilion prints."""
    body, lantern = filled(size, TOWER), filled(size, LANTERN)
    iron = np.maximum(filled(size, GALLERY), filled(size, CAP))
    across = (x - 0.657) / (0.03 + 0.055 * np.clip((y - 0.26) / 0.44, 0, 1))
    shade = _carved(y * 95, 1.25 - 1.1 * np.clip(across + 0.3, 0, 1), rough, edge)
    bands = (np.floor((y - 0.26) * 11.4) % 2 == 0) * body
    panes = (np.abs((x - 0.655) * 62 % 1 - 0.5) < 0.38) * lantern
    carved = body * shade * (1 - bands) + panes
    cover = np.maximum.reduce([body, lantern, iron])
    key = 1 - np.maximum(carved, bands * shade)
    return cover, key, np.maximum(bands, 0.0)


def _print(ink: Array, rng: np.random.Generator, salt: float) -> Array:
    """A hand-rubbed impression: edges swell a little, solid areas print with pale specks."""
    size = len(ink)
    specks = blurred_noise(rng, ink.shape, 0.8 * size / 704) + 0.8 * blurred_noise(
        rng, ink.shape, 3.5 * size / 704
    )
    return np.clip(ink * (1 - smoothstep(2.5 - salt, 3.2 - salt, specks)), 0, 1)


def draw(size: int, rng: np.random.Generator) -> Array:
    x, y = coordinates(size)
    edge = 46 * 1.6 / size
    rough = blurred_noise(rng, (size, size), 2.0 * size / 704)
    carved = _sky(x, y, rough, edge)
    waves, crest = _sea(x, y, rough, edge)
    sea = smoothstep(0.0, 0.004, y - 0.668 - 0.004 * np.sin(40 * x))
    carved = carved * (1 - sea) + waves * sea
    rock = filled(size, ROCK)
    near = sea * (y > 0.8 + 0.03 * np.sin(16 * x))
    rock = rock * (1 - near)
    carved = carved * (1 - rock) + _rock(x, y, rough, edge) * rock
    cover, key, bands = _tower(size, x, y, rough, edge)
    ink = (1 - carved) * (1 - cover) + key * cover
    ring = np.hypot(x - LAMP[0], y - LAMP[1])
    glow = smoothstep(0.155, 0.15, ring + 0.006 * rough) * (1 - cover) * (1 - sea)
    red = np.maximum(bands, glow)
    blue = np.maximum(sea * (1 - crest) * (1 - rock), 0.0)
    shift = (round(0.003 * size), -round(0.002 * size))  # blocks never register exactly
    red, blue = ndimage.shift(red, shift, order=1), ndimage.shift(blue, shift, order=1)
    sheet = (
        np.broadcast_to(rgb("f1e6cf"), (size, size, 3)) * (1 + 0.025 * paper(rng, size))[..., None]
    )
    for layer, tint, salt in ((blue, "6fa3a8", 0.3), (red, "dd4a26", 0.25), (ink, "16171d", 0.0)):
        cover = _print(blur(layer.astype(np.float32), 0.5), rng, salt)
        sheet = sheet + (sheet * 0.12 + rgb(tint) * 0.88 - sheet) * cover[..., None]
    return np.clip(sheet, 0, 1).astype(np.float32)
