"""Four small worlds to render: fruit on a table, a hill town, a lake, a walker by a tree."""

from collections.abc import Callable

import numpy as np

from . import solids
from .noise import Array, fbm
from .render import Albedo, Solid, Stage, flat


def _linear(*rgb: float) -> Array:
    return np.float32(rgb) ** np.float32(2.2)


def _mixed(low: Array, high: Array, amount: Array) -> Array:
    return low + (high - low) * np.clip(amount, 0, 1)[:, None]


def _mottled(low: Array, high: Array, scale: float, seed: int) -> Albedo:
    """Two colours mixed by noise over all three coordinates."""

    def albedo(points: Array, normals: Array) -> Array:
        u = (points[:, 0] + 0.7 * points[:, 2]) * scale
        v = (points[:, 1] + 0.4 * points[:, 2]) * scale
        return _mixed(low, high, 1.8 * fbm(u, v, seed) - 0.4)

    return albedo


def _cloudy_sky(low: Array, high: Array, cloud: Array, seed: int) -> Callable[[Array], Array]:
    def sky(directions: Array) -> Array:
        up = np.clip(directions[:, 1], 0, 1)
        flat_height = 1 / (up + 0.25)
        u, v = directions[:, 0] * flat_height * 2.2, directions[:, 2] * flat_height * 2.2
        cover = np.clip((fbm(u + 9, v * 1.6 + 4, seed) - 0.46) * 4.5, 0, 1) * np.clip(up * 7, 0, 1)
        return _mixed(_mixed(low, high, up**0.6 * 1.4), cloud, 0.9 * cover)

    return sky


def _fruit(x: float, z: float, radius: float) -> Callable[[Array], Array]:
    def distance(points: Array) -> Array:
        local = points - np.float32([x, radius * 0.93, z])
        ring = np.hypot(local[:, 0], local[:, 2])
        dent = 0.34 * radius * np.exp(-((ring / (0.42 * radius)) ** 2)) * np.sign(local[:, 1])
        local = np.stack([local[:, 0], local[:, 1] + dent, local[:, 2]], 1)
        return (np.linalg.norm(local, axis=1) - np.float32(radius)) * 0.8

    return distance


def _wood(points: Array, normals: Array) -> Array:
    grain = fbm(points[:, 0] * 1.1, points[:, 2] * 9, 31)
    plank = np.abs((points[:, 2] / 0.55) % 1 - 0.5) > 0.485
    color = _mixed(_linear(0.34, 0.2, 0.12), _linear(0.66, 0.45, 0.27), 1.5 * grain - 0.25)
    return color * np.where(plank, 0.35, 1.0)[:, None]


def still_life() -> Stage:
    jug_heights = [0.0, 0.06, 0.35, 0.7, 1.0, 1.25, 1.38, 1.42]
    jug_radii = [0.3, 0.36, 0.52, 0.5, 0.3, 0.2, 0.27, 0.28]
    bowl_heights, bowl_radii = [0.0, 0.08, 0.2, 0.36, 0.42], [0.28, 0.3, 0.52, 0.72, 0.74]

    def bowl(points: Array) -> Array:
        body = solids.revolve(points, (0.55, 0, 0.25), bowl_heights, bowl_radii)
        return np.maximum(body, -solids.ellipsoid(points, (0.55, 0.5, 0.25), (0.68, 0.36, 0.68)))

    def jug(points: Array) -> Array:
        body = solids.revolve(points, (-0.72, 0, -0.1), jug_heights, jug_radii)
        loop = np.float32([-1.22, 0.86, -0.1])
        local = points - loop
        handle = np.hypot(np.hypot(local[:, 0], local[:, 1]) - 0.27, local[:, 2]) - 0.055
        return solids.smooth_union([body, handle.astype(np.float32)], 0.05)

    def raised(x: float, y: float, z: float, r: float) -> Callable[[Array], Array]:
        return lambda points: solids.sphere(points, (x, y, z), r)

    def glaze(points: Array, normals: Array) -> Array:
        band = np.abs(points[:, 1] - 0.62 - 0.05 * np.sin(points[:, 0] * 22)) < 0.07
        color = np.where(band[:, None], _linear(0.93, 0.88, 0.72), _linear(0.13, 0.32, 0.55))
        return color.astype(np.float32)

    def wall(points: Array, normals: Array) -> Array:
        fold = fbm(points[:, 0] * 0.8, points[:, 1] * 0.8, 12)
        return _mixed(_linear(0.33, 0.42, 0.4), _linear(0.55, 0.6, 0.52), fold * 1.6 - 0.3)

    apple = _mottled(_linear(0.78, 0.12, 0.08), _linear(0.93, 0.66, 0.2), 1.6, 3)
    return Stage(
        solids=(
            Solid(solids.plane, _wood, 0.06),
            Solid(lambda p: p[:, 2] + 2.2, wall),
            Solid(jug, glaze, 0.9),
            Solid(bowl, flat(0.9, 0.86, 0.78), 0.5),
            Solid(_fruit(-0.1, 0.95, 0.27), apple, 0.35),
            Solid(_fruit(-0.62, 1.02, 0.22), flat(0.55, 0.66, 0.2), 0.35),
            Solid(raised(0.3, 0.5, 0.35, 0.25), flat(0.93, 0.55, 0.12), 0.25),
            Solid(raised(0.78, 0.5, 0.32, 0.25), flat(0.94, 0.6, 0.14), 0.25),
            Solid(raised(0.53, 0.62, 0.0, 0.27), flat(0.9, 0.5, 0.1), 0.25),
            Solid(raised(1.1, 0.2, 1.0, 0.2), flat(0.95, 0.82, 0.25), 0.3),
        ),
        sky=lambda d: np.broadcast_to(_linear(0.5, 0.5, 0.5), d.shape).copy(),
        sun=(-0.8, 0.9, 0.75),
        sun_color=(2.3, 2.0, 1.6),
        ambient=(0.34, 0.4, 0.5),
        eye=(0.1, 1.7, 4.4),
        target=(0.0, 0.55, 0.0),
        field_of_view=34,
    )


def _houses(rng: np.random.Generator) -> list[tuple[float, float, float, float, float, float]]:
    rows = []
    for row, z in enumerate((1.2, -0.4, -2.0, -3.7)):
        x = -3.9 - 0.4 * (row % 2)
        while x < 3.9:
            wide, tall = rng.uniform(0.42, 0.66), rng.uniform(0.7, 1.25)
            rows.append((x + wide, 0.62 * row, z + rng.uniform(-0.2, 0.2), wide, tall, 0.55))
            x += 2 * wide + rng.uniform(0.02, 0.28)
    return rows


def _facade(points: Array, normals: Array) -> Array:
    """Plaster in pastel blocks with dark windows where the wall faces us or the side."""
    block = np.floor(points[:, 0] * 0.83) + 3 * np.floor(points[:, 2] * 0.6)
    pick = (np.sin(block * 12.9898) * 43758.5453) % 1
    paints = np.stack(
        [
            _linear(0.93, 0.8, 0.58),
            _linear(0.9, 0.64, 0.48),
            _linear(0.95, 0.91, 0.82),
            _linear(0.8, 0.5, 0.42),
            _linear(0.7, 0.76, 0.78),
        ]
    )
    color = paints[np.minimum((pick * 5).astype(int), 4)]
    along = np.where(np.abs(normals[:, 2]) > 0.5, points[:, 0], points[:, 2])
    u, v = np.abs((along / 0.3) % 1 - 0.5), np.abs(((points[:, 1] + 0.1) / 0.4) % 1 - 0.5)
    window = (u < 0.2) & (v < 0.26) & (np.abs(normals[:, 1]) < 0.5)
    return np.where(window[:, None], _linear(0.2, 0.24, 0.32), color).astype(np.float32)


def town() -> Stage:
    homes = _houses(np.random.default_rng(5))

    def walls(points: Array) -> Array:
        return np.minimum.reduce(
            [
                solids.box(points, (x, y + h / 2 - 0.6, z), (w, h / 2 + 0.6, d))
                for x, y, z, w, h, d in homes
            ]
        )

    def roofs(points: Array) -> Array:
        return np.minimum.reduce(
            [
                solids.gable(points, (x, y + h - 0.01, z), (w + 0.06, d + 0.1), 0.36)
                for x, y, z, w, h, d in homes
            ]
        )

    def tower(points: Array) -> Array:
        shaft = solids.box(points, (0.9, 2.5, -4.6), (0.42, 2.3, 0.42))
        bell = solids.box(points, (0.9, 4.35, -4.6), (0.5, 0.08, 0.5))
        return np.minimum(shaft, bell)

    def spire(points: Array) -> Array:
        local = points - np.float32([0.9, 4.8, -4.6])
        ring = np.maximum(np.abs(local[:, 0]), np.abs(local[:, 2]))
        return np.maximum(ring * 0.87 + (local[:, 1] - 1.2) * 0.36, -local[:, 1])

    def ground(points: Array) -> Array:
        return points[:, 1] - np.clip((1.4 - points[:, 2]) * 0.36, -0.1, 2.2)

    paving = _mottled(_linear(0.5, 0.46, 0.4), _linear(0.72, 0.66, 0.55), 3.0, 8)
    tiles = _mottled(_linear(0.6, 0.25, 0.16), _linear(0.82, 0.44, 0.27), 5.0, 5)
    return Stage(
        solids=(
            Solid(ground, paving),
            Solid(walls, _facade),
            Solid(roofs, tiles),
            Solid(tower, _facade),
            Solid(spire, tiles),
        ),
        sky=_cloudy_sky(_linear(0.86, 0.9, 0.92), _linear(0.25, 0.5, 0.83), _linear(1, 1, 1), 40),
        sun=(0.85, 0.8, 0.55),
        sun_color=(2.2, 1.85, 1.35),
        ambient=(0.34, 0.42, 0.56),
        eye=(-0.6, 2.6, 8.2),
        target=(0.1, 1.9, -1.0),
        field_of_view=42,
        haze=0.004,
        far=40,
    )


def _terrain(x: Array, z: Array) -> Array:
    far_range = np.clip((-z - 4) / 14, 0, 1)
    ridges = 1 - np.abs(2 * fbm(x * 0.15 + 5, z * 0.15 + 2, 70, 5, 0.42) - 1)
    shore = 0.5 * fbm(x * 0.4, z * 0.4, 77, 4) - 0.28
    bank = 0.55 * np.exp(-(((x - 3.2) / 1.8) ** 2) - ((z - 2.0) / 2.5) ** 2)
    return shore + bank + far_range * (6.8 * ridges**3 - 0.4) + 0.5 * np.clip(np.abs(x) - 4, 0, 2)


def lake() -> Stage:
    rng = np.random.default_rng(21)
    pines = []
    for _ in range(15):
        x, z = rng.choice((-1, 1)) * rng.uniform(1.9, 4.6), rng.uniform(-2.5, 3.4)
        y = float(_terrain(np.float32([x]), np.float32([z]))[0])
        if y > 0.02:
            pines.append((x, y - 0.05, z, rng.uniform(1.0, 1.7)))

    def land(points: Array) -> Array:
        return (points[:, 1] - _terrain(points[:, 0], points[:, 2])) * 0.36

    def cover(points: Array, normals: Array) -> Array:
        meadow = _mixed(
            _linear(0.25, 0.36, 0.14),
            _linear(0.62, 0.6, 0.28),
            fbm(points[:, 0] * 2.5, points[:, 2] * 2.5, 90) * 2 - 0.5,
        )
        rock = _linear(0.47, 0.43, 0.42)
        steep = np.clip((0.86 - normals[:, 1]) * 6, 0, 1)
        color = _mixed(meadow, np.broadcast_to(rock, meadow.shape), steep)
        snow = np.clip((points[:, 1] - 2.6) * 2, 0, 1) * np.clip(normals[:, 1] * 3 - 1.1, 0, 1)
        return _mixed(color, np.broadcast_to(_linear(0.96, 0.97, 1), color.shape), snow)

    def trees(points: Array) -> Array:
        crowns = []
        for x, y, z, tall in pines:
            local = points - np.float32([x, y, z])
            ring = np.hypot(local[:, 0], local[:, 2])
            tier = 0.09 * ((local[:, 1] / tall * 5) % 1)
            cone = (ring - (0.27 * (1 - local[:, 1] / tall) * tall + 0.05 - tier)) * 0.6
            crowns.append(np.maximum.reduce([cone, 0.12 - local[:, 1], local[:, 1] - tall]))
        return np.minimum.reduce(crowns)

    def ripples(points: Array) -> Array:
        wave = fbm(points[:, 0] * 2.0, points[:, 2] * 7.0, 55, 3)
        return (points[:, 1] - 0.005 * wave) * 0.9

    return Stage(
        solids=(
            Solid(ripples, flat(0.16, 0.33, 0.4), 0.8, mirror=0.55),
            Solid(land, cover),
            Solid(trees, _mottled(_linear(0.1, 0.2, 0.11), _linear(0.25, 0.36, 0.16), 6, 9)),
        ),
        sky=_cloudy_sky(
            _linear(0.95, 0.82, 0.66), _linear(0.3, 0.5, 0.8), _linear(1, 0.95, 0.9), 61
        ),
        sun=(-0.75, 0.42, 0.25),
        sun_color=(2.6, 1.95, 1.3),
        ambient=(0.3, 0.4, 0.56),
        eye=(0.4, 1.3, 7.6),
        target=(0.0, 1.35, 0.0),
        field_of_view=46,
        haze=0.009,
        far=45,
    )


def _walker(points: Array) -> Array:
    coat = solids.revolve(
        points,
        (0, 0.16, 0),
        [0, 0.03, 0.35, 0.72, 0.95, 1.05, 1.1],
        [0.4, 0.42, 0.3, 0.16, 0.2, 0.14, 0.05],
    )
    left = solids.capsule(points, (-0.18, 1.18, 0), (-0.42, 0.78, 0.1), 0.09, 0.07)
    right = solids.capsule(points, (0.18, 1.18, 0), (0.5, 1.0, 0.2), 0.09, 0.07)
    return solids.smooth_union([coat, left, right], 0.09)


def walker() -> Stage:
    def skin(points: Array) -> Array:
        head = solids.ellipsoid(points, (0, 1.53, 0.02), (0.15, 0.19, 0.16))
        neck = solids.capsule(points, (0, 1.2, 0), (0, 1.4, 0), 0.07, 0.06)
        hands = np.minimum(
            solids.sphere(points, (-0.44, 0.73, 0.11), 0.075),
            solids.sphere(points, (0.54, 0.98, 0.21), 0.075),
        )
        return np.minimum(solids.smooth_union([head, neck], 0.04), hands)

    def shoes(points: Array) -> Array:
        return np.minimum(
            solids.capsule(points, (-0.12, 0.3, 0), (-0.12, 0.05, 0.03), 0.06, 0.06),
            solids.capsule(points, (0.12, 0.3, 0), (0.12, 0.05, 0.1), 0.06, 0.06),
        )

    def hat(points: Array) -> Array:
        brim = solids.cylinder(points, (0, 1.63, 0), 0.03, 0.31)
        return np.minimum(brim, solids.cylinder(points, (0, 1.64, 0), 0.16, 0.16))

    def bark(points: Array) -> Array:
        trunk = solids.capsule(points, (-1.5, -0.2, -0.8), (-1.35, 1.9, -0.9), 0.2, 0.12)
        limb = solids.capsule(points, (-1.4, 1.3, -0.86), (-0.75, 2.2, -0.7), 0.09, 0.05)
        return solids.smooth_union([trunk, limb], 0.1)

    def leaves(points: Array) -> Array:
        balls = [
            solids.sphere(points, center, radius)
            for center, radius in (
                ((-1.4, 2.5, -0.9), 0.75),
                ((-0.75, 2.45, -0.7), 0.5),
                ((-2.1, 2.3, -0.8), 0.55),
                ((-1.2, 3.0, -0.9), 0.5),
            )
        ]
        bumps = 0.16 * fbm(points[:, 0] * 6 + points[:, 2] * 3, points[:, 1] * 6, 17, 3)
        return (solids.smooth_union(balls, 0.15) - bumps) * 0.7

    def field(points: Array) -> Array:
        swell = 0.5 * fbm(points[:, 0] * 0.35 + 2, points[:, 2] * 0.35, 33, 3) - 0.3
        rise = 0.09 * np.clip(-points[:, 2] - 2, 0, 14)
        level = swell * np.clip((-points[:, 2] - 0.5) / 3, 0, 1)
        return (points[:, 1] - level - rise * fbm(points[:, 0] * 0.2, points[:, 2] * 0, 6)) * 0.7

    def grass(points: Array, normals: Array) -> Array:
        poppies = fbm(points[:, 0] * 9, points[:, 2] * 9, 2, 2) > 0.78
        path = np.clip(1.6 - np.abs(points[:, 0] - 0.25 * points[:, 2] + 0.2) * 2.5, 0, 1)
        blend = fbm(points[:, 0] * 3, points[:, 2] * 3, 4) * 2 - 0.5
        green = _mixed(_linear(0.3, 0.45, 0.15), _linear(0.75, 0.7, 0.32), blend)
        green = np.where(poppies[:, None], _linear(0.85, 0.2, 0.12), green)
        return _mixed(green, np.broadcast_to(_linear(0.8, 0.68, 0.5), green.shape), path)

    return Stage(
        solids=(
            Solid(field, grass),
            Solid(_walker, flat(0.72, 0.16, 0.2), 0.05),
            Solid(shoes, flat(0.2, 0.14, 0.12), 0.2),
            Solid(skin, flat(0.9, 0.68, 0.55), 0.1),
            Solid(hat, flat(0.93, 0.83, 0.5), 0.05),
            Solid(bark, _mottled(_linear(0.28, 0.2, 0.15), _linear(0.5, 0.38, 0.28), 5, 10)),
            Solid(leaves, _mottled(_linear(0.13, 0.28, 0.1), _linear(0.5, 0.58, 0.2), 4, 14)),
        ),
        sky=_cloudy_sky(_linear(0.88, 0.92, 0.95), _linear(0.28, 0.53, 0.86), _linear(1, 1, 1), 83),
        sun=(0.7, 0.75, 0.6),
        sun_color=(2.3, 2.0, 1.55),
        ambient=(0.35, 0.43, 0.56),
        eye=(0.5, 1.45, 5.4),
        target=(-0.35, 1.45, 0.0),
        field_of_view=40,
        haze=0.006,
        far=40,
    )
