"""A loaded brush: curved strokes with bristles that leave colour and thickness on a canvas."""

import numpy as np

from .canvas import sample
from .noise import Array, blurred_noise


def follow(
    angle: Array, x: Array, y: Array, length: Array | float, knots: int = 5
) -> tuple[Array, Array]:
    """Paths of strokes centred on (x, y) that run along the field ``angle``, each (n, knots)."""
    step = np.asarray(length, np.float32) / (knots - 1)
    xs, ys = np.repeat(x[:, None], knots, 1), np.repeat(y[:, None], knots, 1)
    middle = knots // 2
    for order, sign in ((range(middle + 1, knots), 1), (range(middle - 1, -1, -1), -1)):
        for i in order:
            before = i - sign
            turn = sample(angle, xs[:, before], ys[:, before])
            xs[:, i] = xs[:, before] + sign * step * np.cos(turn)
            ys[:, i] = ys[:, before] + sign * step * np.sin(turn)
    return xs, ys


class Brush:
    """Paints onto ``color`` (size, size, 3) and piles up ``height`` (size, size)."""

    def __init__(self, ground: Array, rng: np.random.Generator, bristles: float = 1.0) -> None:
        self.color = ground.astype(np.float32).copy()
        self.height = np.zeros(ground.shape[:2], np.float32)
        self.size = len(ground)
        self._rng = rng
        # Each strip is the trace of one dip of the brush: fine across, long along the stroke.
        self._strips = [blurred_noise(rng, (48, 96), (0.9, 16)) * bristles for _ in range(12)]

    def stroke(
        self, xs: Array, ys: Array, width: float, color: Array, tip: Array, opacity: float = 1.0
    ) -> None:
        """One stroke along the knots; its paint turns from ``color`` to ``tip`` across it."""
        size = self.size
        px, py, half = xs * np.float32(size), ys * np.float32(size), np.float32(width * size / 2)
        x0, x1 = int(max(px.min() - half, 0)), int(min(px.max() + half + 2, size))
        y0, y1 = int(max(py.min() - half, 0)), int(min(py.max() + half + 2, size))
        if x0 >= x1 or y0 >= y1:
            return
        along, across = _along_and_across(px, py, x0, x1, y0, y1)
        across = across / half
        strip = self._strips[self._rng.integers(len(self._strips))]
        row = np.clip((across * 0.5 + 0.5) * 47, 0, 47).astype(np.int64)
        bristle = strip[row, np.clip(along * 95, 0, 95).astype(np.int64)]
        rim = 1 - np.abs(across) + 0.12 * bristle
        # The brush runs dry: towards its end only the tallest bristles still leave paint.
        dry = np.clip((1.02 - along) * 7 + 0.8 * bristle, 0, 1) * np.clip(along * 25, 0, 1)
        alpha = np.clip(rim * half * 0.8, 0, 1) * dry * opacity
        paint = color + (tip - color) * np.clip(0.5 * across + 0.5, 0, 1)[..., None]
        paint = paint * (1 + 0.05 * bristle[..., None])
        view = self.color[y0:y1, x0:x1]
        view += (paint - view) * alpha[..., None]
        ridge = half * (0.16 * bristle + 0.22 * np.exp(-(((np.abs(across) - 0.8) / 0.2) ** 2)))
        body = self.height[y0:y1, x0:x1]
        body += (0.45 * body + ridge + 0.05 * half - body) * alpha


def _along_and_across(
    px: Array, py: Array, x0: int, x1: int, y0: int, y1: int
) -> tuple[Array, Array]:
    """For each pixel of a box: how far along the polyline (0 to 1) and how far beside it."""
    gx = np.arange(x0, x1, dtype=np.float32)[None, None, :] + np.float32(0.5)
    gy = np.arange(y0, y1, dtype=np.float32)[None, :, None] + np.float32(0.5)
    dx, dy = np.diff(px)[:, None, None], np.diff(py)[:, None, None]
    gx, gy = gx - px[:-1, None, None], gy - py[:-1, None, None]
    square = np.maximum(dx * dx + dy * dy, np.float32(1e-6))
    t = np.minimum(np.maximum((gx * dx + gy * dy) / square, 0), 1)
    rx, ry = gx - t * dx, gy - t * dy
    away = rx * rx + ry * ry
    nearest = away.argmin(0)
    rows, columns = np.ogrid[: y1 - y0, : x1 - x0]
    pick = (nearest, rows, columns)
    side = np.where((dx * ry > dy * rx)[pick], np.float32(1), np.float32(-1))
    along = (nearest + t[pick]) * np.float32(1 / len(dx))
    return along.astype(np.float32), side * np.sqrt(away[pick])
