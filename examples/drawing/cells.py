"""Partitions of the picture into pieces: tesserae along a flow, and panes of glass."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .canvas import coordinates, sample
from .noise import Array


def labels_edges(labels: Array) -> Array:
    """True on pixels whose right or lower neighbour belongs to another piece."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def spread(size: int, count: int, rng: np.random.Generator, rounds: int = 3) -> Array:
    """About ``count`` points spread evenly but without order (Lloyd's algorithm), (n, 2)."""
    points = rng.random((count, 2), dtype=np.float32)
    x, y = coordinates(min(size, 256))
    grid = np.stack([x.ravel(), y.ravel()], 1)
    for _ in range(rounds):
        owner = cKDTree(points).query(grid)[1]
        points = _centroids(grid, owner, np.ones(len(grid), np.float32), points)
    return points


def _centroids(grid: Array, owner: Array, weight: Array, points: Array) -> Array:
    total = np.bincount(owner, weight, len(points))
    moved = [np.bincount(owner, weight * grid[:, i], len(points)) for i in (0, 1)]
    mean = np.stack(moved, 1) / np.maximum(total, 1e-6)[:, None]
    return np.where(total[:, None] > 0, mean, points).astype(np.float32)


class Tesserae:
    """Square tiles laid along a flow, as in Hausner, "Simulating Decorative Mosaics" (2001).

    Centroids are moved to the middle of their cells under a Chebyshev metric turned along the
    flow; ``gaps`` (True where grout shall run) pushes tiles away from the outlines.
    """

    def __init__(
        self, angle: Array, gaps: Array, count: int, rng: np.random.Generator, rounds: int = 9
    ) -> None:
        self._angle = angle
        side = 320
        self.points = spread(side, count, rng, 1)
        x, y = coordinates(side)
        weight = (1 - sample(gaps.astype(np.float32), x, y)).ravel() + 1e-3
        grid = np.stack([x.ravel(), y.ravel()], 1)
        for _ in range(rounds):
            owner, _ = self.assign(grid)
            self.points = _centroids(grid, owner, weight, self.points)

    def assign(self, grid: Array, near: int = 7) -> tuple[Array, Array]:
        """For positions (n, 2): the owning tile and the Chebyshev distance to its centre."""
        _, candidates = cKDTree(self.points).query(grid, near)
        turn = sample(self._angle, self.points[:, 0], self.points[:, 1])
        cosine, sine = np.cos(turn)[candidates], np.sin(turn)[candidates]
        offset = grid[:, None] - self.points[candidates]
        u = np.abs(offset[..., 0] * cosine + offset[..., 1] * sine)
        v = np.abs(offset[..., 1] * cosine - offset[..., 0] * sine)
        reach = np.maximum(u, v)
        best = reach.argmin(1)
        rows = np.arange(len(grid))
        return candidates[rows, best], reach[rows, best].astype(np.float32)


def along_outlines(labels: Array, angle: Array, reach: float) -> Array:
    """Bend a flow so that within ``reach`` pixels of an outline it runs along it."""
    distance = ndimage.distance_transform_edt(~labels_edges(labels)).astype(np.float32)
    dy, dx = np.gradient(ndimage.gaussian_filter(distance, reach / 6))
    outline = np.arctan2(dy, dx) + np.pi / 2
    near = np.clip(1.6 - distance / reach, 0, 1)
    # Directions of tiles repeat every quarter turn, so they are averaged at four times the angle.
    c = near * np.cos(4 * outline) + (1 - near) * np.cos(4 * angle)
    s = near * np.sin(4 * outline) + (1 - near) * np.sin(4 * angle)
    return (np.arctan2(s, c) / 4).astype(np.float32)
