"""Smooth random fields, the raw material of clouds, paper, hills and brushwork."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]

_PERIOD = 256


@cache
def _lattice(seed: int) -> Array:
    return np.random.default_rng(seed).random((_PERIOD, _PERIOD), dtype=np.float32)


def value_noise(x: Array, y: Array, seed: int = 0) -> Array:
    """Noise in [0, 1] that varies over about one unit of ``x`` and ``y`` (arrays of one shape)."""
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    # The quintic fade keeps the slope continuous, so shaded hills show no creases.
    fx = fx * fx * fx * (fx * (fx * 6 - 15) + 10)
    fy = fy * fy * fy * (fy * (fy * 6 - 15) + 10)
    i, j = x0.astype(np.int64) % _PERIOD, y0.astype(np.int64) % _PERIOD
    i1, j1 = (i + 1) % _PERIOD, (j + 1) % _PERIOD
    table = _lattice(seed)
    top = table[j, i] * (1 - fx) + table[j, i1] * fx
    bottom = table[j1, i] * (1 - fx) + table[j1, i1] * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)


def fbm(x: Array, y: Array, seed: int = 0, octaves: int = 5, gain: float = 0.5) -> Array:
    """Fractal sum of :func:`value_noise`, normalised to [0, 1]; each octave is turned a little."""
    total = np.zeros(np.broadcast(x, y).shape, np.float32)
    amplitude, norm = 1.0, 0.0
    for octave in range(octaves):
        total += amplitude * value_noise(x, y, seed + octave)
        norm += amplitude
        amplitude *= gain
        # A turn by an angle of tangent 3/4 hides the lattice of the octave before.
        x, y = 1.6 * x - 1.2 * y + 3.1, 1.2 * x + 1.6 * y + 7.7
    return total / np.float32(norm)


def blurred_noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]
) -> Array:
    """White noise blurred by ``sigma`` pixels and scaled to zero mean and unit deviation."""
    field = ndimage.gaussian_filter(
        rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap"
    )
    return ((field - field.mean()) / (field.std() + 1e-8)).astype(np.float32)
