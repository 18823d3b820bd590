"""Printed flat: posters, spot colours, dots, dyes and sunlight."""

import numpy as np

from .canvas import (
    Point,
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
    rgb,
    smoothstep,
)
from .motifs import BIRD, LEAF, WING, draw_lines, lay, ridge, ring, smooth, spray, turned
from .noise import Array, blurred_noise, fbm


def _dots(x: Array, y: Array, value: Array, pitch: float, turn: float) -> Array:
    """Coverage of a screen of round dots whose area grows with `value`."""
    u = (np.cos(turn) * x + np.sin(turn) * y) / pitch
    v = (np.cos(turn) * y - np.sin(turn) * x) / pitch
    away = np.hypot(u % 1 - 0.5, v % 1 - 0.5)
    edge = 0.5 / (pitch * len(x))
    return smoothstep(edge, -edge, away - 0.62 * np.sqrt(np.clip(value, 0, 1)))


def risograph(size: int, rng: np.random.Generator) -> Array:
    """A plant in a pot before a low sun: pink, blue and yellow ink a little out of register."""
    x, y = coordinates(size)
    ground = rgb("f6f1e4") * (1 + 0.012 * paper(rng, size))[..., None]
    blank = np.zeros((size, size), np.float32)
    sun = disc(x, y, (0.63, 0.36), 0.24)
    hills = filled(size, ridge(0.62, 0.09, 21, 2.0, 2))
    table = (y > 0.82).astype(np.float32)
    yellow = np.maximum(0.9 * sun, 0.45 * table)
    pink = np.maximum(blank, sun * smoothstep(0.2, 0.6, y) * 0.9)
    pink = np.maximum(pink, 0.75 * smoothstep(0.0, 0.75, 0.72 - y) * (1 - sun) * 0.7)
    pot = filled(size, [(0.3, 0.68), (0.34, 0.9), (0.52, 0.9), (0.56, 0.68)])
    rim = filled(size, [(0.28, 0.64), (0.28, 0.7), (0.58, 0.7), (0.58, 0.64)])
    pink = np.maximum(pink * (1 - pot), np.maximum(pot, rim) * 0.95)
    blue = np.maximum(0.45 * hills * smoothstep(0.95, 0.6, y), 0.3 * table)
    blue *= 1 - np.maximum(pot, rim)
    blue = np.maximum(blue, pot * smoothstep(0.44, 0.56, x) * 0.6)
    for lean, long, wide in (
        (-0.75, 0.5, 0.13),
        (-0.35, 0.62, 0.14),
        (0.05, 0.6, 0.12),
        (0.45, 0.55, 0.14),
        (0.9, 0.45, 0.12),
        (-1.15, 0.36, 0.1),
        (1.25, 0.32, 0.1),
    ):
        base = (0.43 + 0.05 * lean, 0.66)
        tip = (base[0] + long * np.sin(lean), base[1] - long * np.cos(lean))
        side = np.array([np.cos(lean), np.sin(lean)]) * wide * 0.5
        mid = (0.5 * (base[0] + tip[0]) + 0.04 * np.sign(lean), 0.5 * (base[1] + tip[1]) - 0.03)
        blade = curve(
            [base, (mid[0] - side[0], mid[1] - side[1]), tip, (mid[0] + side[0], mid[1] + side[1])]
        )
        shape = filled(size, blade)
        vein = lines(size, [curve([base, mid, tip], False)], [0.006])
        half = smoothstep(0.0, 0.05, (x - mid[0]) * np.cos(lean) + (y - mid[1]) * np.sin(lean))
        blue = blue * (1 - shape) + shape * (0.95 - 0.42 * half) * (1 - vein)
        yellow = np.maximum(yellow * (1 - shape), shape * (0.9 - 0.5 * half))
        pink = pink * (1 - shape) + 0.1 * shape
    stripes = ((x - 0.2 * y) * 24 % 1 < 0.4) * table * (1 - np.maximum(pot, rim))
    pink = np.maximum(pink, 0.85 * stripes)
    picture = ground
    inks = (
        (yellow, "ffd83a", (2, -1), 0.3),
        (pink, "ff5c8d", (-2, 2), 0.9),
        (blue, "1f6fa8", (1, 1), 1.5),
    )
    for ink, color, slip, turn in inks:
        worn = (
            1
            + 0.1 * blurred_noise(rng, (size, size), 1.1)
            + 0.04 * blurred_noise(rng, (size, size), 20)
        )
        solid = smoothstep(0.82, 0.9, ink)
        screen = np.maximum(solid, _dots(x, y, ink, 1 / 88, turn) * (ink > 0.03))
        screen = np.roll(screen, slip, (0, 1)) * np.clip(0.93 * worn, 0, 1)
        picture = picture * (1 - screen[..., None] * (1 - rgb(color)))
    return np.clip(picture, 0, 1).astype(np.float32)


def pop_art(size: int, rng: np.random.Generator) -> Array:
    """A parrot on a burst, in dots and fat outlines."""
    x, y = coordinates(size)
    turn = np.arctan2(y - 0.5, x - 0.52)
    away = np.hypot(x - 0.52, y - 0.5)
    picture = np.broadcast_to(rgb("fdf6e3"), (size, size, 3)).astype(np.float32)
    rays = (np.floor(turn / (2 * np.pi) * 32) % 2) == 0
    picture = over(picture, rgb("ffd400"), rays.astype(np.float32))
    fade = 1.05 - 1.3 * away
    picture = over(picture, rgb("f0432e"), _dots(x, y, np.clip(0.75 - fade, 0, 0.8), 1 / 46, 0.4))
    spikes = [
        (0.52 + r * np.cos(t), 0.5 + 0.86 * r * np.sin(t))
        for i, t in enumerate(np.linspace(0, 2 * np.pi, 36, endpoint=False))
        for r in [0.47 if i % 2 else 0.34 + 0.03 * (i % 3)]
    ]
    picture = lay(picture, [(px + 0.018, py + 0.022) for px, py in spikes], "141414")
    picture = lay(picture, spikes, "27b4e8")
    picture = draw_lines(picture, [[*spikes, spikes[0]]], 0.011, "141414")
    picture = over(
        picture,
        rgb("ffffff"),
        filled(size, spikes) * _dots(x, y, np.clip(1.1 - 3.2 * away, 0, 0.75), 1 / 40, 0.8),
    )
    body = curve(
        [
            (0.3, 0.93),
            (0.34, 0.6),
            (0.4, 0.38),
            (0.47, 0.24),
            (0.6, 0.19),
            (0.68, 0.28),
            (0.66, 0.42),
            (0.64, 0.6),
            (0.52, 0.8),
            (0.42, 0.99),
        ]
    )
    face = curve(
        [(0.52, 0.27), (0.6, 0.225), (0.665, 0.28), (0.65, 0.38), (0.57, 0.4), (0.52, 0.35)]
    )
    beak = curve(
        [(0.64, 0.265), (0.74, 0.28), (0.775, 0.38), (0.73, 0.47), (0.72, 0.4), (0.66, 0.38)]
    )
    lower = curve([(0.65, 0.39), (0.71, 0.41), (0.7, 0.46), (0.65, 0.44)])
    wing = curve(
        [
            (0.42, 0.45),
            (0.53, 0.44),
            (0.57, 0.56),
            (0.53, 0.72),
            (0.42, 0.88),
            (0.36, 0.94),
            (0.37, 0.7),
        ]
    )
    second = curve([(0.4, 0.62), (0.54, 0.58), (0.54, 0.7), (0.44, 0.86), (0.36, 0.96)])
    crest = [
        curve([(0.5, 0.24), (0.5 + dx, 0.2 + dy), (0.56, 0.2)])
        for dx, dy in ((-0.1, -0.02), (-0.06, -0.09), (0.01, -0.12))
    ]
    for shape, color in (
        (lower, "3a3a3a"),
        *((c, "ffd400") for c in crest),
        (body, "f0432e"),
        (face, "fdf6e3"),
        (beak, "ffb000"),
        (wing, "1fa35b"),
        (second, "1c4fd0"),
    ):
        picture = lay(picture, shape, color)
        if color in ("f0432e", "1fa35b"):
            shade = filled(size, shape) * _dots(
                x, y, np.clip(1.6 * (0.62 - x) + 0.3 * y - 0.2, 0, 0.7), 1 / 52, 1.1
            )
            picture = over(picture, rgb("8c1218" if color == "f0432e" else "0b4a2b"), shade)
        picture = draw_lines(picture, [[*shape, shape[0]]], 0.0125, "141414")
    feathers = [
        curve([(0.41 + dx, 0.56 + dy), (0.45 + dx, 0.6 + dy), (0.49 + dx, 0.56 + dy)], False)
        for dx, dy in ((0, 0), (0.05, -0.05), (0.04, 0.04), (0.0, 0.1), (0.06, 0.12))
    ]
    feathers += [
        curve([(0.55 + dx, 0.5 + dy), (0.58 + dx, 0.52 + dy), (0.61 + dx, 0.49 + dy)], False)
        for dx, dy in ((0, 0), (0.02, 0.06), (-0.01, 0.12), (0.03, -0.05))
    ]
    picture = draw_lines(picture, feathers, 0.008, "141414")
    for radius, color in ((0.032, "141414"), (0.024, "ffffff"), (0.013, "141414")):
        picture = over(picture, rgb(color), disc(x, y, (0.603, 0.3), radius))
    shine = [curve([(0.7, 0.3), (0.735, 0.33), (0.75, 0.38)], False)]
    picture = draw_lines(picture, shine, 0.009, "ffffff")
    return np.clip(picture * (1 + 0.012 * paper(rng, size))[..., None], 0, 1)


def art_deco(size: int, rng: np.random.Generator) -> Array:
    """A tower before a rising sun, in black, gold and sea green."""
    x, y = coordinates(size)
    gold = ramp(
        palette("8a6426 d9ab52 f6dfa0 c99a44 9a7030"),
        (0.5 * x + 0.7 * y + 0.1 * fbm(x * 2, y * 9, 31, 3)) % 1,
    )
    turn = np.arctan2(0.72 - y, x - 0.5)
    rays = turn / np.pi * 22
    beam = np.floor(rays) % 2
    away = np.hypot(x - 0.5, y - 0.72)
    deep = ramp(palette("1d6f72 134d56 0d2f3c 0a1c28"), 1.15 * away)
    picture = np.where(
        beam[..., None] > 0, deep, ramp(palette("f2e3bd e2b86a b07a3a 5a3c26"), 1.15 * away)
    )
    for radius in (0.2, 0.31, 0.42):
        picture = over(picture, rgb("f6dfa0"), smoothstep(0.006, 0.0035, np.abs(away - radius)))
    picture = over(picture, rgb("f3d98c"), smoothstep(0.172, 0.169, away))
    picture = over(picture, rgb("c8442e"), smoothstep(0.157, 0.154, away))
    for wide, top, color in (
        (0.36, 0.66, "0a1c28"),
        (0.25, 0.52, "10303c"),
        (0.165, 0.36, "0a1620"),
        (0.1, 0.2, "143e48"),
        (0.045, 0.1, "0a1620"),
    ):
        block = [
            (0.5 - wide / 2, 1.0),
            (0.5 - wide / 2, top + 0.03),
            (0.5 - wide / 2 + 0.03, top),
            (0.5 + wide / 2 - 0.03, top),
            (0.5 + wide / 2, top + 0.03),
            (0.5 + wide / 2, 1.0),
        ]
        if wide < 0.06:
            block = [(0.5 - wide / 2, 1.0), (0.5, 0.05), (0.5 + wide / 2, 1.0)]
        picture = lay(picture, block, color)
        ribs = [
            [(px, 0.99), (px, top + 0.05)]
            for px in np.arange(0.5 - wide / 2 + 0.016, 0.5 + wide / 2, 0.018)
        ]
        picture = over(picture, gold, 0.85 * lines(size, ribs, [0.0036] * len(ribs)))
        picture = over(picture, gold, lines(size, [[*block[:-1], block[-1]]], [0.006]))
    arches = [
        ring((0.5, top), radius, 40)[20:]
        for top in (0.93, 0.8, 0.68)
        for radius in (0.05, 0.035, 0.02)
    ]
    picture = over(picture, gold, lines(size, arches, [0.006] * len(arches)))
    for side in (-1, 1):
        for i in range(4):
            cx = 0.5 + side * (0.3 + 0.075 * i)
            top = 0.74 + 0.03 * (i % 2)
            block = [
                (cx - 0.034, 1),
                (cx - 0.034, top + 0.02),
                (cx, top),
                (cx + 0.034, top + 0.02),
                (cx + 0.034, 1),
            ]
            picture = lay(picture, block, ("0a1c28", "123a44")[i % 2])
            windows = [
                [(cx + dx, wy), (cx + dx, wy + 0.012)]
                for dx in (-0.016, 0, 0.016)
                for wy in np.arange(top + 0.05, 0.95, 0.035)
            ]
            picture = draw_lines(picture, windows, 0.006, "f0c565")
            picture = over(picture, gold, lines(size, [block], [0.004]))
    fans = [(cx, 0.0) for cx in np.arange(0.0, 1.01, 0.125)]
    for cx, cy in fans:
        for radius, color in (
            (0.062, "0a1620"),
            (0.05, "c9973f"),
            (0.043, "0a1620"),
            (0.03, "c9973f"),
            (0.023, "0a1620"),
        ):
            picture = over(picture, rgb(color), disc(x, y, (cx, cy), radius))
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    for at, wide in ((0.012, 0.012), (0.03, 0.003)):
        picture = over(
            picture, gold, smoothstep(wide / 2 + 0.001, wide / 2 - 0.001, np.abs(edge - at))
        )
    grain = 1 + 0.03 * blurred_noise(rng, (size, size), 0.8) + 0.03 * paper(rng, size)
    return np.clip(picture * grain[..., None], 0, 1).astype(np.float32)


def bauhaus(size: int, rng: np.random.Generator) -> Array:
    """Discs, arcs, bars and triangles in balance on cream."""
    x, y = coordinates(size)
    picture = np.broadcast_to(rgb("eee3cb"), (size, size, 3)).astype(np.float32)
    picture = lay(picture, [(0.0, 0.0), (0.42, 0.0), (0.1, 1.0), (0.0, 1.0)], "d9c9a6")
    picture = over(picture, rgb("1b1c22"), disc(x, y, (0.6, 0.4), 0.31))
    picture = over(picture, rgb("d8322b"), disc(x, y, (0.56, 0.43), 0.24))
    picture = over(picture, rgb("f2b632"), disc(x, y, (0.52, 0.46), 0.155) * (x + y > 0.9))
    picture = over(picture, rgb("eee3cb"), disc(x, y, (0.5, 0.48), 0.06))
    picture = lay(
        picture,
        turned([(-0.03, -0.5), (0.03, -0.5), (0.03, 0.5), (-0.03, 0.5)], 0.62, 1.05, (0.42, 0.6)),
        "1b1c22",
    )
    picture = lay(
        picture,
        turned(
            [(-0.012, -0.5), (0.012, -0.5), (0.012, 0.5), (-0.012, 0.5)], 0.62, 0.9, (0.52, 0.66)
        ),
        "2b5fa8",
    )
    picture = lay(picture, [(0.08, 0.93), (0.4, 0.93), (0.08, 0.6)], "2b5fa8")
    picture = lay(picture, [(0.08, 0.93), (0.24, 0.93), (0.08, 0.765)], "8db4cf")
    quarter = disc(x, y, (0.93, 0.93), 0.26) * (x < 0.93) * (y < 0.93)
    picture = over(picture, rgb("f2b632"), quarter)
    for radius in (0.21, 0.15, 0.09):
        picture = over(
            picture,
            rgb("1b1c22"),
            smoothstep(0.013, 0.009, np.abs(np.hypot(x - 0.93, y - 0.93) - radius))
            * (x < 0.93)
            * (y < 0.93),
        )
    half = disc(x, y, (0.17, 0.27), 0.12)
    picture = over(picture, rgb("d8322b"), half * (x < 0.17))
    picture = over(picture, rgb("1b1c22"), half * (x >= 0.17) * ((y * 40) % 1 < 0.5))
    for i in range(6):
        picture = lay(
            picture,
            [
                (0.62 + 0.045 * i, 0.79),
                (0.645 + 0.045 * i, 0.79),
                (0.645 + 0.045 * i, 0.93 - 0.02 * i),
                (0.62 + 0.045 * i, 0.93 - 0.02 * i),
            ],
            ("1b1c22", "d8322b", "eee3cb")[i % 3],
        )
    checks = (np.floor((x - 0.76) * 32) + np.floor((y - 0.05) * 32)) % 2
    inside = (x > 0.76) & (x < 0.948) & (y > 0.05) & (y < 0.1445)
    picture = over(picture, rgb("1b1c22"), (checks * inside).astype(np.float32))
    picture = draw_lines(
        picture, [[(0.03, 0.5), (0.97, 0.1)], [(0.03, 0.53), (0.97, 0.13)]], 0.004, "1b1c22"
    )
    picture = draw_lines(
        picture, [ring((0.17, 0.27), 0.15)[6:42], ring((0.17, 0.27), 0.175)[10:38]], 0.005, "1b1c22"
    )
    picture = over(picture, rgb("3d8f74"), disc(x, y, (0.3, 0.12), 0.045))
    picture = over(picture, rgb("f0a08c"), disc(x, y, (0.74, 0.66), 0.055) * 0.95)
    worn = 1 + 0.022 * paper(rng, size) + 0.02 * blurred_noise(rng, (size, size), 14)
    return np.clip(picture * worn[..., None], 0, 1).astype(np.float32)


def batik(size: int, rng: np.random.Generator) -> Array:
    """Two birds in leaves: wax lines, dots and crackle in indigo, brown and ochre."""
    x, y = coordinates(size)
    picture = ramp(palette("16264f 1f3a73 142145"), fbm(x * 4, y * 4, 41, 4))
    wax = "f1e2bf"
    inks = ("b5651f", "7a3317", "d89a3a", "2f6f86", "8f2f23")
    border = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.075
    picture = over(picture, rgb("7a3317"), border.astype(np.float32))
    for i in range(14):
        for cx, cy in (
            (0.0375 + i * 0.0712, 0.0375),
            (0.0375 + i * 0.0712, 0.9625),
            (0.0375, 0.0375 + i * 0.0712),
            (0.9625, 0.0375 + i * 0.0712),
        ):
            picture = over(picture, rgb("d89a3a"), disc(x, y, (cx, cy), 0.026))
            picture = over(picture, rgb("16264f"), disc(x, y, (cx, cy), 0.014))
    edge = [(0.075, 0.075), (0.925, 0.075), (0.925, 0.925), (0.075, 0.925), (0.075, 0.075)]
    picture = draw_lines(picture, [edge], 0.007, wax)
    stems, shapes = [], []
    for at, angle, long in (
        ((0.5, 0.9), 0.0, 0.72),
        ((0.47, 0.9), -0.85, 0.5),
        ((0.53, 0.9), 0.85, 0.5),
        ((0.14, 0.48), 0.5, 0.36),
        ((0.86, 0.48), -0.5, 0.36),
    ):
        stem, blades = spray(at, angle, long, 7, 0.13, 0.3 if angle == 0 else -0.9 * np.sign(angle))
        stems.append(stem)
        shapes += [(blade, inks[i % 5]) for i, blade in enumerate(blades)]
    for shape, color in shapes:
        picture = lay(picture, shape, color)
        picture = draw_lines(picture, [[*shape, shape[0]]], 0.0048, wax)
        p = np.array(shape)
        tip = p[np.argmax(np.hypot(*(p - p[0]).T))]
        dots = [
            [tuple(p[0] + (tip - p[0]) * t), tuple(p[0] + (tip - p[0]) * t + 1e-4)]
            for t in (0.3, 0.45, 0.6, 0.75)
        ]
        picture = draw_lines(picture, dots, 0.0075, wax)
    picture = draw_lines(picture, stems, 0.007, wax)
    for at, flip, color in (((0.31, 0.42), 1, "b5651f"), ((0.69, 0.42), -1, "8f2f23")):

        def placed(outline: list[Point], at: Point = at, flip: int = flip) -> list[Point]:
            return curve([(at[0] + flip * 0.2 * px, at[1] + 0.2 * py) for px, py in outline])

        tail = [
            placed(
                [(-0.55, 0.12), (-1.3 + 0.1 * i, 0.3 + 0.35 * i), (-1.0 + 0.2 * i, 0.62 + 0.3 * i)]
            )
            for i in range(3)
        ]
        for shape, tint in (
            *((t, "2f6f86") for t in tail),
            (placed(BIRD), color),
            (placed(WING), "d89a3a"),
        ):
            picture = lay(picture, shape, tint)
            picture = draw_lines(picture, [[*shape, shape[0]]], 0.0062, wax)
        scales = [
            curve(
                [
                    (at[0] + flip * 0.2 * (u - 0.1), at[1] + 0.2 * v),
                    (at[0] + flip * 0.2 * u, at[1] + 0.2 * (v + 0.09)),
                    (at[0] + flip * 0.2 * (u + 0.1), at[1] + 0.2 * v),
                ],
                False,
            )
            for u, v in (
                (-0.3, 0.05),
                (-0.12, -0.02),
                (0.02, -0.14),
                (-0.2, 0.12),
                (0.08, 0.02),
                (0.4, -0.3),
                (0.45, -0.1),
                (0.36, 0.0),
            )
        ]
        picture = draw_lines(picture, scales, 0.004, wax)
        eye = (at[0] + flip * 0.2 * 0.56, at[1] - 0.2 * 0.52)
        for radius, tint in ((0.016, wax), (0.009, "16264f")):
            picture = over(picture, rgb(tint), disc(x, y, eye, radius))
    for cx, cy, r in (
        (0.5, 0.17, 0.075),
        (0.2, 0.8, 0.055),
        (0.8, 0.8, 0.055),
        (0.2, 0.18, 0.045),
        (0.8, 0.18, 0.045),
    ):
        for i in range(9):
            petal = smooth(LEAF, i * 2 * np.pi / 9, r, (cx, cy))
            picture = lay(picture, petal, "d89a3a" if i % 2 else "b5651f")
            picture = draw_lines(picture, [[*petal, petal[0]]], 0.004, wax)
        picture = over(picture, rgb(wax), disc(x, y, (cx, cy), 0.3 * r))
        picture = over(picture, rgb("8f2f23"), disc(x, y, (cx, cy), 0.18 * r))
    speck = rng.uniform(0.09, 0.91, (420, 2))
    dots = [
        [(px, py), (px + 1e-4, py)]
        for px, py in speck
        if np.abs(picture[int(py * size), int(px * size)] - rgb("1a2f60")).sum() < 0.25
    ]
    picture = draw_lines(picture, dots, 0.0062, "cdbb92")
    u, v = x + 0.05 * (fbm(x * 6, y * 6, 43, 3) - 0.5), y + 0.05 * (fbm(x * 6, y * 6, 44, 3) - 0.5)
    field = fbm(u * 5, v * 5, 45, 3)
    crack = smoothstep(0.012, 0.003, np.abs(field - 0.5)) + 0.8 * smoothstep(
        0.01, 0.002, np.abs(fbm(v * 7, u * 7, 46, 3) - 0.47)
    )
    picture = over(
        picture, rgb("1a2348"), 0.5 * np.clip(crack, 0, 1) * (0.4 + fbm(x * 9, y * 9, 47, 2))
    )
    cloth = 1 + 0.03 * np.sin(x * size * 1.9) * np.sin(y * size * 1.9) + 0.035 * paper(rng, size)
    soaked = picture + 0.3 * (picture - blur(picture, 3)) * 0.4
    return np.clip(soaked * cloth[..., None], 0, 1).astype(np.float32)


def cyanotype(size: int, rng: np.random.Generator) -> Array:
    """Ferns, seed heads and a moth laid on paper that the sun has turned blue."""
    x, y = coordinates(size)
    cover = np.zeros((size, size), np.float32)
    for at, angle, long, count, grown in (
        ((0.4, 0.98), -0.14, 0.86, 15, 0.15),
        ((0.72, 1.0), 0.3, 0.66, 13, 0.12),
        ((0.14, 0.98), -0.2, 0.6, 12, 0.1),
    ):
        stem, blades = spray(at, angle, long, count, grown, 0.55 if angle > 0 else -0.2)
        for blade in blades:
            p = np.array(blade)
            cover = np.maximum(cover, 0.72 * filled(size, blade, 2))
            tip = p[np.argmax(np.hypot(*(p - p[0]).T))]
            cover = np.maximum(cover, lines(size, [[tuple(p[0]), tuple(tip)]], [0.0035]))
        cover = np.maximum(cover, lines(size, [stem], [0.008]))
    for cx, cy, r, root in (
        (0.83, 0.2, 0.085, (0.78, 0.99)),
        (0.64, 0.13, 0.06, (0.66, 0.99)),
        (0.17, 0.24, 0.07, (0.22, 0.99)),
    ):
        stalk = curve([(cx, cy), (0.5 * (cx + root[0]) + 0.03, 0.55), root], False)
        cover = np.maximum(cover, 0.9 * lines(size, [stalk], [0.0045]))
        seeds = []
        for i in range(46):
            t, far = 2.399 * i, r * rng.uniform(0.7, 1.05)
            end = (cx + far * np.cos(t), cy + far * np.sin(t))
            seeds.append([(cx, cy), end])
            seeds += [
                [end, (end[0] + 0.014 * np.cos(t + k), end[1] + 0.014 * np.sin(t + k))]
                for k in (-0.9, 0, 0.9)
            ]
        cover = np.maximum(cover, 0.8 * lines(size, seeds, [0.0024] * len(seeds)))
        cover = np.maximum(cover, disc(x, y, (cx, cy), 0.16 * r))
    moth = (0.42, 0.13)
    for flip in (-1, 1):
        for outline, shade in (
            ([(0, 0), (0.09, -0.07), (0.13, -0.05), (0.1, 0.02), (0.02, 0.03)], 0.85),
            ([(0, 0.02), (0.08, 0.03), (0.085, 0.075), (0.04, 0.085)], 0.65),
        ):
            wing = curve([(moth[0] + flip * px, moth[1] + py) for px, py in outline])
            cover = np.maximum(cover, shade * filled(size, wing))
            cover *= 1 - 0.5 * lines(
                size,
                [[moth, (moth[0] + flip * px, moth[1] + py)] for px, py in outline[1:4]],
                [0.003] * 3,
            )
    cover = np.maximum(
        cover, lines(size, [[(moth[0], moth[1] - 0.03), (moth[0], moth[1] + 0.07)]], [0.014])
    )
    cover = 0.75 * cover + 0.3 * blur(cover, 2.5 * size / 512)
    sun = 0.9 + 0.14 * blurred_noise(rng, (size, size), 40 * size / 512) + 0.05 * paper(rng, size)
    streak = fbm(x * 3 + 0.1 * np.sin(9 * y), y * 60, 51, 3)
    edge = (
        np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
        + 0.05 * (fbm(x * 9, y * 50, 52, 3) - 0.5)
        + 0.03 * (fbm(x * 40, y * 9, 53, 2) - 0.5)
    )
    coated = smoothstep(0.02, 0.034, edge) * (0.9 + 0.2 * (streak - 0.5))
    dark = coated * sun * (1 - 0.93 * np.clip(cover, 0, 1))
    tones = palette("f1f0e4 c3d6de 7fa9c9 3d74ab 1b4a86 0f2f63 0a2150")
    return np.clip(ramp(tones, dark) * (1 + 0.012 * paper(rng, size))[..., None], 0, 1).astype(
        np.float32
    )
