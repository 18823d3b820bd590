"""Painted landscapes: on plaster, in oil, in pastel, in gouache and in crayon."""

import numpy as np

from .brush import Brush, follow
from .canvas import (
    blur,
    coordinates,
    curve,
    disc,
    filled,
    lines,
    over,
    palette,
    paper,
    ramp,
    relief,
    rgb,
    sample,
    smoothstep,
    vary,
)
from .motifs import draw_lines, lay, ridge, ring
from .noise import Array, blurred_noise, fbm


def _painted(
    brush: Brush,
    guide: Array,
    angle: Array,
    passes: tuple[tuple[int, float, float], ...],
    rng: np.random.Generator,
    opacity: float = 1.0,
    light: float = 0.035,
) -> None:
    """Cover a canvas with strokes (count, width, length) in the guide's colours along `angle`."""
    for count, width, length in passes:
        x, y = rng.random((2, count), dtype=np.float32) * 1.04 - 0.02
        xs, ys = follow(angle, x, y, length * rng.uniform(0.6, 1.3, count).astype(np.float32))
        paint = vary(sample(guide, x, y), rng, light, 0.025)
        tips = vary(paint, rng, 2 * light, 0.02)
        for i in range(count):
            brush.stroke(xs[i], ys[i], width * rng.uniform(0.7, 1.3), paint[i], tips[i], opacity)


def fresco(size: int, rng: np.random.Generator) -> Array:
    """An arcade that opens on hills, on old plaster."""
    x, y = coordinates(size)
    view = ramp(palette("7fa3a8 a9c0b4 dccfa8 e8c795"), y * 1.5)
    clouds = smoothstep(0.52, 0.68, fbm(x * 3, y * 7, 11, 4)) * smoothstep(0.5, 0.2, y)
    view = over(view, rgb("efe3cb"), 0.7 * clouds)
    for level, height, seed, color in (
        (0.5, 0.08, 12, "8f9f95"),
        (0.58, 0.07, 13, "9c9a6a"),
        (0.68, 0.06, 14, "7d7f48"),
        (0.78, 0.05, 15, "a07f4a"),
    ):
        view = lay(view, ridge(level, height, seed, 2.4, 3), color)
    for cx, base, tall in (
        (0.24, 0.62, 0.17),
        (0.29, 0.64, 0.13),
        (0.62, 0.66, 0.2),
        (0.68, 0.68, 0.15),
        (0.76, 0.65, 0.12),
        (0.42, 0.6, 0.08),
    ):
        tree = curve(
            [
                (cx, base),
                (cx - 0.13 * tall, base - 0.3 * tall),
                (cx, base - tall),
                (cx + 0.13 * tall, base - 0.3 * tall),
            ]
        )
        view = over(view, rgb("3c4a2f"), filled(size, tree))
    for cx, base in ((0.5, 0.6), (0.54, 0.605), (0.58, 0.6)):
        view = lay(
            view,
            [
                (cx - 0.025, base),
                (cx - 0.025, base - 0.05),
                (cx + 0.025, base - 0.05),
                (cx + 0.025, base),
            ],
            "d9b78c",
        )
        view = lay(
            view,
            [(cx - 0.031, base - 0.048), (cx, base - 0.075), (cx + 0.031, base - 0.048)],
            "a8543a",
        )
    road = curve([(0.5, 1.0), (0.44, 0.86), (0.53, 0.76), (0.5, 0.68), (0.53, 0.62)], False)
    view = draw_lines(view, [road], 0.022, "dfc49a")
    wall = (
        np.broadcast_to(rgb("c98f63"), (size, size, 3))
        * (0.9 + 0.22 * fbm(x * 3, y * 3, 16, 4))[..., None]
    )
    openings = np.zeros((size, size), np.float32)
    frames = []
    for left, right in ((0.09, 0.47), (0.53, 0.91)):
        cx, r = 0.5 * (left + right), 0.5 * (right - left)
        arch = [(left, 0.86), *ring((cx, 0.33), r, 48)[24:], (right, 0.33), (right, 0.86)]
        openings = np.maximum(openings, filled(size, arch))
        frames.append((cx, r, arch))
    picture = over(wall, view, openings)
    for cx, r, arch in frames:
        picture = draw_lines(picture, [arch], 0.03, "e2cba0")
        picture = draw_lines(picture, [arch], 0.008, "8a4a33")
        stones = [
            [
                (cx + r * np.cos(t), 0.33 + r * np.sin(t)),
                (cx + (r + 0.06) * np.cos(t), 0.33 + (r + 0.06) * np.sin(t)),
            ]
            for t in np.linspace(np.pi, 2 * np.pi, 13)
        ]
        picture = draw_lines(picture, stones, 0.004, "8a4a33")
    for cx in (0.05, 0.5, 0.95):
        picture = lay(
            picture,
            [(cx - 0.03, 0.9), (cx - 0.024, 0.36), (cx + 0.024, 0.36), (cx + 0.03, 0.9)],
            "dcc6a2",
        )
        flutes = [[(cx + dx, 0.88), (cx + 0.85 * dx, 0.38)] for dx in (-0.016, 0, 0.016)]
        picture = draw_lines(picture, flutes, 0.0045, "a98a66")
        for top, wide in ((0.34, 0.045), (0.9, 0.05)):
            picture = lay(
                picture,
                [
                    (cx - wide, top + 0.03),
                    (cx - 0.8 * wide, top),
                    (cx + 0.8 * wide, top),
                    (cx + wide, top + 0.03),
                ],
                "b9653f",
            )
        picture = over(picture, rgb("4a5f86"), disc(x, y, (cx, 0.2), 0.05))
        picture = draw_lines(picture, [[*ring((cx, 0.2), 0.05), (cx + 0.05, 0.2)]], 0.007, "e2cba0")
        petals = [
            [(cx, 0.2), (cx + 0.035 * np.cos(t), 0.2 + 0.035 * np.sin(t))]
            for t in np.linspace(0, 2 * np.pi, 8, endpoint=False)
        ]
        picture = draw_lines(picture, petals, 0.009, "d8ac5a")
    floor = (
        np.floor((x - 0.5) / (0.05 + 0.9 * np.clip(y - 0.9, 0, 1)) * 0.35)
        + np.floor((y - 0.9) * 34)
    ) % 2
    tiles = np.where(floor[..., None] > 0, rgb("8a4a33"), rgb("d9c39c"))
    picture = over(picture, tiles, smoothstep(0.925, 0.927, y))
    picture = draw_lines(
        picture, [[(0, 0.925), (1, 0.925)], [(0, 0.06), (1, 0.06)]], 0.008, "5f3a2c"
    )
    frieze = smoothstep(0.06, 0.058, y) * (
        np.abs(np.sin(np.pi * 12 * x)) > 0.35 + 8 * np.abs(y - 0.03)
    )
    picture = over(picture, rgb("4a5f86"), frieze.astype(np.float32))
    brush = Brush(picture, rng, 1.3)
    angle = (1.2 * (fbm(x * 2, y * 2, 17, 3) - 0.5)).astype(np.float32)
    _painted(
        brush, blur(picture, 0.8), angle, ((2600, 0.014, 0.05), (2200, 0.007, 0.03)), rng, 0.5, 0.03
    )
    picture = over(picture, brush.color, 0.75)
    faded = smoothstep(0.5, 0.72, fbm(x * 4, y * 4, 18, 5))
    picture = over(picture, rgb("e5d6b8"), 0.5 * faded)
    lost = smoothstep(0.665, 0.68, fbm(x * 5 + 3, y * 5, 19, 6))
    picture = over(picture, rgb("d8c7a6"), 0.9 * lost)
    field = fbm(x * 4 + 0.25 * fbm(x * 14, y * 14, 20, 3), y * 4, 21, 4)
    crack = smoothstep(0.006, 0.0015, np.abs(field - 0.5)) * (fbm(x * 3, y * 3, 22, 2) > 0.45)
    picture = over(picture, rgb("4d3a2c"), 0.75 * crack)
    rough = (
        3 * fbm(x * 30, y * 30, 23, 3)
        + 0.7 * blurred_noise(rng, (size, size), 1.0)
        - 2.5 * lost
        - 1.5 * crack
    )
    return relief(picture, rough.astype(np.float32), 0.17)


def wheatfield(size: int, rng: np.random.Generator) -> Array:
    """Wind in ripe wheat under rolling clouds: thick short strokes that follow the wind."""
    x, y = coordinates(size)
    curl = y + 0.05 * np.sin(6 * x) + 0.04 * (fbm(x * 3, y * 3, 31, 3) - 0.5)
    for cx, cy, r, s in (
        (0.3, 0.2, 0.1, 0.16),
        (0.68, 0.13, 0.08, -0.13),
        (0.9, 0.3, 0.07, 0.1),
        (0.52, 0.36, 0.05, 0.06),
    ):
        curl += s * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * r * r)) * 2
    down, right = np.gradient(curl)
    angle = np.arctan2(-right, down).astype(np.float32)
    guide = ramp(
        palette("4f9a9e 8fc3b5 e9efd2 6fb0ae b6d3b8 f4ecd0 5aa3a6"),
        (curl * 3.1 + 0.2 * fbm(x * 6, y * 6, 32, 3)) % 1,
    )
    hills = filled(size, ridge(0.5, 0.06, 33, 2.2, 3)) > 0.5
    guide[hills] = ramp(palette("5d7fa3 86a2a8 6a8f84"), fbm(x * 6, y * 14, 34, 3))[hills]
    land = y > 0.55 + 0.03 * np.sin(5 * x + 1)
    wave = fbm(x * 3, y * 8 - 2 * x, 35, 3)
    gold = ramp(palette("a8631c d99a2b f2c64a fbe48a e0a83a c47a24"), (2.2 * wave + 0.8 * y) % 1)
    guide[land] = gold[land]
    angle = np.where(
        land, -1.15 + 1.3 * (wave - 0.5) + 0.5 * np.sin(7 * x), np.where(hills, 0.2, angle)
    ).astype(np.float32)
    path = (
        smoothstep(0.02 + 0.14 * (y - 0.56), 0.0, np.abs(x - 0.46 - 0.16 * np.sin(5.5 * (y - 0.5))))
        * land
    )
    guide = over(guide, rgb("9a5a3c"), 0.85 * path)
    for cx, base, tall, wide in (
        (0.8, 0.63, 0.34, 0.05),
        (0.89, 0.66, 0.25, 0.04),
        (0.13, 0.6, 0.16, 0.032),
    ):
        rise = np.clip((base - y) / tall, 0, 1)
        inside = (
            (
                np.abs(x - cx - 0.015 * np.sin(16 * y))
                < wide * np.sqrt(np.clip(1 - rise, 0, 1)) * (0.6 + 0.6 * fbm(x * 20, y * 30, 36, 2))
            )
            & (y < base)
            & (y > base - tall)
        )
        guide[inside] = ramp(
            palette("1c3b2c 2f5f38 5a7f35 1a2f33"), fbm((x - cx) * 40, y * 7, 37, 2)
        )[inside]
        angle[inside] = (-1.4 + 0.8 * (fbm(x * 20, y * 6, 38, 2) - 0.5))[inside]
    for cx, base in ((0.3, 0.575), (0.36, 0.57)):
        guide = lay(
            guide,
            [
                (cx - 0.03, base),
                (cx - 0.03, base - 0.035),
                (cx + 0.03, base - 0.035),
                (cx + 0.03, base),
            ],
            "f1e7d6",
        )
        guide = lay(
            guide,
            [(cx - 0.036, base - 0.033), (cx, base - 0.06), (cx + 0.036, base - 0.033)],
            "c2472f",
        )
    poppies = rng.uniform((0.0, 0.66), (1.0, 1.0), (110, 2))
    brush = Brush(np.broadcast_to(rgb("c98a3a"), guide.shape), rng, 1.2)
    _painted(
        brush, guide, angle, ((900, 0.034, 0.11), (3000, 0.017, 0.065), (2600, 0.01, 0.035)), rng
    )
    ears = rng.uniform((0.0, 0.62), (1.0, 1.02), (500, 2)).astype(np.float32)
    for ex, ey in ears[np.argsort(ears[:, 1])]:
        t = np.linspace(0, 1, 5, dtype=np.float32)
        tall = 0.02 + 0.13 * (ey - 0.58)
        lean = 0.5 * np.sin(7 * ex) + 0.2 * rng.standard_normal()
        tone = palette("fbe9a2 f3cf5c b06f22 7f8a3a")[rng.integers(4)]
        brush.stroke(
            ex + tall * lean * t * t, ey - tall * t, 0.005 + 0.007 * (ey - 0.6), tone, tone
        )
    for px, py in poppies:
        r = 0.005 + 0.014 * (py - 0.6)
        t = np.linspace(-1, 1, 5, dtype=np.float32)
        brush.stroke(
            (px + r * t).astype(np.float32),
            (py - 0.4 * r * t * t).astype(np.float32),
            1.6 * r,
            rgb("d8321f"),
            rgb("f0683a"),
        )
    return relief(brush.color, brush.height, 0.42, 0.12)


def pastel(size: int, rng: np.random.Generator) -> Array:
    """Water lilies at evening, in soft chalk on violet paper."""
    x, y = coordinates(size)
    deep = fbm(x * 2.5, y * 6, 41, 4)
    guide = ramp(
        palette("3f5f8f 5f6fa8 8a7fb8 c79fc0 f0b8a8 f7d4a0"),
        0.9 * deep + 0.75 * np.exp(-(((x - 0.55) / 0.25) ** 2) - ((y - 0.3) / 0.3) ** 2) - 0.2,
    )
    willow = smoothstep(0.5, 0.66, fbm(x * 12, y * 1.5, 42, 3)) * smoothstep(0.75, 0.1, y)
    guide = over(guide, rgb("3f6f6a"), 0.75 * willow)
    angle = np.where(willow > 0.4, np.pi / 2, 0.12 * np.sin(9 * y)).astype(np.float32)
    for cx, cy, r in (
        (0.2, 0.86, 0.15),
        (0.46, 0.93, 0.13),
        (0.78, 0.84, 0.16),
        (0.33, 0.7, 0.1),
        (0.6, 0.72, 0.11),
        (0.88, 0.66, 0.08),
        (0.12, 0.62, 0.08),
        (0.47, 0.57, 0.07),
        (0.7, 0.55, 0.06),
        (0.28, 0.5, 0.05),
    ):
        shape = ring((cx, cy), r, 40, 0.36)
        notch = [*shape[2:], (cx, cy)]
        guide = over(
            guide,
            rgb("2d4f6a"),
            0.5 * blur(filled(size, [(px + 0.01, py + 0.022) for px, py in shape]), 4),
        )
        tint = ramp(
            palette("2f7f6a 6fae7f b8cf8a"),
            fbm(x * 9, y * 20, 43, 3) + 0.5 * (cy + 0.36 * r - y) / r,
        )
        guide = over(guide, tint, filled(size, notch))
    for cx, cy, r in (
        (0.24, 0.8, 0.06),
        (0.73, 0.78, 0.07),
        (0.58, 0.68, 0.045),
        (0.35, 0.655, 0.035),
        (0.87, 0.63, 0.03),
        (0.48, 0.885, 0.05),
    ):
        for layer, colors in ((1.0, ("e98fb0", "f3b3c6")), (0.7, ("f9d3da", "fdf0ec"))):
            for k, t in enumerate(np.linspace(-2.9, -0.25, 9)):
                tip = (cx + layer * r * np.cos(t), cy + layer * r * np.sin(t))
                s = 0.2 * r
                petal = curve(
                    [
                        (cx, cy),
                        (0.5 * (cx + tip[0]) - s * np.sin(t), 0.5 * (cy + tip[1]) + s * np.cos(t)),
                        tip,
                        (0.5 * (cx + tip[0]) + s * np.sin(t), 0.5 * (cy + tip[1]) - s * np.cos(t)),
                    ]
                )
                guide = lay(guide, petal, colors[k % 2])
        guide = over(guide, rgb("f7c948"), disc(x, y, (cx, cy - 0.15 * r), 0.2 * r, 0.004))
    ground = np.broadcast_to(rgb("6f6288"), guide.shape) * (1 + 0.05 * paper(rng, size))[..., None]
    brush = Brush(ground, rng, 2.6)
    _painted(brush, guide, angle, ((700, 0.045, 0.12), (2300, 0.018, 0.07)), rng, 0.85, 0.04)
    _painted(brush, guide, angle, ((3600, 0.0075, 0.035),), rng, 0.8, 0.05)
    tooth = smoothstep(0.7, 2.0, blurred_noise(rng, (size, size), 0.8 * size / 512))
    picture = over(brush.color, guide, 0.3)
    return np.clip(over(picture, rgb("6f6288"), 0.45 * tooth), 0, 1).astype(np.float32)


def gouache(size: int, rng: np.random.Generator) -> Array:
    """A mountain lake at dawn in flat opaque layers with brushed edges."""
    x, y = coordinates(size)
    picture = ramp(
        palette("2f5f7f 5f93a0 f0b78f f7d9a8"),
        np.clip(y / 0.55 + 0.06 * (fbm(x * 2, y * 9, 51, 3) - 0.5), 0, 1),
    )
    picture = over(picture, rgb("fdf0cf"), disc(x, y, (0.64, 0.36), 0.06, 0.003))
    ragged = 0.006 * (fbm(x * 60, y * 60, 52, 2) - 0.5)
    for cy, seed, color in ((0.13, 53, "8fb0b0"), (0.22, 54, "e8a893"), (0.3, 55, "f6cba6")):
        bank = smoothstep(0.0, 0.008, fbm(x * 2.2, y * 9, seed, 4) - 0.56) * smoothstep(
            0.09, 0.05, np.abs(y - cy)
        )
        picture = over(picture, rgb(color), 0.9 * bank)
    for level, height, seed, scale, color, snow in (
        (0.38, 0.16, 56, 2.4, "6f86a3", "f3e3dc"),
        (0.46, 0.1, 57, 3.0, "466a86", ""),
        (0.54, 0.06, 58, 4.0, "2c5064", ""),
    ):
        land = ridge(level, height, seed, scale, 5)
        mask = filled(size, [(px, py) for px, py in land])
        mask = smoothstep(0.45, 0.55, mask + 20 * ragged * (mask - mask**2) * 4)
        wash = (0.94 + 0.13 * fbm(x * 5, y * 22, seed, 3))[..., None]
        picture = over(picture, rgb(color) * wash, mask)
        if snow:
            top = np.interp(x[0], [p[0] for p in land[:-2]], [p[1] for p in land[:-2]])
            cap = (
                smoothstep(0.075, 0.065, y - top[None] + 0.09 * (fbm(x * 12, y * 12, 59, 3) - 0.4))
                * mask
            )
            lit = fbm(x * 9 + 5 * y, y * 6, 60, 3) > 0.5
            picture = over(picture, np.where(lit[..., None], rgb(snow), rgb("b9c3d6")), cap)
    firs = []
    for cx in np.arange(0.0, 1.02, 0.021):
        tall = (
            0.05
            + 0.05 * abs(np.sin(40 * cx))
            + 0.05 * smoothstep(0.3, 0.0, min(cx, 1 - cx) * np.ones(1))[0]
        )
        firs.append((cx, 0.6, tall))
    for cx, base, tall in firs:
        for k in range(3):
            wide, low = 0.24 * tall * (1 - 0.25 * k), base - 0.28 * k * tall
            picture = lay(
                picture,
                [(cx - wide, low), (cx, low - 0.5 * tall), (cx + wide, low)],
                ("17323d", "1f4248")[int(cx * 97) % 2],
            )
    mirror = picture[
        np.clip((2 * 0.6 - y) * size, 0, size - 1).astype(int),
        np.clip((x + 0.012 * (fbm(x * 6, y * 60, 61, 3) - 0.5)) * size, 0, size - 1).astype(int),
    ]
    lake = y > 0.6
    water = 0.78 * mirror + 0.22 * rgb("2a6478")
    picture = np.where(lake[..., None], water, picture)
    glints = smoothstep(0.62, 0.65, fbm(x * 7, y * 70, 62, 3)) * lake
    picture = over(picture, rgb("fbe3bb"), 0.85 * glints * np.exp(-(((x - 0.64) / 0.16) ** 2)))
    picture = over(
        picture, rgb("1b4656"), 0.5 * smoothstep(0.6, 0.64, fbm(x * 6, y * 55, 63, 3)) * lake
    )
    shore = ridge(0.93, 0.05, 64, 2.5, 3)
    picture = lay(picture, shore, "243b2f")
    blades, tones = [[] for _ in range(5)], ("4f7a46", "7f9a4f", "2f5a3c", "b8a85a", "d9764f")
    for _ in range(420):
        gx, gy = rng.random(), 0.91 + 0.11 * rng.random()
        tall, lean = rng.uniform(0.02, 0.08), rng.normal(0, 0.3)
        blades[rng.integers(5)].append(
            curve(
                [
                    (gx, gy),
                    (gx + 0.3 * lean * tall, gy - 0.6 * tall),
                    (gx + lean * tall, gy - tall),
                ],
                False,
                4,
            )
        )
    for paths, tone in zip(blades, tones, strict=True):
        picture = draw_lines(picture, paths, 0.0045, tone)
    boat = curve([(0.2, 0.745), (0.25, 0.768), (0.35, 0.768), (0.4, 0.742), (0.3, 0.755)])
    picture = lay(picture, [(px, 1.53 - py) for px, py in boat], "17323d", 0.5)
    picture = lay(picture, boat, "c2472f")
    brush = Brush(picture, rng, 1.2)
    _painted(
        brush,
        picture,
        (0.25 * (fbm(x * 3, y * 3, 65, 2) - 0.5)).astype(np.float32),
        ((1500, 0.02, 0.07), (2200, 0.008, 0.03)),
        rng,
        0.5,
        0.022,
    )
    picture = over(picture, brush.color, 0.7)
    return np.clip(picture * (1 + 0.02 * paper(rng, size))[..., None], 0, 1).astype(np.float32)


def crayon(size: int, rng: np.random.Generator) -> Array:
    """A house, a rainbow, a tree and the sun, as a child draws them in wax on white paper."""
    x, y = coordinates(size)
    sheet = np.broadcast_to(rgb("fbf8f0"), (size, size, 3)).astype(np.float32).copy()
    tooth = 0.6 * blurred_noise(rng, (size, size), 0.8 * size / 512) + 0.5 * blurred_noise(
        rng, (size, size), 1.7 * size / 512
    )
    picture = sheet

    def scribble(
        mask: Array, color: str, turn: float, step: float = 0.011, press: float = 0.5
    ) -> None:
        nonlocal picture
        paths = []
        c, s = np.cos(turn), np.sin(turn)
        for i, off in enumerate(np.arange(-1.0, 1.0, step)):
            along = np.linspace(-1, 1, 46) * (1 if i % 2 else -1)
            wob = 0.004 * np.cumsum(rng.standard_normal(46)) * 0.28
            px, py = 0.5 + c * along - s * (off + wob), 0.5 + s * along + c * (off + wob)
            paths += [*zip(px.tolist(), py.tolist(), strict=True)]
        hatch = lines(size, [paths], [0.0115])
        wax = np.clip(press + 0.42 * tooth + 0.3, 0, 1) * hatch
        tone = vary(rgb(color)[None], rng, 0.01, 0.01)[0]
        picture = picture * (1 - (mask * wax)[..., None] * (1 - tone))

    def outline(path: list[tuple[float, float]], color: str, width: float = 0.009) -> None:
        nonlocal picture
        for _ in range(2):
            shaken = [
                (px + 0.003 * rng.standard_normal(), py + 0.003 * rng.standard_normal())
                for px, py in path
            ]
            line = lines(
                size, [shaken if len(path) < 6 else curve(shaken, False, 4)], [width]
            ) * np.clip(0.75 + 0.5 * tooth, 0, 1)
            picture = picture * (1 - line[..., None] * (1 - rgb(color)))

    sky = smoothstep(0.66, 0.58, y)
    scribble(sky, "8fd0f5", 0.15, 0.0125, 0.25)
    for i, color in enumerate(("e8453c", "f58a2e", "fbd33b", "57b85a", "3f86d8", "8a5fc0")):
        r = 0.47 - 0.035 * i
        band = smoothstep(0.019, 0.016, np.abs(np.hypot(x - 0.5, (y - 0.66) * 1.05) - r)) * (
            y < 0.66
        )
        picture = over(picture, sheet, 0.9 * band)
        scribble(band, color, 0.8 + 0.2 * i, 0.0105, 0.75)
    sun = disc(x, y, (0.1, 0.1), 0.085)
    picture = over(picture, sheet, sun)
    scribble(sun, "fbc62d", 0.6, 0.01, 0.9)
    for t in np.linspace(0, 2 * np.pi, 13)[:-1]:
        outline(
            [
                (0.1 + 0.1 * np.cos(t), 0.1 + 0.1 * np.sin(t)),
                (0.1 + 0.15 * np.cos(t), 0.1 + 0.15 * np.sin(t)),
            ],
            "f5a623",
            0.012,
        )
    for cx, cy in ((0.42, 0.12), (0.8, 0.16)):
        cloud = np.maximum.reduce(
            [
                disc(x, y, (cx + dx, cy + dy), r)
                for dx, dy, r in (
                    (0, 0, 0.05),
                    (0.05, -0.02, 0.05),
                    (0.1, 0.005, 0.045),
                    (-0.05, 0.01, 0.035),
                )
            ]
        )
        picture = over(picture, sheet, cloud)
        scribble(cloud, "c9dcf0", 0.3, 0.013, 0.05)
    hill = filled(
        size,
        curve(
            [
                (-0.05, 0.66),
                (0.25, 0.6),
                (0.5, 0.68),
                (0.8, 0.61),
                (1.05, 0.67),
                (1.05, 1.05),
                (-0.05, 1.05),
            ]
        ),
    )
    picture = over(picture, sheet, hill)
    scribble(hill, "7fc64a", -0.35, 0.0115, 0.55)
    scribble(hill * smoothstep(0.75, 1.0, y), "3f9a3f", 0.5, 0.016, 0.3)
    wall = [(0.47, 0.86), (0.47, 0.58), (0.76, 0.58), (0.76, 0.86)]
    roof = [(0.43, 0.59), (0.615, 0.4), (0.8, 0.59)]
    door = [(0.57, 0.86), (0.57, 0.7), (0.65, 0.7), (0.65, 0.86)]
    chimney = [(0.68, 0.46), (0.68, 0.38), (0.73, 0.38), (0.73, 0.5)]
    for shape, color, turn in (
        (chimney, "a8643c", 0.1),
        (wall, "f7c6a0", 1.4),
        (roof, "e0483e", 0.75),
        (door, "8a5a34", 1.5),
    ):
        mask = filled(size, shape)
        picture = over(picture, sheet, mask)
        scribble(mask, color, turn, 0.0105, 0.75)
        outline([*shape, shape[0]], "3a3550")
    for wx in (0.49, 0.67):
        pane = [(wx, 0.72), (wx, 0.64), (wx + 0.07, 0.64), (wx + 0.07, 0.72)]
        mask = filled(size, pane)
        picture = over(picture, sheet, mask)
        scribble(mask, "ffe98a", 0.4, 0.011, 0.7)
        outline([*pane, pane[0]], "3a5fb0")
        outline([(wx + 0.035, 0.64), (wx + 0.035, 0.72)], "3a5fb0", 0.006)
        outline([(wx, 0.68), (wx + 0.07, 0.68)], "3a5fb0", 0.006)
    smoke = [(0.705 + 0.03 * np.sin(1.7 * i) + 0.012 * i, 0.36 - 0.022 * i) for i in range(9)]
    outline(smoke, "8a8aa0", 0.011)
    trunk = filled(size, [(0.2, 0.88), (0.22, 0.6), (0.26, 0.6), (0.29, 0.88)])
    picture = over(picture, sheet, trunk)
    scribble(trunk, "8a5a34", 1.5, 0.0105, 0.85)
    crown = np.maximum.reduce(
        [
            disc(x, y, (0.24 + dx, 0.5 + dy), r)
            for dx, dy, r in (
                (0, -0.06, 0.1),
                (-0.08, 0.03, 0.085),
                (0.085, 0.03, 0.085),
                (0, 0.06, 0.09),
            )
        ]
    )
    picture = over(picture, sheet, crown)
    scribble(crown, "2f9a4f", 0.9, 0.0105, 0.7)
    scribble(crown * smoothstep(0.2, 0.36, x), "1c6f4a", -0.6, 0.017, 0.35)
    for ax, ay in ((0.2, 0.45), (0.28, 0.42), (0.17, 0.53), (0.31, 0.53), (0.25, 0.55)):
        apple = disc(x, y, (ax, ay), 0.017)
        picture = over(picture, rgb("e0352f"), apple * np.clip(0.8 + 0.3 * tooth, 0, 1))
    for fx, fy, color in (
        (0.08, 0.8, "e8453c"),
        (0.4, 0.92, "8a5fc0"),
        (0.87, 0.82, "f58a2e"),
        (0.93, 0.93, "e85f9a"),
        (0.14, 0.94, "3f86d8"),
        (0.52, 0.95, "e8453c"),
        (0.75, 0.94, "fbd33b"),
    ):
        outline([(fx, fy + 0.055), (fx + 0.004, fy)], "2f7f3a", 0.008)
        for t in np.linspace(0, 2 * np.pi, 6)[:-1]:
            petal = disc(x, y, (fx + 0.017 * np.cos(t), fy + 0.017 * np.sin(t)), 0.012)
            picture = over(picture, rgb(color), petal * np.clip(0.8 + 0.3 * tooth, 0, 1))
        picture = over(picture, rgb("fbd33b"), disc(x, y, (fx, fy), 0.009))
    return np.clip(picture * (1 + 0.01 * tooth)[..., None], 0, 1).astype(np.float32)
