"""The colours of a drawn picture, within the style's range (`gesso.fitting.recolor`, in numpy)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gesso.graphs.drawing import CONES, LAB, PASSES, STOP
from gesso.images.arrays import Pixels
from gesso.runtime.sessions import Arrays


def recolored(picture: Pixels, colors: Arrays) -> Pixels:
    """(3, H, W) in [0, 1] whose chroma, evened out between edges of lightness, is in the range of a
    style's colours: `least` and `most` (3,) in OKLab. Lightness stays."""
    lab = to_oklab(picture)
    least, most = (colors[name][1:, None, None] for name in ("least", "most"))
    lab[1:] = smoothed(lab[1:].clip(least, most), lab[0])
    return from_oklab(lab)


def smoothed(chroma: Pixels, light: Pixels) -> Pixels:
    """(2, H, W) averaged over 3×3 px, again and again, each neighbour by how near its lightness
    (H, W) is."""
    near = [np.exp(np.float32(-STOP) * np.abs(one[0] - light)) for one in _neighbours(light[None])]
    total = np.sum(near, 0)
    near = [one / total for one in near]
    for _ in range(PASSES):
        found = np.zeros_like(chroma)
        for share, one in zip(near, _neighbours(chroma), strict=True):
            found += share * one
        chroma = found
    return chroma


def to_oklab(image: Pixels) -> Pixels:
    """(3, H, W) of sRGB-encoded RGB → L in [0, 1], a and b within about ±0.4."""
    encoded = image.clip(0, 1)
    curved = ((encoded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    linear = np.where(encoded <= 0.04045, encoded / np.float32(12.92), curved)
    return _mixed(LAB, np.cbrt(_mixed(CONES, linear)))


def from_oklab(lab: Pixels) -> Pixels:
    """The inverse of `to_oklab`; colours that sRGB does not have are clipped to [0, 1]."""
    cones = _mixed(np.linalg.inv(np.array(LAB)), lab)
    linear = _mixed(np.linalg.inv(np.array(CONES)), cones * cones * cones).clip(0, 1)
    power = np.maximum(linear, np.float32(0.0031308)) ** np.float32(1 / 2.4)
    curved = np.float32(1.055) * power - np.float32(0.055)
    return np.where(linear <= 0.0031308, linear * np.float32(12.92), curved)


def _mixed(matrix: Any, image: Pixels) -> Pixels:
    made: Pixels = np.asarray(matrix, np.float32) @ image.reshape(3, -1)
    return made.reshape(image.shape)


def _neighbours(x: Pixels) -> Iterator[Pixels]:
    """Every place's 3×3 neighbours (C, H, W), one after the other; the border is repeated."""
    height, width = x.shape[1:]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
    return (padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3))
