"""A still life engraved in copper: lines that follow the forms and swell with the shade."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from .canvas import coordinates, paper, rgb, smoothstep
from .noise import Array, blurred_noise, fbm

FLAME = (0.8, 0.397)
JUG = [(0.0, 0.07), (0.02, 0.082), (0.1, 0.128), (0.2, 0.14), (0.3, 0.1), (0.37, 0.058)]
JUG += [(0.43, 0.052), (0.46, 0.07), (0.475, 0.075)]
PEAR = [(0.0, 0.03), (0.01, 0.055), (0.05, 0.085), (0.09, 0.083), (0.14, 0.052), (0.18, 0.035)]
PEAR += [(0.205, 0.022), (0.215, 0.0)]
BALL = [(0.085 - 0.085 * np.cos(t), 0.088 * np.sin(t)) for t in np.linspace(0.12, 3.1, 24)]
CANDLE = [(0.0, 0.1), (0.012, 0.1), (0.022, 0.05), (0.035, 0.022), (0.09, 0.018), (0.1, 0.034)]
CANDLE += [(0.115, 0.034), (0.118, 0.022), (0.33, 0.021), (0.335, 0.016)]


@dataclass
class Plate:
    """Light and, for up to three sets of lines, the phase along which they are cut."""

    light: Array
    phase: Array
    cross: Array


def _turned_solid(
    plate: Plate, x: Array, y: Array, cx: float, base: float, profile: list[tuple[float, float]]
) -> Array:
    """A vessel or fruit turned about an upright axis, lit from the upper left."""
    heights, radii = zip(*profile, strict=True)
    up = base - y
    radius = np.interp(up, heights, radii)
    slope = np.interp(up, heights, np.gradient(radii, heights))
    across = (x - cx) / np.maximum(radius, 1e-4)
    # The foot and the rim are ellipses seen from a little above.
    sag = 0.28 * np.sqrt(np.clip(1 - across**2, 0, 1))
    inside = (np.abs(across) < 1) & (up > heights[0] - 0.3 * radii[0] * sag) & (up < heights[-1])
    nx, nz = across, np.sqrt(np.clip(1 - across**2, 0, 1))
    norm = np.sqrt(1 + slope**2)
    light = (-0.62 * nx + 0.52 * nz + 0.58 * -slope) / norm
    rim = 0.22 * np.exp(-(((across - 0.93) / 0.06) ** 2))  # reflected light in the shade
    plate.light = np.where(inside, np.clip(light, 0, 1) + rim, plate.light)
    plate.phase = np.where(inside, y + radius * sag, plate.phase)
    plate.cross = np.where(inside, 0.11 * np.arcsin(np.clip(across, -1, 1)) + 0.35 * y, plate.cross)
    return inside


def _cast(plate: Plate, x: Array, y: Array, cx: float, base: float, wide: float) -> None:
    """The shadow of a thing that stands on the table, thrown to the right."""
    dx, dy = (x - cx - 0.9 * wide) / (1.75 * wide), (y - base + 0.008) / (0.36 * wide)
    plate.light -= 0.62 * smoothstep(1.15, 0.55, np.hypot(dx, dy)) * (y > 0.62)


def _room(x: Array, y: Array) -> Plate:
    table = y > 0.64
    glow = np.hypot(x - FLAME[0], y - FLAME[1])
    light = 0.2 + 1.05 * np.exp(-glow / 0.17) + 0.16 * (fbm(x * 3, y * 3, 4, 3) - 0.5)
    light += 0.3 * np.exp(-(((x - 0.1) / 0.25) ** 2) - ((y - 0.1) / 0.3) ** 2)
    phase = glow  # rings of light round the candle
    cross = 0.72 * x - 0.72 * y
    wood = 0.82 - 0.25 * x + 0.5 * (fbm(x * 2, y * 26, 8, 3) - 0.5)
    light = np.where(table, wood - 1.2 * smoothstep(0.05, 0.0, y - 0.64) * 0.25, light)
    phase = np.where(table, y + 0.014 * fbm(x * 2.5, y * 9, 9, 3), phase)
    cross = np.where(table, 0.8 * x + 0.4 * y, cross)
    return Plate(light.astype(np.float32), phase.astype(np.float32), cross.astype(np.float32))


def _composition(x: Array, y: Array) -> tuple[Plate, Array]:
    plate = _room(x, y)
    things = ((0.37, 0.77, JUG), (0.8, 0.76, CANDLE), (0.62, 0.83, PEAR), (0.22, 0.87, BALL))
    things += ((0.46, 0.9, BALL),)
    for cx, base, profile in things:
        _cast(plate, x, y, cx, base, max(r for _, r in profile))
    outline = np.zeros(x.shape, np.float32)
    for cx, base, profile in things:
        smooth = _refined(profile)
        inside = _turned_solid(plate, x, y, cx, base, smooth)
        dy, dx = np.gradient(inside.astype(np.float32))
        outline = np.where(inside, 0, outline)
        outline = np.maximum(outline, np.hypot(dx, dy) > 0.3)
    flame = np.hypot((x - FLAME[0]) / 0.012, (y - FLAME[1]) / 0.03)
    plate.light = np.where(flame < 1, 1.3, plate.light)
    outline = np.maximum(outline, np.abs(flame - 1) < 0.07).astype(np.float32)
    return plate, outline


def _refined(profile: list[tuple[float, float]]) -> list[tuple[float, float]]:
    heights, radii = zip(*profile, strict=True)
    fine = np.linspace(heights[0], heights[-1], 160)
    return list(zip(fine, PchipInterpolator(heights, radii)(fine), strict=True))


def _cut(phase: Array, shade: Array, pitch: float, edge: float) -> Array:
    """Ink of one set of lines: the burin is pressed harder where it is darker."""
    ridge = np.abs((phase / pitch) % 1 - 0.5) * 2
    return smoothstep(-edge, edge, shade - ridge)


def draw(size: int, rng: np.random.Generator) -> Array:
    fine = 2
    x, y = coordinates(size * fine)
    plate, outline = _composition(x, y)
    tremble = 0.0007 * blurred_noise(rng, x.shape, 9 * size / 352)
    dark = np.clip(1 - plate.light, 0, 1) + 0.03 * blurred_noise(rng, x.shape, 3 * size / 352)
    pitch = 1 / 112
    edge = 1.4 / (pitch * size * fine)
    ink = _cut(plate.phase + tremble, 0.06 + 0.62 * dark, pitch, edge)
    ink = np.maximum(ink, _cut(plate.cross + tremble, 1.25 * (dark - 0.42), pitch, edge))
    third = 0.5 * (plate.phase + plate.cross) + tremble
    ink = np.maximum(ink, _cut(third, 1.5 * (dark - 0.74), pitch * 0.8, edge))
    ink = np.maximum(ink, np.clip(outline, 0, 1))
    ink = ink.reshape(size, fine, size, fine).mean((1, 3))
    sheet = (
        rgb("efe4cd")
        * (1 + 0.03 * paper(rng, size) + 0.02 * blurred_noise(rng, (size, size), 60 * size / 704))[
            ..., None
        ]
    )
    # Plate tone: a little ink is never wiped off.
    tone = 0.07 + 0.1 * smoothstep(0.35, 0.75, np.hypot(*(c - 0.5 for c in coordinates(size))))
    return np.clip(
        sheet + (rgb("211a17") - sheet) * np.maximum(0.93 * ink, tone)[..., None], 0, 1
    ).astype(np.float32)
