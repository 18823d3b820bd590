"""Strength, in numpy: a picture as far from the photo as asked for (`gesso.controls.strength`)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gesso.images.arrays import Pixels

MOST_PIXELS = 2_000_000
"""Of the copy of a photo that its own look is made of."""


def at_distance(photo: Pixels, soft: Pixels, full: Pixels, strength: float) -> Pixels:
    """On the way from the photo by the soft picture to the full one, the point whose distance from
    the photo is `strength` times that of the full one; all (3, H, W)."""
    a, b, found = _products(photo, soft, full)
    wanted = strength**2 * (a + 2 * b + found)
    if found >= wanted:
        share = math.sqrt(max(0.0, wanted) / found) if found else 1.0
        return _between(photo, soft, share) if found else soft
    missing = wanted - found
    root = math.sqrt(b * b + a * missing)
    share = missing / (b + root) if b > 0 else (root - b) / a
    return _between(soft, full, min(1.0, share))


def among(
    statistics: NDArray[np.float32], others: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Means and deviations (2, C) of features, with that share of others among them, whose means
    and variances these are (`gesso.nn.surroundings.pooled`)."""
    (mean, deviation), (far, spread) = statistics, others
    middle = (1 - share) * mean + share * far
    within = (1 - share) * (deviation**2 + (mean - middle) ** 2)
    return np.stack([middle, np.sqrt(within + share * (spread + (far - middle) ** 2))])


def _between(one: Pixels, other: Pixels, share: float) -> Pixels:
    return one + np.float32(share) * (other - one)


def _products(photo: Pixels, soft: Pixels, full: Pixels) -> tuple[float, float, float]:
    """The means of onward², away·onward and away², a channel at a time."""
    total = np.zeros(3)
    for own, middle, end in zip(photo, soft, full, strict=True):
        away, onward = (x.astype(np.float64).ravel() for x in (middle - own, end - middle))
        total += onward @ onward, away @ onward, away @ away
    a, b, found = (total / photo.size).tolist()
    return a, b, found
