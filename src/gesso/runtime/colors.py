"""A style's palette and tint (`gesso.nn.colors`, `gesso.controls.chroma`, in numpy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gesso.graphs.share import CONTRAST, DETAIL, LIGHT
from gesso.images.arrays import LUMA, Pixels

MOST, NOISE = 4.0, (2 / 255) ** 2
MEASURED, LINES, SOME = 1_000_000, 512, 100_000
TRACE = 1e-9
MUTED, ROUNDING, OUTER = 25 / 255, 3 / 255, 0.01

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Colors:
    """The mean (3,) of a picture's colours and their covariance (3, 3)."""

    mean: Numbers
    covariance: Numbers

    @classmethod
    def of(cls, image: Pixels, weights: Pixels | None = None) -> Self:
        """Those of (3, H, W); with weights (H, W) each pixel counts for as much as its own."""
        pixels = image.reshape(3, -1).astype(np.float64)
        if weights is None:
            mean = pixels.mean(1)
            away = pixels - mean[:, None]
            return cls(mean, away @ away.T / away.shape[1])
        shares = weights.ravel() / weights.sum(dtype=np.float64)
        mean = pixels @ shares
        away = pixels - mean[:, None]
        return cls(mean, (away * shares) @ away.T)

    @classmethod
    def from_numbers(cls, row: Sequence[float]) -> Self:
        """The inverse of `gesso.nn.colors.Colors.numbers`."""
        found = np.array(row, np.float64)
        return cls(found[:3], found[3:].reshape(3, 3))

    def numbers(self) -> list[float]:
        """Both in one row, rounded as cards keep them."""
        row = np.concatenate([self.mean, self.covariance.ravel()])
        return [round(float(number), 6) for number in row]

    @classmethod
    def union(cls, parts: Sequence[Colors], shares: Sequence[float]) -> Self:
        """Those of pictures side by side, of areas in these shares."""
        areas = np.array(shares).clip(0)
        areas = areas / areas.sum()
        means = np.stack([part.mean for part in parts])
        mean = areas @ means
        away = means - mean
        within = np.einsum("k,kij->ij", areas, np.stack([part.covariance for part in parts]))
        return cls(mean, within + np.einsum("k,ki,kj->ij", areas, away, away))

    def nearer(self, image: Pixels, target: Colors, way: float) -> Pixels:
        """(3, H, W) in [0, 1], whose colours these are, moved that way to the target's."""
        root, inverse = _power(self.covariance, 0.5), _power(self.covariance, -0.5)
        spread = inverse @ _power(root @ target.covariance @ root, 0.5) @ inverse
        values, vectors = np.linalg.eigh((spread + spread.T) / 2)
        spread = vectors @ np.diag(values.clip(0, MOST)) @ vectors.T
        shift = way * (target.mean - spread @ self.mean)
        return _mapped(image, (1 - way) * np.eye(3) + way * spread, shift).clip(0, 1)

    def moved(self, image: Pixels, target: Colors) -> Pixels:
        """(3, H, W), whose colours these are, with mean and covariance of the target's (CORAL)."""
        spread = _power(target.covariance, 0.5) @ _power(self.covariance, -0.5)
        return _mapped(image, spread, target.mean - spread @ self.mean)


def with_palette(
    picture: Pixels,
    photo: Pixels,
    targets: Sequence[Colors],
    share: float,
    regions: Pixels | None = None,
) -> Pixels:
    """A picture of a photo with that share of the palette, or of one in each region (K, H, W); less
    where the photo lacks colours."""
    way = share * (1 - lacking(photo))
    if not way:
        return picture
    every = max(1, round((picture.shape[1] * picture.shape[2] / MEASURED) ** 0.5))
    some = picture[:, ::every, ::every]
    if regions is None:
        return Colors.of(some).nearer(picture, targets[0], way)
    total = np.zeros_like(picture)
    for target, region in zip(targets, regions, strict=True):
        own = Colors.of(some, region[::every, ::every] + np.float32(TRACE))
        total += region * own.nearer(picture, target, way)
    return total


def lacking(photo: Pixels) -> float:
    """How flat, smooth or dark a photo (3, H, W) is (`gesso.nn.surroundings.shares`)."""
    every = max(1, min(photo.shape[1:]) // LINES)
    rows, columns = photo[:, ::every], photo[:, :, ::every]
    light = luma(rows)
    detail = (_seconds(light) + _seconds(luma(columns).T)) / 2
    mean = float(light.mean())
    contrast = float(rows.std((1, 2), dtype=np.float64).max())
    values = ((detail, DETAIL), (contrast, CONTRAST), (min(mean, 1 - mean), LIGHT))
    return max(min(1.0, max(0.0, (most - v) / (most - least))) for v, (least, most) in values)


@dataclass(frozen=True)
class Tint:
    """The range of a muted picture's colours: see `gesso.controls.chroma.Tint`."""

    directions: Pixels
    least: Pixels
    most: Pixels

    @classmethod
    def of(cls, images: Sequence[Pixels]) -> Self | None:
        """That of pictures (3, H, W) together; None unless all are grey or nearly so."""
        known = np.concatenate([_some(image) for image in images], 1)
        far = np.sort(np.linalg.norm(known, axis=0))
        at = (1 - OUTER) * (len(far) - 1)
        outer = float(np.interp(at, np.arange(len(far)), far))  # np.quantile is slow to import
        if outer > MUTED:
            return None
        if outer < ROUNDING:
            zero = np.zeros(2, np.float32)
            return cls(np.eye(2, dtype=np.float32), zero, zero)
        directions = np.linalg.eigh(np.cov(known.astype(np.float64)))[1].astype(np.float32)
        along = directions.T @ known
        return cls(directions, along.min(1), along.max(1))

    @classmethod
    def from_numbers(cls, rows: Any) -> Self | None:
        """That of an exported network's metadata; None for None."""
        return None if rows is None else cls(*(np.array(row, np.float32) for row in rows))

    def limited(self, image: Pixels) -> Pixels:
        """(3, H, W) in [0, 1] whose colours are in the range; luminance stays."""
        flat = image.reshape(3, -1)
        along = self.directions.T @ opponent(flat)
        kept = self.directions @ along.clip(self.least[:, None], self.most[:, None])
        return colored(kept, luma(flat)).reshape(image.shape)


def colored(kept: Pixels, light: Pixels) -> Pixels:
    """The picture of R − Y and B − Y (2, …) and its luminance Y (…), less saturated where that
    would leave [0, 1]."""
    red, blue = light + kept
    green = (light - LUMA[0] * red - LUMA[2] * blue) / np.float32(LUMA[1])
    return at_light(np.stack([red, green, blue]) - light, light)


def at_light(chroma: Pixels, light: Pixels) -> Pixels:
    """Colours (3, …) without their luminance at another (…), less saturated where they have to."""
    light = light.clip(0, 1)
    room = np.where(chroma > 0, 1 - light, light) / np.abs(chroma).clip(1e-6)
    out: Pixels = (light + room.min(0).clip(None, 1) * chroma).clip(0, 1)
    return out


def opponent(image: Pixels) -> Pixels:
    """R − Y and B − Y (2, …) of (3, …)."""
    found: Pixels = image[0::2] - luma(image)
    return found


def luma(image: Pixels) -> Pixels:
    """The luminance (…) of (3, …)."""
    red, green, blue = image
    weights = np.array(LUMA, np.float32)
    found: Pixels = weights[0] * red + weights[1] * green + weights[2] * blue
    return found


def _some(image: Pixels) -> Pixels:
    every = 1 + image.shape[1] * image.shape[2] // SOME
    return opponent(image.reshape(3, -1)[:, ::every])


def _mapped(image: Pixels, matrix: Numbers, shift: Numbers) -> Pixels:
    moved: Pixels = matrix.astype(np.float32) @ image.reshape(3, -1)
    moved += shift.astype(np.float32)[:, None]
    return moved.reshape(image.shape)


def _seconds(lines: Pixels) -> float:
    found = np.diff(lines, 2)
    return float((found**2).mean(dtype=np.float64)) if found.size else 1.0


def _power(covariance: Numbers, exponent: float) -> Numbers:
    values, vectors = np.linalg.eigh(covariance)
    powers = values.clip(NOISE if exponent < 0 else 0.0) ** exponent
    root: Numbers = vectors @ np.diag(powers) @ vectors.T
    return root
