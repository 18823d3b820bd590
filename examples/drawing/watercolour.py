"""A lagoon at dusk in transparent washes on rough paper."""

import numpy as np
from scipy import ndimage

from .canvas import blur, coordinates, curve, filled, lines, mirrored, paper, rgb, smoothstep
from .noise import Array, blurred_noise, fbm

DOME = [(-0.06, 0.0), (-0.062, -0.03), (-0.045, -0.07), (0.0, -0.095)]
DOME += [(0.045, -0.07), (0.062, -0.03), (0.06, 0.0)]
HULL = [(-0.15, -0.035), (-0.12, 0.0), (0.0, 0.014), (0.12, 0.0), (0.16, -0.05), (0.1, -0.012)]
HULL += [(0.0, -0.004), (-0.1, -0.012)]
HORIZON = 0.6


class Sheet:
    """Wet paper: washes multiply the light that comes back from it."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size = size
        self._rng = rng
        self.grain = paper(rng, size)
        self._light = np.broadcast_to(-np.log(rgb("fbf6ea")), (size, size, 3)).copy()
        self._light += 0.01 * self.grain[..., None]
        # Noise is dear, so it is drawn once and slid about for every wash.
        scale = size / 704
        self._pool = 0.8 + 0.17 * blurred_noise(rng, (size, size), 34 * scale)
        self._drift = 1.5 * scale * blurred_noise(rng, (size, size), 8 * scale)
        self._drift += 0.35 * scale * blurred_noise(rng, (size, size), 1.8 * scale)

    def _slid(self, field: Array) -> Array:
        return np.roll(field, tuple(self._rng.integers(self.size, size=2)), (0, 1))

    def wash(self, mask: Array, pigment: str, strength: float, wet: float = 0.0) -> None:
        """One layer of ``pigment``; ``wet`` (0 to 1) lets it run and softens its edge."""
        scale = self.size / 704
        mask = blur(mask, 26 * wet * scale) if wet else self._wobble(mask)
        edge = np.clip(mask - blur(mask, 5.5 * scale), 0, 1) * (1 - wet)
        # Pigment settles in the valleys of the paper, and at the rim of the drying puddle.
        amount = mask * (self._slid(self._pool) + 0.085 * self.grain) + 1.2 * edge
        absorbed = -np.log(np.clip(rgb(pigment), 0.02, 1))
        self._light += 0.8 * strength * np.clip(amount, 0, None)[..., None] * absorbed

    def lift(self, mask: Array, amount: float) -> None:
        """Take paint away again, as with a damp brush."""
        self._light *= 1 - amount * mask[..., None]

    def _wobble(self, mask: Array) -> Array:
        dy, dx = self._slid(self._drift), self._slid(self._drift)
        rows, columns = np.mgrid[: self.size, : self.size]
        moved = ndimage.map_coordinates(mask, [rows + dy, columns + dx], order=1, mode="nearest")
        return moved.astype(np.float32)

    def picture(self) -> Array:
        return np.clip(np.exp(-self._light), 0, 1).astype(np.float32)


def _sky(sheet: Sheet, x: Array, y: Array) -> None:
    clouds = fbm(x * 2.2 + 1, y * 4.5, 4, 5)
    sheet.wash(smoothstep(0.0, 0.55, y) * smoothstep(0.98, 0.5, y), "f6b98a", 0.75, 0.5)
    sheet.wash(smoothstep(0.42, 0.62, y) * smoothstep(0.75, 0.6, y), "ef7f72", 0.6, 0.6)
    sheet.wash(smoothstep(0.48, 0.58, clouds) * smoothstep(0.45, 0.2, y), "6f8fb8", 0.8, 0.3)
    sheet.wash(smoothstep(0.53, 0.56, clouds) * smoothstep(0.4, 0.15, y), "5a6f9f", 0.45)
    sheet.wash(smoothstep(0.25, -0.1, y), "4f8fbf", 0.9, 0.7)
    sun = np.hypot(x - 0.3, y - 0.47)
    sheet.lift(smoothstep(0.16, 0.03, sun), 0.75)
    sheet.wash(smoothstep(0.047, 0.043, sun), "f9a24a", 0.9)


def _city(sheet: Sheet, x: Array, y: Array) -> Array:
    """The islands and the basilica; returns everything that stands above the water."""
    size = sheet.size
    far = smoothstep(0.0, 0.006, y - (HORIZON - 0.025 - 0.03 * fbm(x * 9, y * 0, 30, 3)))
    far *= y < HORIZON
    sheet.wash(far, "9a8fb8", 0.9, 0.05)
    rows = HORIZON - 0.05 - 0.05 * np.floor(fbm(x * 16, y * 0, 33, 2) * 5) / 3
    houses = smoothstep(0.0, 0.004, y - rows) * (y < HORIZON + 0.004) * (x > 0.47)
    sheet.wash(houses, "c9846f", 1.0)
    tower = filled(size, [(0.905, 0.6), (0.907, 0.27), (0.925, 0.19), (0.943, 0.27), (0.945, 0.6)])
    sheet.wash(tower, "b5654a", 1.1)
    sheet.wash(tower * (x > 0.925), "6f4f7a", 0.8)
    walls = filled(size, [(0.56, 0.604), (0.56, 0.485), (0.82, 0.485), (0.82, 0.604)])
    sheet.wash(walls, "e0b088", 1.0)
    city = np.maximum.reduce([far, houses, tower, walls])
    for cx, base, scale in ((0.69, 0.475, 1.5), (0.585, 0.49, 0.8), (0.795, 0.49, 0.8)):
        dome = filled(size, mirrored(curve(DOME, False), False, scale, (cx, base)))
        sheet.wash(dome, "7f9aa8", 1.1)
        sheet.wash(dome * smoothstep(cx - 0.01, cx + 0.05, x), "4f5f8f", 0.9, 0.12)
        top = base - 0.095 * scale
        tip = lines(size, [[(cx, top), (cx, top - 0.045 * scale)]], [0.006])
        sheet.wash(tip, "5f5a72", 1.2)
        city = np.maximum.reduce([city, dome, tip])
    _windows(sheet)
    return city


def _windows(sheet: Sheet) -> None:
    arches = [[(cx, 0.57), (cx, 0.535)] for cx in np.arange(0.585, 0.81, 0.027)]
    slits = [[(0.925, cy), (0.925, cy + 0.02)] for cy in (0.3, 0.38, 0.46, 0.54)]
    holes = lines(sheet.size, [*arches, *slits], [0.011] * len(arches) + [0.008] * len(slits))
    sheet.wash(holes, "4a4668", 1.3)
    sheet.wash(lines(sheet.size, [[(0.56, 0.512), (0.82, 0.512)]], [0.006]), "9f6a5a", 0.8)


def _water(sheet: Sheet, x: Array, y: Array, city: Array) -> None:
    below = smoothstep(HORIZON - 0.002, HORIZON + 0.004, y)
    sheet.wash(below * smoothstep(0.5, 1.05, y), "3f7f9a", 0.95, 0.05)
    sheet.wash(below * smoothstep(0.85, 1.1, y), "2f4f7f", 0.7, 0.4)
    waver = 0.012 * (fbm(x * 7, y * 46, 40, 3) - 0.5) * (1 + 9 * np.clip(y - HORIZON, 0, 1))
    rows = np.clip(((2 * HORIZON - y + 2 * (y - HORIZON) * 0.1) * sheet.size), 0, sheet.size - 1)
    columns = np.clip((x + 3 * waver) * sheet.size, 0, sheet.size - 1)
    mirror = city[rows.astype(np.int64), columns.astype(np.int64)] * below
    sheet.wash(mirror, "8a6f86", 0.65, 0.04)
    streak = smoothstep(0.6, 0.66, fbm(x * 5, y * 62, 44, 3)) * smoothstep(0.62, 0.75, y)
    sheet.wash(streak * below, "2f6488", 0.6)
    glint = smoothstep(0.56, 0.6, fbm(x * 12, y * 80, 47, 2)) * np.exp(-(((x - 0.3) / 0.07) ** 2))
    sheet.lift(glint * below, 0.7)
    sheet.wash(glint * below, "f9b05a", 0.5)


def _boats(sheet: Sheet) -> None:
    size = sheet.size
    for at, scale, flip in (((0.3, 0.83), 1.35, False), ((0.71, 0.73), 0.62, True)):
        hull = filled(size, mirrored(curve(HULL), flip, scale, at))
        shade = filled(size, mirrored([(px, 0.03 - 0.8 * py) for px, py in HULL], flip, scale, at))
        sheet.wash(shade, "2f4f6f", 0.8, 0.06)
        sheet.wash(hull, "2a2438", 1.6)
        sign = -1 if flip else 1
        mx, my = at[0] - 0.08 * scale * sign, at[1] - 0.01 * scale
        body = [(-0.016, 0), (-0.02, -0.055), (-0.008, -0.085), (0.012, -0.085), (0.02, 0)]
        sheet.wash(filled(size, mirrored(curve(body), flip, scale, (mx, my))), "b5433a", 1.2)
        x, y = coordinates(size)
        head = np.hypot(x - mx, y - my + 0.1 * scale)
        sheet.wash(smoothstep(0.0135 * scale, 0.011 * scale, head), "5a3a30", 1.3)
        oar = [(mx + 0.01, my - 0.07 * scale), (mx - 0.12 * sign * scale, my + 0.05 * scale)]
        sheet.wash(lines(size, [oar], [0.005]), "3a2f3a", 1.3)


def draw(size: int, rng: np.random.Generator) -> Array:
    x, y = coordinates(size)
    sheet = Sheet(size, rng)
    _sky(sheet, x, y)
    city = _city(sheet, x, y)
    _water(sheet, x, y, city)
    _boats(sheet)
    splash = smoothstep(3.3, 3.5, blurred_noise(rng, (size, size), 2.4 * size / 704))
    sheet.wash(splash, "5a6f9f", 0.35)
    return sheet.picture()
