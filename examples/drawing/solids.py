"""Signed distances of the solids our renderings are built from. Points are (N, 3), y is up."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from .noise import Array

Vector = Sequence[float]


def plane(points: Array, height: float = 0.0) -> Array:
    return points[:, 1] - np.float32(height)


def ellipsoid(points: Array, center: Vector, radii: Vector) -> Array:
    local = points - np.float32(center)
    scaled = np.linalg.norm(local / np.float32(radii), axis=1)
    slope = np.linalg.norm(local / np.float32(radii) ** 2, axis=1)
    return scaled * (scaled - 1) / np.maximum(slope, 1e-6)


def sphere(points: Array, center: Vector, radius: float) -> Array:
    return np.linalg.norm(points - np.float32(center), axis=1) - np.float32(radius)


def box(points: Array, center: Vector, half: Vector, rounding: float = 0.0) -> Array:
    q = np.abs(points - np.float32(center)) - np.float32(half) + np.float32(rounding)
    outside = np.linalg.norm(np.maximum(q, 0), axis=1)
    return outside + np.minimum(q.max(1), 0) - np.float32(rounding)


def capsule(points: Array, start: Vector, end: Vector, r0: float, r1: float) -> Array:
    """A limb from ``start`` to ``end`` whose radius goes from ``r0`` to ``r1``."""
    a, b = np.float32(start), np.float32(end)
    along = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    nearest = a + along[:, None] * (b - a)
    radius = r0 + (r1 - r0) * along
    return np.linalg.norm(points - nearest, axis=1) - radius


def cylinder(points: Array, base: Vector, height: float, radius: float) -> Array:
    local = points - np.float32(base)
    ring = np.hypot(local[:, 0], local[:, 2]) - np.float32(radius)
    cap = np.abs(local[:, 1] - height / 2) - height / 2
    outside = np.hypot(np.maximum(ring, 0), np.maximum(cap, 0))
    return outside + np.minimum(np.maximum(ring, cap), 0)


def gable(points: Array, base: Vector, half: Vector, height: float) -> Array:
    """A saddle roof over a rectangle ``half`` (x, z), its ridge along x."""
    local = points - np.float32(base)
    run = half[1]
    cosine, sine = run / np.hypot(run, height), height / np.hypot(run, height)
    slope = np.abs(local[:, 2]) * sine + (local[:, 1] - height) * cosine
    return np.maximum.reduce([slope, -local[:, 1], np.abs(local[:, 0]) - np.float32(half[0])])


def revolve(points: Array, axis: Vector, heights: Vector, radii: Vector) -> Array:
    """A turned vessel: a smooth profile through its (height, radius) pairs."""
    local = points - np.float32(axis)
    profile = PchipInterpolator(heights, radii)
    radius = profile(np.clip(local[:, 1], heights[0], heights[-1])).astype(np.float32)
    side = (np.hypot(local[:, 0], local[:, 2]) - radius) * 0.7  # 0.7 bounds the slanted wall
    caps = np.maximum(heights[0] - local[:, 1], local[:, 1] - heights[-1])
    return np.maximum(side, caps).astype(np.float32)


def smooth_union(distances: Sequence[Array], softness: float) -> Array:
    """The union with its creases filled over about ``softness`` units."""
    result = distances[0]
    for other in distances[1:]:
        h = np.clip(0.5 + 0.5 * (other - result) / softness, 0, 1)
        result = other + (result - other) * h - softness * h * (1 - h)
    return result.astype(np.float32)
