"""Made by hand: thread, cloth, paper, glaze, lacquer, floating colour and glowing tubes."""

import numpy as np
from scipy import ndimage

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
    relief,
    rgb,
    sample,
    smoothstep,
)
from .motifs import (
    BIRD,
    LEAF,
    PETAL,
    WING,
    draw_lines,
    grown_tree,
    lay,
    ridge,
    ring,
    smooth,
    spray,
    turned,
)
from .noise import Array, blurred_noise, fbm


def tapestry(size: int, rng: np.random.Generator) -> Array:
    """A stag among a thousand flowers, woven in wool."""
    x, y = coordinates(size)
    picture = ramp(palette("5a1f22 6f2a28 64231f"), fbm(x * 6, y * 6, 11, 3))
    picture = lay(
        picture,
        curve(
            [
                (0.04, 0.8),
                (0.2, 0.7),
                (0.5, 0.72),
                (0.82, 0.69),
                (0.96, 0.8),
                (0.9, 0.93),
                (0.5, 0.95),
                (0.1, 0.94),
            ]
        ),
        "23413c",
    )
    flowers = rng.uniform(0.07, 0.93, (330, 2))
    for i, (fx, fy) in enumerate(flowers):
        leaf, tone = rng.uniform(0, 6.3), ("d9a441", "e8d9b5", "c9694f", "7fa3b0", "d98a9a")[i % 5]
        for k in (0, 2.1):
            picture = lay(
                picture,
                turned([(0, 0), (0.3, -0.5), (0, -1), (-0.3, -0.5)], leaf + k, 0.026, (fx, fy)),
                "4f6f4a" if i % 2 else "6f8a55",
            )
        for t in np.linspace(0, 2 * np.pi, 6)[:-1]:
            picture = over(
                picture,
                rgb(tone),
                disc(x, y, (fx + 0.0085 * np.cos(t), fy + 0.0085 * np.sin(t)), 0.0068),
            )
        picture = over(picture, rgb("8a3a2a"), disc(x, y, (fx, fy), 0.005))
    for at in ((0.16, 0.8), (0.84, 0.8)):
        picture = draw_lines(
            picture, [curve([at, (at[0] + 0.02, 0.5), (at[0], 0.28)], False)], 0.024, "6a4a2f"
        )
        for i in range(26):
            t, r = 2.4 * i, 0.024 * np.sqrt(i)
            spot = (at[0] + r * np.cos(t), 0.26 + 1.15 * r * np.sin(t))
            picture = lay(
                picture, smooth(LEAF, t, 0.075, spot), ("2f5f4a", "4f7f55", "7f9f5f")[i % 3]
            )
        for i in range(7):
            t = 0.9 * i
            spot = (at[0] + 0.085 * np.cos(t) * (0.5 + 0.5 * (i % 2)), 0.27 + 0.1 * np.sin(t))
            picture = over(picture, rgb("e0a33a"), disc(x, y, spot, 0.018))
    body: list[Point] = [
        (0.3, 0.52),
        (0.36, 0.47),
        (0.5, 0.48),
        (0.58, 0.45),
        (0.62, 0.36),
        (0.66, 0.29),
        (0.72, 0.3),
        (0.755, 0.345),
        (0.74, 0.37),
        (0.69, 0.37),
        (0.68, 0.46),
        (0.64, 0.57),
        (0.55, 0.61),
        (0.4, 0.6),
        (0.31, 0.61),
    ]
    legs = [
        [(0.33, 0.56), (0.31, 0.68), (0.335, 0.8)],
        [(0.38, 0.58), (0.385, 0.7), (0.365, 0.82)],
        [(0.57, 0.58), (0.56, 0.7), (0.58, 0.82)],
        [(0.63, 0.55), (0.69, 0.63), (0.66, 0.73)],
    ]
    horns = [
        curve([(0.67, 0.3), (0.62, 0.2), (0.55, 0.14), (0.53, 0.07)], False),
        curve([(0.69, 0.29), (0.71, 0.2), (0.78, 0.15), (0.8, 0.08)], False),
    ]
    horns += [
        [(0.6, 0.185), (0.61, 0.1)],
        [(0.565, 0.15), (0.49, 0.14)],
        [(0.72, 0.19), (0.72, 0.11)],
        [(0.765, 0.16), (0.84, 0.15)],
    ]
    for wide, tone in ((0.034, "2c2320"), (0.024, "e3d2a8")):
        picture = draw_lines(picture, [curve(leg, False) for leg in legs], wide, tone)
    picture = draw_lines(picture, horns, 0.02, "2c2320")
    picture = draw_lines(picture, horns, 0.012, "d9a441")
    shape = filled(size, curve(body))
    picture = draw_lines(picture, [[*curve(body), curve(body)[0]]], 0.012, "2c2320")
    hide = ramp(
        palette("f1e4c0 e3cf9f c9a873 a98552"), (y - 0.4) * 3.4 + 0.3 * fbm(x * 12, y * 12, 12, 3)
    )
    picture = over(picture, hide, shape)
    picture = draw_lines(
        picture, [curve([(0.56, 0.46), (0.6, 0.5), (0.66, 0.47)], False)], 0.018, "3f6f8a"
    )
    picture = over(picture, rgb("2c2320"), disc(x, y, (0.7, 0.325), 0.009))
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    band = smoothstep(0.058, 0.056, edge)
    zig = np.abs(((x + y) * 14) % 1 - 0.5) * 2
    zag = np.abs(((x - y) * 14) % 1 - 0.5) * 2
    border = ramp(palette("23413c d9a441 6f2a28 e8d9b5"), 0.5 * (zig + zag))
    picture = over(picture, border, band)
    for at in (0.058, 0.012):
        picture = over(picture, rgb("e8d9b5"), smoothstep(0.004, 0.002, np.abs(edge - at)))
    # Weft over warp: rows of wool that bulge between threads, each dyed a little differently.
    rows, columns = int(size / 3.2), int(size / 4.6)
    u, v = x * columns, y * rows + 0.5 * (np.floor(x * columns) % 2)
    snapped = np.stack(
        [
            (np.floor(u) + 0.5) / columns,
            np.clip((np.floor(v) + 0.5 - 0.5 * (np.floor(u) % 2)) / rows, 0, 0.999),
        ]
    )
    woven = sample(picture, snapped[0], snapped[1])
    shade = rng.normal(1, 0.055, (rows + 2, columns + 1)).astype(np.float32)
    bulge = np.sin(np.pi * (v % 1)) ** 0.6 * (0.72 + 0.28 * np.sin(np.pi * (u % 1)))
    woven = woven * shade[np.floor(v).astype(int), np.floor(u).astype(int)][..., None]
    return np.clip(woven * (0.5 + 0.62 * bulge)[..., None], 0, 1).astype(np.float32)


def embroidery(size: int, rng: np.random.Generator) -> Array:
    """A wreath of flowers and a bird in satin stitch on raw linen."""
    x, y = coordinates(size)
    weave = 0.5 + 0.25 * np.sin(x * size * 1.25) + 0.25 * np.sin(y * size * 1.25)
    picture = (
        rgb("dcd0b6")
        * (0.86 + 0.16 * weave + 0.05 * blurred_noise(rng, (size, size), (0.5, 5)))[..., None]
    )
    picture = picture.astype(np.float32)
    height = 0.5 * weave

    def stitched(
        shape: list[Point], color: str, turn: float, pitch: float = 0.0072, lift: float = 1.0
    ) -> None:
        nonlocal picture, height
        mask = filled(size, shape)
        near = ndimage.binary_dilation(mask > 0.5, iterations=4)
        picture = picture * (1 - 0.3 * blur(near.astype(np.float32), 2.5) * (1 - mask))[..., None]
        c, s = np.cos(turn), np.sin(turn)
        across = (c * y - s * x) / pitch
        strand = np.floor(across)
        tint = (0.14 * np.sin(12.9898 * strand + 4.1)) + 0.07 * np.sin(78.2 * strand)
        thread = np.sin(np.pi * (across % 1)) ** 0.7
        along = (c * x + s * y) / 0.035 + 0.37 * strand
        sheen = 0.08 * np.sin(2 * np.pi * along) + 0.1 * fbm(x * 9, y * 9, 21, 2)
        tone = rgb(color) * (0.72 + 0.36 * thread + tint * 0.5 + sheen)[..., None]
        picture = over(picture, tone, mask)
        height = height * (1 - mask) + mask * (1.2 * thread + 2.2 * lift)

    twigs = []
    for i in range(22):
        t = 2 * np.pi * i / 22
        at = (0.5 + 0.36 * np.cos(t), 0.5 + 0.36 * np.sin(t))
        twigs.append(at)
        for side in (-1, 1):
            turn = t + np.pi + side * 0.7
            stitched(
                smooth(LEAF, turn, 0.085, at),
                ("3f6f4a", "6f9a5f", "2f5a58", "a3b36a")[(i + side) % 4],
                turn + 0.5,
            )
    stems = lines(size, [curve(twigs)], [0.008])
    picture = over(picture, rgb("4a5a35"), stems)
    for i, (cx, cy, r) in enumerate(
        (
            (0.5, 0.14, 0.105),
            (0.83, 0.36, 0.085),
            (0.76, 0.76, 0.1),
            (0.26, 0.79, 0.095),
            (0.15, 0.4, 0.09),
            (0.5, 0.87, 0.07),
            (0.3, 0.19, 0.06),
            (0.72, 0.18, 0.06),
        )
    ):
        outer, inner = (
            ("c8344a", "e8707f"),
            ("e58a2f", "f6c15f"),
            ("7a4fa0", "b48fd0"),
            ("d8558f", "f2a3c0"),
            ("3f6fb5", "8fb5e0"),
        )[i % 5]
        for k in range(7):
            t = 2 * np.pi * k / 7 + 0.3 * i
            stitched(smooth(PETAL, t, r, (cx, cy)), outer, t + np.pi / 2)
        for k in range(7):
            t = 2 * np.pi * (k + 0.5) / 7 + 0.3 * i
            stitched(smooth(PETAL, t, 0.6 * r, (cx, cy)), inner, t + np.pi / 2, 0.0062, 1.4)
        knots = [
            (
                cx + 0.17 * r * np.sqrt(j) * np.cos(2.4 * j) * 0.42,
                cy + 0.17 * r * np.sqrt(j) * np.sin(2.4 * j) * 0.42,
            )
            for j in range(14)
        ]
        for kx, ky in knots:
            bead = disc(x, y, (kx, ky), 0.0075)
            picture = over(picture, rgb("f3c73a"), bead)
            height = np.maximum(height, 5 * bead * smoothstep(0.009, 0.0, np.hypot(x - kx, y - ky)))

    def placed(outline: list[Point]) -> list[Point]:
        return curve([(0.49 + 0.21 * px, 0.53 + 0.21 * py) for px, py in outline])

    for i in range(4):
        stitched(
            placed(
                [(-0.5, 0.12), (-1.15 + 0.12 * i, 0.3 + 0.2 * i), (-1.0 + 0.2 * i, 0.5 + 0.16 * i)]
            ),
            ("1f5f8a", "2f86a8", "64b0c0", "1f5f8a")[i],
            2.5,
        )
    stitched(placed(BIRD), "2f7fb5", 0.5)
    stitched(
        placed(
            [
                (0.3, -0.1),
                (0.55, -0.3),
                (0.62, -0.16),
                (0.34, 0.14),
                (0.0, 0.26),
                (-0.2, 0.2),
                (0.1, 0.1),
            ]
        ),
        "e8803a",
        -0.6,
    )
    stitched(placed(WING), "1b4f86", 0.35, 0.0072, 1.5)
    stitched(placed([(0.62, -0.52), (0.88, -0.47), (0.64, -0.42)]), "f0b53a", 0.1)
    for r, tone in ((0.013, "f7f2e6"), (0.0085, "1c1c22")):
        picture = over(picture, rgb(tone), disc(x, y, (0.49 + 0.21 * 0.53, 0.53 - 0.21 * 0.54), r))
    legs = [
        [(0.5, 0.575), (0.49, 0.64)],
        [(0.53, 0.57), (0.53, 0.64)],
        [(0.4, 0.645), (0.65, 0.635)],
    ]
    picture = draw_lines(picture, legs, 0.0075, "6a4a2a")
    dashes = [
        [
            (0.5 + 0.46 * np.cos(t), 0.5 + 0.46 * np.sin(t)),
            (0.5 + 0.46 * np.cos(t + 0.045), 0.5 + 0.46 * np.sin(t + 0.045)),
        ]
        for t in np.arange(0, 2 * np.pi, 0.09)
    ]
    picture = draw_lines(picture, dashes, 0.008, "b53a44")
    return relief(picture, blur(height.astype(np.float32), 0.6), 0.3, 0.08)


def marbled(size: int, rng: np.random.Generator) -> Array:
    """Colours floated on water, drawn out with a stylus and combed."""
    x, y = coordinates(size)
    u, v = x.astype(np.float64), y.astype(np.float64)
    for cx, cy, r, turn in (
        (0.3, 0.32, 0.12, 3.2),
        (0.72, 0.66, 0.14, -3.4),
        (0.76, 0.22, 0.09, 2.6),
        (0.22, 0.78, 0.1, -2.6),
        (0.5, 0.5, 0.06, 2.2),
    ):
        a = turn * np.exp(-np.hypot(u - cx, v - cy) / r)
        du, dv = u - cx, v - cy
        u, v = cx + np.cos(a) * du - np.sin(a) * dv, cy + np.sin(a) * du + np.cos(a) * dv
    for i, at in enumerate(np.linspace(0.06, 0.94, 9)):
        u = u + (0.1 if i % 2 else -0.1) * np.exp(-np.abs(v - at) / 0.035)
    for i, at in enumerate(np.linspace(0.05, 0.95, 7)):
        v = v + (0.13 if i % 2 else -0.13) * np.exp(-np.abs(u - at) / 0.045)
    u = u + 0.02 * (fbm(x * 5, y * 5, 31, 3) - 0.5)
    colors = palette("123a5f f0e6cf b5312f e3b04a 1f7a78 f0e6cf 7a1f3a 2f5fa0")
    layer = np.zeros((size, size), np.int64)
    drops = rng.random((420, 2)) * 1.5 - 0.25
    radii = 0.018 + 0.075 * rng.random(420) ** 2
    rim = np.ones((size, size))
    for (cx, cy), r, tone in zip(drops, radii, rng.integers(0, 8, 420), strict=True):
        away = np.hypot(u - cx, v - cy)
        inside = away < r
        layer[inside] = tone
        rim = np.where(inside, (r - away) / r, np.minimum(rim, 1))
    picture = colors[layer]
    pool = 0.9 + 0.14 * smoothstep(0.0, 0.5, rim.astype(np.float32))
    vein = smoothstep(0.05, 0.0, rim.astype(np.float32))
    picture = over(picture * pool[..., None], rgb("f7efdc"), 0.55 * vein)
    fine = ndimage.gaussian_filter(picture, (0.6, 0.6, 0))
    speck = smoothstep(2.6, 2.9, blurred_noise(rng, (size, size), 1.3))
    fine = over(fine, rgb("f7efdc"), 0.8 * speck)
    return np.clip(fine * (1 + 0.015 * paper(rng, size))[..., None], 0, 1).astype(np.float32)


def neon(size: int, rng: np.random.Generator) -> Array:
    """A wet street at night under glowing signs."""
    x, y = coordinates(size)
    horizon = 0.64
    picture = ramp(palette("060714 0c0f2a 1b1440 34184f"), y / horizon)
    blocks = []
    for _ in range(16):
        cx, wide, top = rng.random(), rng.uniform(0.05, 0.13), rng.uniform(0.12, 0.45)
        blocks.append((top, cx, wide))
    for top, cx, wide in sorted(blocks):
        deep = ramp(
            palette("0a0c1e 141632 1c1238"), np.full((size, size), rng.random(), np.float32)
        )
        picture = over(
            picture,
            deep,
            filled(
                size,
                [
                    (cx - wide / 2, horizon),
                    (cx - wide / 2, top),
                    (cx + wide / 2, top),
                    (cx + wide / 2, horizon),
                ],
            ),
        )
        panes = [
            [(px, py), (px + 0.006, py)]
            for px in np.arange(cx - wide / 2 + 0.014, cx + wide / 2 - 0.014, 0.018)
            for py in np.arange(top + 0.025, horizon - 0.03, 0.022)
            if rng.random() < 0.3
        ]
        if panes:
            picture = draw_lines(
                picture, panes, 0.0075, ("f7c46a", "6fd0e8", "d88ae0")[rng.integers(3)]
            )
    glow = np.zeros((size, size, 3), np.float32)

    def tube(paths: list[list[Point]], color: str, width: float = 0.011) -> None:
        nonlocal glow
        line = lines(size, paths, [width] * len(paths))
        halo = (
            0.8 * blur(line, 0.008 * size)
            + 1.3 * blur(line, 0.028 * size)
            + 1.4 * blur(line, 0.075 * size)
        )
        core = lines(size, paths, [0.4 * width] * len(paths))
        glow = (
            glow
            + halo[..., None] * rgb(color)
            + (0.9 * line)[..., None] * rgb(color)
            + (0.8 * core)[..., None]
        )

    tube([[*ring((0.5, 0.3), 0.17), (0.67, 0.3)]], "ff2f7f", 0.013)
    tube(
        [
            curve([(0.36, 0.42), (0.44, 0.36), (0.5, 0.42), (0.56, 0.36), (0.64, 0.42)], False),
            curve([(0.36, 0.46), (0.44, 0.4), (0.5, 0.46), (0.56, 0.4), (0.64, 0.46)], False),
        ],
        "2fd8ff",
    )
    palm = [curve([(0.5, 0.37), (0.49, 0.3), (0.5, 0.22)], False)]
    palm += [
        curve([(0.5, 0.22), (0.5 + 0.6 * dx, 0.2 + 0.3 * dy), (0.5 + dx, 0.22 + dy)], False)
        for dx, dy in (
            (-0.1, 0.03),
            (-0.07, -0.04),
            (0.07, -0.04),
            (0.1, 0.03),
            (0.04, 0.07),
            (-0.04, 0.07),
        )
    ]
    tube(palm, "3dffa0", 0.009)
    for cx, color in ((0.1, "ffb02f"), (0.9, "b04fff")):
        tube(
            [
                [
                    (cx - 0.035, 0.2),
                    (cx + 0.035, 0.2),
                    (cx + 0.035, 0.55),
                    (cx - 0.035, 0.55),
                    (cx - 0.035, 0.2),
                ]
            ],
            color,
            0.009,
        )
        marks = [[(cx - 0.016, py), (cx + 0.016, py)] for py in (0.24, 0.32, 0.4, 0.48)]
        marks += [[(cx, py), (cx, py + 0.045)] for py in (0.24, 0.32, 0.4, 0.48)]
        tube(marks, "ff4f5f" if cx < 0.5 else "4fe0ff", 0.008)
    tube(
        [
            [(0.22, 0.52), (0.3, 0.52), (0.27, 0.49)],
            [(0.3, 0.52), (0.27, 0.55)],
            [(0.72, 0.5), (0.8, 0.5)],
            [(0.72, 0.54), (0.8, 0.54)],
        ],
        "ffe04f",
        0.009,
    )
    picture = 1 - (1 - picture) * np.exp(-glow)
    rip = 0.018 * (fbm(x * 5, y * 70, 41, 3) - 0.5) * (1 + 3 * (y - horizon))
    rows = np.clip((horizon - (y - horizon) * 1.25) * size, 0, size - 1).astype(int)
    columns = np.clip((x + 1.6 * rip) * size, 0, size - 1).astype(int)
    wet = ndimage.gaussian_filter(picture, (0.016 * size, 0.003 * size, 0))[rows, columns]
    puddle = 0.35 + 0.65 * smoothstep(0.4, 0.6, fbm(x * 3, y * 9, 42, 3))
    road = rgb("090a18") + wet * (0.85 * puddle)[..., None]
    picture = np.where((y > horizon)[..., None], road, picture)
    kerb = [[(0.0, horizon + 0.004), (1.0, horizon + 0.004)]]
    picture = draw_lines(picture, kerb, 0.006, "2a1f4a")
    person = [
        curve(
            [
                (0.44, 0.84),
                (0.452, 0.74),
                (0.45, 0.69),
                (0.472, 0.66),
                (0.494, 0.69),
                (0.49, 0.75),
                (0.497, 0.84),
            ]
        ),
        ring((0.472, 0.645), 0.016),
    ]
    brolly = curve(
        [
            (0.385, 0.645),
            (0.42, 0.595),
            (0.475, 0.575),
            (0.53, 0.6),
            (0.56, 0.645),
            (0.515, 0.63),
            (0.473, 0.643),
            (0.43, 0.63),
        ]
    )
    for shape in (*person, brolly):
        picture = lay(picture, shape, "05050d")
    picture = draw_lines(
        picture,
        [
            curve(
                [(0.388, 0.64), (0.42, 0.597), (0.475, 0.577), (0.53, 0.602), (0.557, 0.64)], False
            )
        ],
        0.004,
        "ff5f9f",
    )
    shade = [(px, 1.68 - 0.9 * py) for px, py in brolly]
    picture = over(
        picture, rgb("05050d"), 0.35 * blur(filled(size, [(px, py + 0.17) for px, py in shade]), 4)
    )
    rain = [[(px, py), (px - 0.006, py + 0.035)] for px, py in rng.random((130, 2))]
    picture = over(picture, rgb("aebfff"), 0.22 * lines(size, rain, [0.002] * 130))
    return np.clip(picture, 0, 1).astype(np.float32)


def papercut(size: int, rng: np.random.Generator) -> Array:
    """A valley with a deer, cut from nine sheets that shade each other."""
    x, y = coordinates(size)
    picture = rgb("fdeccb") * np.ones((size, size, 3), np.float32)
    picture = over(picture, rgb("fff8e6"), disc(x, y, (0.5, 0.34), 0.13))
    grain = paper(rng, size)

    def sheet(mask: Array, color: str) -> None:
        nonlocal picture
        cast = np.roll(blur(mask, 0.013 * size), (int(0.012 * size), int(0.006 * size)), (0, 1))
        near = np.roll(blur(mask, 0.004 * size), (int(0.004 * size), 0), (0, 1))
        picture = picture * (1 - 0.42 * cast * (1 - mask) - 0.22 * near * (1 - mask))[..., None]
        lip = np.clip(mask - np.roll(mask, 1, 0), 0, 1)
        tone = rgb(color) * (1 + 0.028 * grain)[..., None]
        picture = np.clip(over(picture, tone, mask) + 0.16 * lip[..., None], 0, 1)

    sheet(disc(x, y, (0.5, 0.34), 0.13), "fff3d6")
    hills = (
        ("f7c59a", 0.42, 0.12, 51, 2.2),
        ("ef9f86", 0.5, 0.1, 52, 2.6),
        ("d9788a", 0.58, 0.09, 53, 3.0),
        ("a85a8f", 0.66, 0.08, 54, 3.4),
    )
    for color, level, height, seed, scale in hills:
        sheet(filled(size, ridge(level, height, seed, scale, 3)), color)
    trees = np.zeros((size, size), np.float32)
    for cx, base, tall in (
        (0.14, 0.74, 0.26),
        (0.22, 0.76, 0.19),
        (0.3, 0.75, 0.14),
        (0.72, 0.75, 0.18),
        (0.8, 0.76, 0.25),
        (0.9, 0.76, 0.2),
        (0.05, 0.75, 0.2),
    ):
        for k in range(4):
            wide, low = 0.3 * tall * (1 - 0.2 * k), base - 0.22 * k * tall
            trees = np.maximum(
                trees, filled(size, [(cx - wide, low), (cx, low - 0.42 * tall), (cx + wide, low)])
            )
    sheet(np.maximum(trees, filled(size, ridge(0.76, 0.04, 55, 3, 3))), "6f4a8a")
    mound = filled(
        size,
        curve(
            [
                (-0.1, 0.92),
                (0.2, 0.86),
                (0.5, 0.79),
                (0.8, 0.86),
                (1.1, 0.92),
                (1.1, 1.1),
                (-0.1, 1.1),
            ]
        ),
    )
    stag = curve(
        [
            (0.43, 0.665),
            (0.47, 0.65),
            (0.53, 0.655),
            (0.555, 0.6),
            (0.575, 0.565),
            (0.61, 0.58),
            (0.6, 0.6),
            (0.58, 0.605),
            (0.575, 0.66),
            (0.555, 0.71),
            (0.45, 0.715),
        ]
    )
    legs = [
        [(0.445, 0.69), (0.437, 0.81)],
        [(0.465, 0.7), (0.468, 0.81)],
        [(0.54, 0.7), (0.538, 0.81)],
        [(0.558, 0.69), (0.565, 0.81)],
    ]
    horns = [
        curve([(0.578, 0.57), (0.56, 0.52), (0.53, 0.5), (0.525, 0.465)], False),
        curve([(0.586, 0.568), (0.6, 0.52), (0.635, 0.5), (0.64, 0.465)], False),
        [(0.553, 0.513), (0.56, 0.475)],
        [(0.607, 0.513), (0.603, 0.475)],
    ]
    deer = np.maximum.reduce(
        [filled(size, stag), lines(size, legs, [0.013] * 4), lines(size, horns, [0.008] * 4), mound]
    )
    sheet(deer, "43356f")
    front = np.zeros((size, size), np.float32)
    for at, angle, long in (
        ((0.02, 1.0), 0.45, 0.42),
        ((0.15, 1.03), 0.1, 0.3),
        ((0.98, 1.0), -0.45, 0.42),
        ((0.85, 1.03), -0.1, 0.3),
        ((0.0, 0.25), 2.2, 0.34),
        ((1.0, 0.25), -2.2, 0.34),
    ):
        stem, blades = spray(at, angle, long, 7, 0.1, 0.5 if angle < 0 else -0.5)
        front = np.maximum.reduce(
            [front, lines(size, [stem], [0.01]), *(filled(size, b) for b in blades)]
        )
    edge = (
        np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
        - 0.035
        - 0.02 * np.sin(np.arctan2(y - 0.5, x - 0.5) * 14)
    )
    sheet(np.maximum(front, smoothstep(0.001, -0.001, edge)), "231f4a")
    return picture.astype(np.float32)


def azulejo(size: int, rng: np.random.Generator) -> Array:
    """Glazed tiles painted in cobalt: ornaments around a ship."""
    x, y = coordinates(size)
    n = 6
    strength = np.zeros((size, size), np.float32)
    u, v = (x * n) % 1 - 0.5, (y * n) % 1 - 0.5
    away, turn = np.hypot(u, v), np.arctan2(v, u)
    star = 0.3 + 0.1 * np.cos(8 * turn)
    ornament = smoothstep(0.018, 0.0, np.abs(away - star)) + 0.55 * smoothstep(
        0.02, -0.02, away - 0.62 * star
    )
    ornament += 0.9 * smoothstep(0.015, -0.015, away - 0.09) - 1.1 * smoothstep(
        0.012, -0.012, away - 0.045
    )
    corner = np.hypot(np.abs(u) - 0.5, np.abs(v) - 0.5)
    ornament += smoothstep(0.018, 0.0, np.abs(corner - 0.2)) + 0.5 * smoothstep(
        0.015, -0.015, np.abs(corner - 0.12) - 0.035
    )
    ornament += (
        0.8
        * smoothstep(0.012, -0.012, np.abs(np.abs(u) - np.abs(v)) - 0.012)
        * (away > 0.42)
        * (corner > 0.2)
    )
    frame = (x < 1 / n) | (x > 1 - 1 / n) | (y < 1 / n) | (y > 1 - 1 / n)
    strength = np.where(frame, ornament, 0)
    inner = ~frame
    waves = np.sin(90 * y + 3 * np.sin(22 * x) * (1 + y)) * (y > 0.6)
    strength += inner * (
        0.35 * (y > 0.6)
        + 0.5 * smoothstep(0.55, 0.9, waves)
        + 0.25 * smoothstep(0.5, 0.6, fbm(x * 5, y * 9, 61, 4)) * (y < 0.5)
    )

    def mark(shape: list[Point], value: float) -> None:
        nonlocal strength
        mask = filled(size, shape)
        strength = strength * (1 - mask) + value * mask

    hull = curve(
        [
            (0.27, 0.585),
            (0.3, 0.655),
            (0.42, 0.685),
            (0.6, 0.68),
            (0.7, 0.64),
            (0.755, 0.545),
            (0.69, 0.575),
            (0.6, 0.6),
            (0.42, 0.6),
        ]
    )
    mark(hull, 0.95)
    planks = [
        curve([(0.3, 0.625 + d), (0.45, 0.645 + d), (0.62, 0.64 + d), (0.71, 0.605 + d)], False)
        for d in (-0.012, 0.012)
    ]
    strength *= 1 - 0.8 * lines(size, planks, [0.004] * 2)
    for mx, top, wide in ((0.4, 0.24, 0.075), (0.54, 0.2, 0.095), (0.66, 0.3, 0.055)):
        strength = np.maximum(strength, lines(size, [[(mx, 0.61), (mx, top - 0.02)]], [0.008]))
        for low, high, w in ((0.56, 0.4, wide), (0.385, top + 0.02, 0.8 * wide)):
            sail = curve(
                [
                    (mx - w, high),
                    (mx + w, high),
                    (mx + 1.15 * w, 0.5 * (low + high)),
                    (mx + w, low),
                    (mx - w, low),
                    (mx - 0.75 * w, 0.5 * (low + high)),
                ]
            )
            mark(sail, 0.16)
            shade = filled(size, sail) * smoothstep(-0.2, 1.0, (x - mx) / w)
            strength = strength + 0.42 * shade
            strength = np.maximum(strength, 0.9 * lines(size, [[*sail, sail[0]]], [0.005]))
            seams = [[(mx + k * w, high), (mx + 1.08 * k * w, low)] for k in (-0.4, 0.1, 0.6)]
            strength = np.maximum(strength, 0.6 * lines(size, seams, [0.003] * 3))
        flag = curve(
            [(mx, top - 0.02), (mx + 0.05, top - 0.035), (mx + 0.07, top - 0.01), (mx, top + 0.005)]
        )
        mark(flag, 0.8)
    ropes = [
        [(0.54, 0.22), (0.29, 0.58)],
        [(0.54, 0.22), (0.72, 0.57)],
        [(0.4, 0.25), (0.28, 0.58)],
        [(0.66, 0.31), (0.75, 0.55)],
        [(0.75, 0.55), (0.82, 0.5)],
    ]
    strength = np.maximum(strength, 0.8 * lines(size, ropes, [0.003] * 5))
    gulls = [
        curve(
            [
                (gx - 0.02, gy - 0.008),
                (gx - 0.008, gy - 0.014),
                (gx, gy),
                (gx + 0.009, gy - 0.015),
                (gx + 0.022, gy - 0.01),
            ],
            False,
        )
        for gx, gy in ((0.24, 0.28), (0.3, 0.24), (0.78, 0.26), (0.74, 0.22))
    ]
    strength = np.maximum(strength, 0.8 * lines(size, gulls, [0.004] * 4))
    for at in (1 / n, 1 - 1 / n):
        for line in (np.abs(x - at), np.abs(y - at)):
            strength = np.maximum(
                strength,
                0.9
                * smoothstep(0.005, 0.003, line)
                * ((np.abs(x - 0.5) < 0.335) & (np.abs(y - 0.5) < 0.335)),
            )
    brushed = strength * (0.85 + 0.3 * fbm(x * 26, y * 26, 62, 3)) + 0.12 * blur(
        np.clip(strength, 0, 1), 2.5
    )
    tones = palette("f3f4ee c7d6e8 7f9fd0 3f63b0 1c3a8c 122766")
    picture = ramp(tones, np.clip(0.93 * brushed, 0, 1))
    shade = rng.normal(1, 0.022, (n, n)).astype(np.float32)
    picture = (
        picture
        * shade[np.clip((y * n).astype(int), 0, n - 1), np.clip((x * n).astype(int), 0, n - 1)][
            ..., None
        ]
    )
    grout = np.minimum(0.5 - np.abs(u), 0.5 - np.abs(v)) / n
    picture = over(picture, rgb("b9b3a2"), smoothstep(0.0042, 0.0022, grout))
    field = fbm(x * 7 + 0.3 * fbm(x * 20, y * 20, 63, 2), y * 7, 64, 3)
    picture = over(picture, rgb("7f8a9a"), 0.35 * smoothstep(0.006, 0.001, np.abs(field - 0.5)))
    chips = smoothstep(0.7, 0.715, fbm(x * 9, y * 9, 65, 4)) * smoothstep(0.03, 0.0, grout)
    picture = over(picture, rgb("c79a74"), chips)
    domed = 5 * smoothstep(0.0, 0.016, grout) + 0.5 * blur(fbm(x * 20, y * 20, 66, 2), 2)
    return relief(picture, domed.astype(np.float32), 0.16, 0.1)


def kintsugi(size: int, rng: np.random.Generator) -> Array:
    """A broken bowl mended with gold, before red and black lacquer."""
    x, y = coordinates(size)
    picture = ramp(
        palette("2a0c0d 4a1214 6f1b1a 4f1416"),
        0.8 * fbm(x * 2, y * 2, 71, 4)
        + 0.5 * np.exp(-(((x - 0.35) / 0.4) ** 2) - ((y - 0.25) / 0.35) ** 2),
    )
    gold = ramp(palette("8f6420 d9a53f fbe8a6 c08a2c"), (fbm(x * 7, y * 7, 72, 3) * 2 + x - y) % 1)
    picture = over(picture, gold, 0.85 * smoothstep(0.152, 0.15, np.hypot(x - 0.73, y - 0.23)))
    for cx, cy in ((0.2, 0.16), (0.34, 0.3), (0.86, 0.44), (0.08, 0.42)):
        cloud = np.zeros((size, size), np.float32)
        for k in range(3):
            cloud = np.maximum(
                cloud,
                smoothstep(
                    0.004, 0.002, np.abs(np.hypot((x - cx - 0.06 * k), (y - cy) * 1.6) - 0.05)
                )
                * (y < cy),
            )
        picture = over(picture, gold, 0.8 * cloud)
    stems, widths = grown_tree((0.98, 0.7), -0.9, 0.2, 4, rng)
    picture = over(picture, gold, 0.9 * lines(size, stems, [max(0.003, 0.7 * w) for w in widths]))
    for path in stems[3:]:
        bx, by = path[-1]
        for t in np.linspace(0, 2 * np.pi, 6)[:-1]:
            picture = over(
                picture,
                rgb("f4d9cf"),
                0.95 * disc(x, y, (bx + 0.011 * np.cos(t), by + 0.011 * np.sin(t)), 0.0085),
            )
        picture = over(picture, gold, disc(x, y, (bx, by), 0.005))
    table = y > 0.8
    picture = np.where(
        table[..., None],
        ramp(palette("0c0b0d 1a1718 241d1c"), fbm(x * 2, y * 30, 73, 3) + 0.6 * (y - 0.8)),
        picture,
    )
    picture = over(picture, gold, smoothstep(0.004, 0.002, np.abs(y - 0.8)))
    left, right, rim, foot = 0.14, 0.8, 0.46, 0.86
    cx, wide = 0.5 * (left + right), 0.5 * (right - left)
    side = [
        (
            cx - wide * np.cos(t) if k == 0 else cx + wide * np.cos(t),
            rim + (foot - rim) * np.sin(t) ** 0.8,
        )
        for k, ts in enumerate((np.linspace(0, 1.32, 20), np.linspace(1.32, 0, 20)))
        for t in ts
    ]
    bowl = filled(size, side)
    shadow = blur(filled(size, ring((cx + 0.05, 0.87), 0.26, 40, 0.14)), 9)
    picture = over(picture, rgb("000000"), 0.6 * shadow * table)
    across = (x - cx) / wide
    down = (y - rim) / (foot - rim)
    glaze = ramp(
        palette("0f2a33 1c4f57 3f8a86 8fc0ae d9e3cc"),
        0.62 - 0.55 * across - 0.25 * down + 0.35 * (fbm(x * 4, y * 12, 74, 4) - 0.5),
    )
    drip = smoothstep(0.0, 0.05, down - 0.42 - 0.28 * fbm(x * 9, 0 * y, 75, 3))
    clay = ramp(
        palette("2c1d18 5a3a2a 8f6444 b58a62"),
        0.6 - 0.5 * across + 0.4 * (fbm(x * 30, y * 30, 76, 3) - 0.5),
    )
    picture = over(picture, over(glaze, clay, drip), bowl)
    inside = filled(size, ring((cx, rim), wide, 60, 0.2))
    hollow = ramp(palette("0c2027 1b4650 3f8583 9fc9b5"), 0.35 + 0.5 * across + 2.6 * (y - rim))
    picture = over(picture, hollow, inside)
    picture = draw_lines(
        picture, [[*ring((cx, rim), wide, 60, 0.2), (cx + wide, rim)]], 0.007, "d9e3cc"
    )
    picture = lay(
        picture,
        [(cx - 0.11, 0.86), (cx - 0.095, 0.9), (cx + 0.095, 0.9), (cx + 0.11, 0.86)],
        "3a2519",
    )
    points = rng.uniform((left, rim - 0.06), (right, foot), (15, 2)).astype(np.float32)
    u, v = x + 0.05 * (fbm(x * 9, y * 9, 77, 3) - 0.5), y + 0.05 * (fbm(x * 9, y * 9, 78, 3) - 0.5)
    far = np.sort(np.stack([np.hypot(u - px, v - py) for px, py in points]), 0)
    seam = smoothstep(0.011, 0.006, (far[1] - far[0]) * (0.9 + 0.3 * fbm(x * 14, y * 14, 79, 2)))
    body = np.maximum(bowl, inside)
    seam = seam * smoothstep(0.5, 0.9, blur(body, 1.5))
    picture = over(picture, gold * 1.08, seam)
    picture = over(
        picture,
        rgb("fff6d8"),
        0.75 * bowl * smoothstep(0.05, 0.0, np.hypot((across + 0.55) * 0.5, (down - 0.22) * 0.4)),
    )
    dust = smoothstep(2.5, 2.8, blurred_noise(rng, (size, size), 1.0)) * (1 - body)
    picture = over(picture, gold, 0.8 * dust)
    height = (3 * blur(seam, 1.4)).astype(np.float32)
    return relief(np.clip(picture, 0, 1), height, 0.35, 0.15)


def quilt(size: int, rng: np.random.Generator) -> Array:
    """Patchwork of stars and geese in printed cottons, with hand-sewn stitches."""
    x, y = coordinates(size)
    n = 12
    i, j = np.floor(x * n).astype(int), np.floor(y * n).astype(int)
    u, v = (x * n) % 1, (y * n) % 1
    bi, bj = i % 4, j % 4
    star = np.zeros((size, size), np.int64)
    mid = (bi > 0) & (bi < 3) & (bj > 0) & (bj < 3)
    star[mid] = np.where(((bi + bj) % 2 == 0), 1, 2)[mid]
    for side, tri in (
        ((bj == 0) & (bi > 0) & (bi < 3), np.where(bi == 1, v > 1 - u, v > u)),
        ((bj == 3) & (bi > 0) & (bi < 3), np.where(bi == 1, v < u, v < 1 - u)),
        ((bi == 0) & (bj > 0) & (bj < 3), np.where(bj == 1, u > 1 - v, u > v)),
        ((bi == 3) & (bj > 0) & (bj < 3), np.where(bj == 1, u < v, u < 1 - v)),
    ):
        star[side & tri] = 3
        star[side & ~tri] = 4
    corner = ((bi == 0) | (bi == 3)) & ((bj == 0) | (bj == 3))
    star[corner] = 5
    block = (i // 4) + 3 * (j // 4)
    sets = (
        ("e8dcc0", "b5402f", "e3a83f", "2f4f7f", "efe6d0", "8fae9a"),
        ("efe3c9", "3f7a6a", "d9734a", "8a2f4a", "f3ead6", "d9b56a"),
        ("e6d9bd", "4a5fa0", "e0b84f", "b5402f", "ede2ca", "c98a8f"),
    )
    table = np.stack([palette(" ".join(one)) for one in sets])
    choice = np.array([0, 1, 2, 2, 0, 1, 1, 2, 0])[np.clip(block, 0, 8)]
    picture = table[choice, star]
    kind = (star * 3 + choice + block) % 5
    dots = smoothstep(
        0.3, 0.2, np.hypot((x * 72 + 0.5 * (np.floor(y * 72) % 2)) % 1 - 0.5, (y * 72) % 1 - 0.5)
    )
    stripes = smoothstep(0.2, 0.3, np.abs((x * 54) % 1 - 0.5))
    checks = ((np.floor(x * 84) + np.floor(y * 84)) % 2).astype(np.float32)
    sprig = smoothstep(
        0.02,
        -0.02,
        np.abs(
            np.hypot((x * 40) % 1 - 0.5, (y * 40) % 1 - 0.5)
            - 0.22
            - 0.1 * np.cos(5 * np.arctan2((y * 40) % 1 - 0.5, (x * 40) % 1 - 0.5))
        )
        - 0.05,
    )
    waves = smoothstep(0.25, 0.15, np.abs((y * 46 + 0.4 * np.sin(x * 90)) % 1 - 0.5))
    prints = np.choose(kind, [dots, stripes, checks, sprig, waves])
    lighter = (picture.mean(2) < 0.55)[..., None]
    printed = np.where(lighter, picture + 0.55 * (rgb("f7efdc") - picture), 0.72 * picture + 0.05)
    picture = over(picture, printed, 0.62 * prints)
    pieces = (
        star
        + 8 * block
        + 100 * (i * (star != 3) * (star != 5))
        + 1700 * (j * (star != 3) * (star != 5))
    )
    seams = np.zeros((size, size), bool)
    seams[:, 1:] |= pieces[:, 1:] != pieces[:, :-1]
    seams[1:] |= pieces[1:] != pieces[:-1]
    away = ndimage.distance_transform_edt(~seams).astype(np.float32) * 512 / size
    plump = smoothstep(0.0, 9.0, away) * 7 + 1.2 * blur(fbm(x * 18, y * 18, 81, 3), 1)
    where = 5.0
    along = np.floor((x + y) * size / 9 * 0.8) % 2
    thread = smoothstep(1.1, 0.5, np.abs(away - where)) * along
    picture = over(picture, rgb("fbf6e8"), 0.85 * thread)
    plump = plump - 1.1 * smoothstep(2.0, 0.5, np.abs(away - where))
    loops = np.abs(np.hypot((x * 3) % 1 - 0.5, (y * 3) % 1 - 0.5) - 0.3) * size / 3 * 512 / size
    plump = plump - 1.5 * smoothstep(2.2, 0.6, loops)
    picture = over(
        picture,
        rgb("fbf6e8"),
        0.75
        * smoothstep(1.0, 0.5, loops)
        * (np.floor(np.arctan2((y * 3) % 1 - 0.5, (x * 3) % 1 - 0.5) * 18) % 2),
    )
    cloth = (
        1
        + 0.045 * np.sin(x * size * 2.1) * np.sin(y * size * 2.1)
        + 0.03 * blurred_noise(rng, (size, size), 1.0)
    )
    return relief(
        np.clip(picture * cloth[..., None], 0, 1), blur(plump.astype(np.float32), 0.8), 0.3
    )
