"""The photo's colours in its picture (`gesso.controls.color` and `chroma`, in numpy)."""

from __future__ import annotations

import math

import numpy as np

from gesso.images.arrays import LUMA, Pixels
from gesso.runtime.colors import NOISE, Colors, Tint, at_light, colored, luma, opponent
from gesso.runtime.sampling import area_means, bilinear, window_means

PLACES, MEASURED, SMALL = 48, 100_000, 1 << 20


def grey(image: Pixels) -> Pixels:
    """Three equal channels of its luminance."""
    return np.repeat(luma(image)[None], 3, 0)


def recolored(style: Pixels, photo: Pixels, color: str) -> Pixels:
    """A style (3, h, w) as it is looked at, to keep the colours of a photo (3, H, W)."""
    if color == "content":
        return Colors.of(style).moved(style, Colors.of(photo)).clip(0, 1)
    return np.repeat(_lit(style, photo)[None], 3, 0)


def in_photos_colors(picture: Pixels, photo: Pixels, color: str, matched: bool) -> Pixels:
    """A picture with the photo's colours (content), or the photo with the picture's luminance
    (luminance). `matched`: of styles that were `recolored`."""
    if color == "luminance":
        return at_light(photo - luma(photo), luma(picture) if matched else _lit(picture, photo))
    if not matched:
        picture = Colors.of(picture).moved(picture, Colors.of(photo)).clip(0, 1)
    return _in_place(picture, photo)


def _lit(image: Pixels, like: Pixels) -> Pixels:
    """The luminance (H, W), with mean and deviation of another's."""
    (mean, deviation), (wanted, spread) = _brightness(image), _brightness(like)
    scale = spread / max(deviation, NOISE**0.5)
    return ((luma(image) - np.float32(mean)) * np.float32(scale) + np.float32(wanted)).clip(0, 1)


def _brightness(picture: Pixels) -> tuple[float, float]:
    colors, weights = Colors.of(picture), np.array(LUMA)
    variance = float(weights @ colors.covariance @ weights)
    return float(weights @ colors.mean), math.sqrt(max(0.0, variance))


def _in_place(picture: Pixels, photo: Pixels) -> Pixels:
    """With the colours that the photo has in the same places, within a 48th of its shorter side."""
    size = photo.shape[1], photo.shape[2]
    reach = max(1, min(size) // PLACES)
    missing = opponent(photo) - opponent(picture)
    means = window_means(area_means(missing, *(math.ceil(n / reach) for n in size)), 3)
    made = colored(opponent(picture) + bilinear(means, *size), luma(picture))
    every = math.isqrt(size[0] * size[1] // MEASURED) if size[0] * size[1] > SMALL else 1
    tint = Tint.of([photo[:, ::every, ::every]])
    return made if tint is None else tint.limited(made)
