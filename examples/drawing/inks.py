"""Drawn with a dry or a wet point: charcoal, pencil, ink."""

import numpy as np

from .brush import Brush, follow
from .canvas import blur, coordinates, curve, filled, lines, over, paper, rgb, sample, smoothstep
from .motifs import grown_tree, ridge
from .noise import Array, blurred_noise, fbm


def charcoal(size: int, rng: np.random.Generator) -> Array:
    """Bare trees on a hill under a driving sky, heightened with chalk on brown paper."""
    x, y = coordinates(size)
    sky = fbm(2.2 * x + 1.4 * y, 3.2 * y - 1.2 * x, 61, 5)
    tone = 0.6 + 1.7 * (sky - 0.5) - 0.16 * smoothstep(0.35, 0, y)
    glow = np.exp(-(((x - 0.66) / 0.2) ** 2) - ((y - 0.42) / 0.15) ** 2)
    tone += 0.55 * glow
    angle = (0.35 + 1.6 * (fbm(x * 2, y * 2, 62, 3) - 0.5)).astype(np.float32)
    for level, height, seed, dark in (
        (0.66, 0.1, 63, 0.5),
        (0.76, 0.08, 64, 0.4),
        (0.9, 0.07, 65, 0.3),
    ):
        land = filled(size, ridge(level, height, seed)) > 0.5
        grass = fbm(x * 30, y * 12, seed, 2)
        tone = np.where(land, dark + 0.75 * (grass - 0.5) + 0.2 * glow, tone)
        angle = np.where(land, -0.5 + 0.9 * fbm(x * 3, y * 3, seed, 2), angle).astype(np.float32)
    ground = (
        np.broadcast_to(rgb("b59d7c"), (size, size, 3)) * (1 + 0.03 * paper(rng, size))[..., None]
    )
    brush = Brush(ground, rng, 1.8)
    black, white = rgb("1d1a1b"), rgb("f3ead8")
    for count, width, length in ((900, 0.034, 0.16), (2600, 0.014, 0.09), (2200, 0.006, 0.05)):
        px, py = rng.random((2, count), dtype=np.float32)
        xs, ys = follow(angle, px, py, length * rng.uniform(0.6, 1.3, count).astype(np.float32))
        value = sample(tone, px, py) + 0.07 * rng.standard_normal(count)
        for i in range(count):
            strength = np.clip(abs(value[i] - 0.62) * 1.5, 0, 0.8)
            paint = black if value[i] < 0.62 else white
            brush.stroke(xs[i], ys[i], width * rng.uniform(0.6, 1.3), paint, paint, float(strength))
    picture = brush.color
    paths: list[list[tuple[float, float]]] = []
    widths: list[float] = []
    for at, lean, tall in (
        ((0.27, 0.86), 0.12, 0.25),
        ((0.83, 0.8), -0.16, 0.15),
        ((0.5, 0.77), 0.05, 0.09),
    ):
        more = grown_tree(at, lean, tall, 6, rng)
        paths, widths = paths + more[0], widths + more[1]
    branches = lines(size, paths, [max(0.0022, w) for w in widths])
    rough = smoothstep(-0.9, 0.3, paper(rng, size, 1.3) + 0.8)
    picture = over(picture, black, 0.95 * branches * rough)
    grain = smoothstep(0.2, 1.8, blurred_noise(rng, (size, size), 0.6 * size / 512))
    return np.clip(over(picture, rgb("c4ad8c"), 0.4 * grain), 0, 1)


def _hatched(tone: Array, size: int, rng: np.random.Generator) -> Array:
    """Graphite (0 to 1) that gives a tone: short parallel lines in five directions, one for each
    level of darkness."""
    ink = np.zeros((size, size), np.float32)
    turns = ((0.9, 0.84), (0.5, 0.64), (-0.7, 0.46), (1.4, 0.3), (0.1, 0.16))
    for turn, level in turns:
        count, length = 9000, 0.045
        px, py = rng.random((2, count), dtype=np.float32)
        light = sample(tone, px, py) + 0.05 * rng.standard_normal(count)
        keep = np.nonzero(light < level)[0]
        paths, widths = [], []
        for i in keep:
            a = turn + 0.07 * rng.standard_normal()
            half = 0.5 * length * rng.uniform(0.5, 1.3)
            dx, dy = half * np.cos(a), half * np.sin(a)
            bow = 0.1 * half
            paths.append(
                [
                    (px[i] - dx, py[i] - dy),
                    (px[i] + bow * dy / half, py[i] - bow * dx / half),
                    (px[i] + dx, py[i] + dy),
                ]
            )
            widths.append(0.0021)
        ink = 1 - (1 - ink) * (1 - rng.uniform(0.5, 0.62) * lines(size, paths, widths))
    return ink


def pencil(size: int, rng: np.random.Generator) -> Array:
    """A lighthouse on a cliff over a rough sea, hatched in graphite."""
    x, y = coordinates(size)
    clouds = fbm(x * 2.4, y * 5, 71, 4)
    tone = 1.02 - 0.7 * smoothstep(0.45, 0.75, clouds) * smoothstep(0.62, 0.2, y)
    sea = y > 0.6
    swell = fbm(x * 6, y * 26, 72, 3)
    tone = np.where(sea, 0.72 - 1.6 * (swell - 0.5), tone)
    cliff = [
        (-0.02, 0.5),
        (0.1, 0.49),
        (0.2, 0.53),
        (0.34, 0.52),
        (0.42, 0.57),
        (0.45, 0.7),
        (0.5, 0.78),
    ]
    cliff += [(0.6, 0.86), (0.64, 1.02), (-0.02, 1.02)]
    rock = filled(size, cliff) > 0.5
    strata = fbm(x * 4 + 2 * y, y * 22 - 8 * x, 73, 4)
    tone = np.where(rock, 0.5 - 1.5 * (strata - 0.5) - 0.35 * smoothstep(0.25, 0.6, x), tone)
    top = rock & (y < 0.56 + 0.03 * fbm(x * 9, y * 0, 74, 2))
    tone = np.where(top, 0.86 - 0.5 * fbm(x * 30, y * 60, 75, 2), tone)
    tower = [(0.17, 0.51), (0.195, 0.2), (0.265, 0.2), (0.29, 0.51)]
    shaft = filled(size, tower) > 0.5
    side = (x - 0.23) / 0.05
    bands = (np.floor((y - 0.2) * 13) % 2) == 1
    tone = np.where(shaft, 0.95 - 0.6 * smoothstep(0.1, 1.0, side) - 0.42 * bands, tone)
    lamp = [(0.205, 0.19), (0.205, 0.135), (0.255, 0.135), (0.255, 0.19)]
    roof = [(0.19, 0.135), (0.23, 0.085), (0.27, 0.135)]
    house = [(0.3, 0.53), (0.3, 0.45), (0.4, 0.45), (0.4, 0.55)]
    gable = [(0.285, 0.455), (0.32, 0.4), (0.41, 0.4), (0.42, 0.455)]
    for shape, value in ((lamp, 0.85), (roof, 0.12), (house, 0.9), (gable, 0.25)):
        tone = np.where(filled(size, shape) > 0.5, value, tone)
    foam = (
        smoothstep(
            0.09, 0.0, np.abs(x - (0.42 + 0.6 * (y - 0.6)) - 0.03 * fbm(x * 9, y * 9, 77, 2))
        )
        * sea
    )
    tone = np.where(rock, tone, np.maximum(tone, foam * 1.1))
    beam = smoothstep(0.07, 0.02, np.abs((y - 0.16) + 0.1 * (x - 0.23))) * (x > 0.26)
    tone = np.maximum(tone, np.where(sea, 0, 1.1 * beam))
    ink = _hatched(blur(tone.astype(np.float32), 0.8), size, rng)
    shapes = [
        cliff,
        [*tower, tower[0]],
        [*lamp, lamp[0]],
        [*roof, roof[0]],
        [*house, house[0]],
        [*gable, gable[0]],
    ]
    shapes += [
        [(0.0, 0.6), (1.0, 0.6)],
        [(0.185, 0.195), (0.275, 0.195)],
        [(0.34, 0.55), (0.34, 0.49), (0.365, 0.49), (0.365, 0.55)],
    ]
    for _ in range(2):
        shaken = [
            [
                (px + 0.0016 * rng.standard_normal(), py + 0.0016 * rng.standard_normal())
                for px, py in s
            ]
            for s in shapes
        ]
        ink = 1 - (1 - ink) * (1 - 0.6 * lines(size, shaken, [0.0026] * len(shaken)))
    gulls = [
        curve(
            [
                (gx - 0.025, gy - 0.01),
                (gx - 0.01, gy - 0.018),
                (gx, gy),
                (gx + 0.012, gy - 0.02),
                (gx + 0.028, gy - 0.012),
            ],
            False,
        )
        for gx, gy in ((0.6, 0.3), (0.7, 0.24), (0.55, 0.22), (0.8, 0.33))
    ]
    ink = np.maximum(ink, 0.75 * lines(size, gulls, [0.004] * len(gulls)))
    sheet = rgb("f7f6f2") * (1 + 0.012 * paper(rng, size))[..., None]
    graphite = ink * np.clip(0.86 + 0.22 * paper(rng, size), 0.3, 1)
    return np.clip(over(sheet, rgb("3d4046"), graphite), 0, 1)


def sumi_e(size: int, rng: np.random.Generator) -> Array:
    """Mountains in the mist, a pine and a boat: diluted ink on rice paper, and a red seal."""
    x, y = coordinates(size)
    light = np.zeros((size, size), np.float32)
    peaks = ((0.34, 0.13, 81, 2.2, 0.26), (0.46, 0.12, 82, 2.8, 0.4), (0.6, 0.09, 83, 3.4, 0.62))
    for level, height, seed, scale, dark in peaks:
        land = blur(filled(size, ridge(level, height, seed, scale, 5)), 1.2 * size / 512)
        edge = land - blur(land, 9 * size / 512)
        fade = smoothstep(0.26, 0.0, y - level + height) * (
            0.75 + 0.6 * (fbm(x * 7, y * 4, seed, 4) - 0.4)
        )
        light += dark * (land * fade + 1.4 * np.clip(edge, 0, 1) * fade)
    mist = smoothstep(0.45, 0.7, fbm(x * 1.7, y * 5, 84, 4)) * smoothstep(0.2, 0.5, y)
    light *= 1 - 0.8 * mist
    sun = np.hypot(x - 0.73, y - 0.17)
    ground = (
        rgb("efe8d6")
        * (1 + 0.018 * paper(rng, size) + 0.02 * blurred_noise(rng, (size, size), 30 * size / 512))[
            ..., None
        ]
    )
    picture = ground * np.exp(-1.9 * np.clip(light, 0, None))[..., None] ** np.array(
        [1, 0.98, 0.93], np.float32
    )
    picture = over(
        picture,
        rgb("c8503a"),
        0.72 * smoothstep(0.075, 0.068, sun) * (0.85 + 0.2 * fbm(x * 8, y * 8, 85, 3)),
    )
    brush = Brush(picture, rng, 2.2)
    ink = rgb("1f2126")
    trunk = [(0.1, 1.0), (0.17, 0.86), (0.13, 0.72), (0.22, 0.6), (0.2, 0.47), (0.29, 0.38)]
    boughs = [
        trunk,
        [(0.15, 0.7), (0.27, 0.66), (0.42, 0.69)],
        [(0.21, 0.57), (0.1, 0.52), (0.02, 0.53)],
    ]
    boughs += [[(0.21, 0.52), (0.34, 0.47), (0.46, 0.5)], [(0.24, 0.44), (0.14, 0.37)]]
    for number, bough in enumerate(boughs):
        path = np.array(curve(bough, False, 3), np.float32)
        brush.stroke(
            path[:, 0], path[:, 1], 0.034 if number == 0 else 0.014, ink, rgb("4a4a4c"), 0.95
        )
    tufts = [
        (0.42, 0.68),
        (0.34, 0.66),
        (0.26, 0.64),
        (0.02, 0.52),
        (0.09, 0.5),
        (0.46, 0.49),
        (0.37, 0.46),
        (0.3, 0.36),
        (0.22, 0.38),
        (0.13, 0.36),
        (0.31, 0.41),
    ]
    for tx, ty in tufts:
        for _ in range(44):
            a = rng.uniform(-2.9, -0.2)
            long = rng.uniform(0.02, 0.055)
            sx, sy = tx + 0.03 * rng.standard_normal(), ty + 0.008 * rng.standard_normal()
            t = np.linspace(0, 1, 4, dtype=np.float32)
            brush.stroke(
                (sx + long * np.cos(a) * t).astype(np.float32),
                (sy + long * np.sin(a) * t + 0.006 * t * t).astype(np.float32),
                rng.uniform(0.003, 0.006),
                ink,
                ink,
                rng.uniform(0.35, 0.9),
            )
    for _ in range(60):
        ry = rng.uniform(0.72, 0.98)
        rx = rng.uniform(0.3, 1.0)
        t = np.linspace(-0.5, 0.5, 5, dtype=np.float32)
        brush.stroke(
            (rx + 0.22 * ry * t).astype(np.float32),
            (ry + 0.004 * np.sin(9 * t)).astype(np.float32),
            rng.uniform(0.003, 0.008),
            rgb("6c7075"),
            rgb("8c9094"),
            rng.uniform(0.12, 0.4),
        )
    picture = brush.color
    hull = curve(
        [(0.6, 0.775), (0.66, 0.8), (0.76, 0.8), (0.83, 0.765), (0.76, 0.785), (0.66, 0.785)]
    )
    man = curve([(0.69, 0.78), (0.685, 0.74), (0.7, 0.72), (0.715, 0.74), (0.715, 0.78)])
    hat = [(0.675, 0.725), (0.701, 0.7), (0.728, 0.726)]
    for shape in (hull, man, hat):
        picture = over(picture, ink, 0.9 * filled(size, shape))
    picture = over(picture, ink, 0.8 * lines(size, [[(0.71, 0.73), (0.6, 0.84)]], [0.004]))
    seal = [(0.885, 0.86), (0.945, 0.86), (0.945, 0.92), (0.885, 0.92)]
    worn = smoothstep(-1.4, -0.4, paper(rng, size, 1.6) + 0.6)
    picture = over(picture, rgb("b3362b"), 0.9 * filled(size, seal) * worn)
    marks = [
        [(0.9, 0.872), (0.93, 0.872)],
        [(0.915, 0.872), (0.915, 0.908)],
        [(0.898, 0.89), (0.932, 0.89)],
        [(0.9, 0.908), (0.93, 0.908)],
    ]
    picture = over(picture, rgb("efe8d6"), 0.9 * lines(size, marks, [0.005] * 4))
    return np.clip(picture, 0, 1).astype(np.float32)
