"""A night of whirling sky over a village, in thick curved strokes."""

import numpy as np

from .brush import Brush, follow
from .canvas import Point, coordinates, filled, palette, ramp, relief, rgb, sample, smoothstep, vary
from .noise import Array, fbm

MOON: Point = (0.76, 0.2)
STARS: tuple[tuple[float, float, float], ...] = (
    (0.1, 0.1, 0.035),
    (0.28, 0.2, 0.026),
    (0.46, 0.07, 0.03),
    (0.58, 0.3, 0.022),
    (0.93, 0.43, 0.028),
    (0.4, 0.44, 0.022),
    (0.94, 0.07, 0.022),
    (0.6, 0.13, 0.018),
)
LIGHTS = (*STARS, (*MOON, 0.07))
WHIRLS: tuple[tuple[float, float, float, float], ...] = (
    (0.49, 0.29, 0.085, 0.085),
    (0.31, 0.4, 0.06, -0.06),
    (0.83, 0.43, 0.05, 0.035),
)


def _stream(x: Array, y: Array) -> Array:
    """Stream function of the sky: the wind blows along its level lines."""
    value = y + 0.035 * np.sin(7 * x + 1) + 0.03 * (fbm(x * 4, y * 4, 3, 3) - 0.5)
    for cx, cy, radius, strength in WHIRLS:
        value += strength * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2)) * 3
    return value.astype(np.float32)


def _hills(x: Array) -> tuple[Array, Array, Array]:
    far = 0.63 - 0.07 * np.sin(4.2 * x + 0.4) - 0.03 * np.sin(11 * x)
    near = 0.71 + 0.04 * np.sin(5 * x + 2.6)
    ground = 0.8 - 0.05 * np.sin(3.1 * x + 0.2)
    return far, near, ground


def _sky(x: Array, y: Array) -> Array:
    stream = _stream(x, y)
    blues = palette("0d1f4f 17387f 2458a8 4f8fc4 9cc8d0 2f6db5 122a66 1d4a94 6fb0cf 16306f")
    color = ramp(blues, (stream * 2.4 + 0.25 * fbm(x * 5, y * 5, 8, 3)) % 1)
    glow = np.clip(1 - np.abs(y - 0.56 + 0.05 * np.sin(6 * x)) / 0.09, 0, 1)
    color += (rgb("bfd8c4") - color) * (0.65 * glow)[..., None]
    for cx, cy, radius in LIGHTS:
        away = np.hypot(x - cx, y - cy) / radius
        halo = ramp(palette("fffbe0 ffe98a ffc93c f3a52a a9c08a 3d7cb8"), away / 2.2)
        color += (halo - color) * smoothstep(2.3, 1.2, away)[..., None]
    return color


def _land(x: Array, y: Array, color: Array, angle: Array) -> tuple[Array, Array]:
    tones = (
        palette("1b3f6e 2f6a8f 58939c 244f80"),
        palette("1d4a4f 3f7a55 86a14f 27566a"),
        palette("15303a 3b5f2f 8f8b35 c79b3b 24443a"),
    )
    for level, tone, seed in zip(_hills(x), tones, (11, 12, 13), strict=True):
        below = y > level
        shade = ramp(tone, (3.2 * (y - level) + 1.1 * fbm(x * 5, y * 11, seed, 3)) % 1)
        slope = np.arctan(np.gradient(level, axis=1) / np.gradient(x, axis=1))
        color[below] = shade[below]
        angle[below] = (slope + 0.9 * (fbm(x * 3, y * 3, seed, 2) - 0.5))[below]
    return color, angle


def _village(size: int, rng: np.random.Generator, color: Array, angle: Array) -> None:
    walls = palette("33527f 5a6f8f 2a3f66 7d7f86")
    spots = sorted((rng.uniform(0.73, 0.84), rng.uniform(0.26, 0.97)) for _ in range(17))
    for y, x in [*spots, (0.81, 0.56)]:
        steeple = (y, x) == (0.81, 0.56)
        wide, tall = (0.018, 0.09) if steeple else (rng.uniform(0.022, 0.036), 0.034)
        top = y - tall
        peak = 0.1 if steeple else 0.03
        box = [(x - wide, y), (x - wide, top), (x + wide, top), (x + wide, y)]
        roof = [(x - 1.15 * wide, top), (x, top - peak), (x + 1.15 * wide, top)]
        body, cap = filled(size, box, 1) > 0.5, filled(size, roof, 1) > 0.5
        color[body] = walls[rng.integers(4)]
        color[cap] = rgb("8a3f2e") if rng.random() < 0.5 else rgb("25365f")
        angle[body] = np.pi / 2
        angle[cap] = rng.choice((-0.7, 0.7))
        pane = [(x - 0.3 * wide, y - 0.3 * tall), (x - 0.3 * wide, top + 0.012)]
        pane += [(x + 0.4 * wide, top + 0.012), (x + 0.4 * wide, y - 0.3 * tall)]
        color[filled(size, pane, 1) > 0.5] = rgb("ffc93c")


def _cypress(x: Array, y: Array, color: Array, angle: Array) -> None:
    for root, top, thick in ((0.115, 0.16, 0.075), (0.2, 0.43, 0.045)):
        rise = np.clip((y - top) / (1.02 - top), 0, 1)
        sway = root + 0.012 * np.sin(13 * y + 30 * root)
        ragged = 0.75 + 0.5 * fbm(x * 9, y * 24, 40, 2)
        inside = (np.abs(x - sway) < thick * np.sqrt(rise) * (1.25 - rise) * 1.3 * ragged) & (
            y > top
        )
        flame = fbm((x - sway) * 26, y * 5, 41, 3)
        greens = palette("0c1a1c 13302a 1f4a31 4a5f2a 2b2a24")
        color[inside] = ramp(greens, 2.2 * flame - 0.6)[inside]
        lean = np.arctan2(-1.0, 1.4 * (flame - 0.5) - 2 * (x - sway) / thick * 0.2)
        angle[inside] = lean[inside]


def _guide(size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    x, y = coordinates(size)
    down, right = np.gradient(_stream(x, y))
    angle = np.arctan2(-right, down).astype(np.float32)
    for cx, cy, radius in LIGHTS:  # round the stars the strokes run in rings
        near = np.hypot(x - cx, y - cy) < 2.3 * radius
        angle[near] = (np.arctan2(y - cy, x - cx) + np.pi / 2)[near]
    color, angle = _land(x, y, _sky(x, y), angle)
    _village(size, rng, color, angle)
    _cypress(x, y, color, angle)
    return np.clip(color, 0, 1), angle


def draw(size: int, rng: np.random.Generator) -> Array:
    color, angle = _guide(size, rng)
    brush = Brush(np.broadcast_to(rgb("1a2a55"), color.shape), rng)
    for count, width, length in ((1700, 0.03, 0.1), (5200, 0.0155, 0.065), (4800, 0.0095, 0.036)):
        x, y = rng.random((2, count), dtype=np.float32) * 1.04 - 0.02
        if width < 0.012:  # the last pass is for what is small: village, stars, cypress
            y = np.where(rng.random(count) < 0.6, 0.55 + 0.47 * y, y).astype(np.float32)
        xs, ys = follow(angle, x, y, length * rng.uniform(0.7, 1.3, count).astype(np.float32))
        paint = vary(sample(color, x, y), rng, 0.035, 0.025)
        tips = vary(paint, rng, 0.07, 0.02)
        for i in range(count):
            brush.stroke(xs[i], ys[i], width * rng.uniform(0.75, 1.25), paint[i], tips[i])
    for cx, cy, radius in LIGHTS:
        dab = np.linspace(-0.4, 0.4, 5, dtype=np.float32) * radius
        brush.stroke(
            cx + dab, cy - 0.2 * dab, max(0.5 * radius, 0.014), rgb("fffdf0"), rgb("fff3b0")
        )
    return relief(brush.color, brush.height, 0.4, 0.14)
