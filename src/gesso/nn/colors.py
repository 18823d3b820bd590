"""Mean and covariance of a picture's colours, and the linear map from one pair to another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.nn.strips import Striped

MOST = 4.0  # times a difference of colours: more would be noise
NOISE = (2 / 255) ** 2  # a variance; two grey levels of deviation are a file's noise, not colour


@dataclass(frozen=True)
class Colors:
    """The mean (C,) of a picture's colours and their covariance (C, C), float64 on the CPU."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, image: Tensor, weights: Tensor | None = None) -> Colors:
        """The colours of all pixels of (C, H, W) or (B, C, H, W); with weights (H, W), not all 0,
        each counts for as much as its own."""
        pixels = image.detach().cpu().double().movedim(-3, 0).flatten(1)
        shares = torch.full_like(pixels[0], 1 / pixels.shape[1])
        if weights is not None:
            shares = weights.detach().cpu().double().flatten()
            shares = shares / shares.sum()
        mean = pixels @ shares
        away = pixels - mean.unsqueeze(1)
        return cls(mean, (away * shares) @ away.T)

    @classmethod
    def of_strips(cls, picture: Striped) -> Colors:
        """The colours of all pixels of a picture of any size."""
        if picture.is_small:
            return cls.of(picture.whole())
        total = products = torch.zeros((), dtype=torch.float64)
        for strip in map(picture.at, picture.strips()):
            pixels = strip.detach().cpu().double().movedim(-3, 0).flatten(1)
            total, products = total + pixels.sum(1), products + pixels @ pixels.T
        mean = total / picture.pixels
        return cls(mean, products / picture.pixels - torch.outer(mean, mean))

    @classmethod
    def union(cls, parts: Sequence[Colors], weights: Sequence[float]) -> Colors:
        """The colours of pictures side by side, of areas in these weights, whose sum is not 0;
        negative shares of it count as 0."""
        areas = torch.tensor([float(weight) for weight in weights], dtype=torch.float64)
        areas = (areas / areas.sum()).clamp_min(0)
        areas = areas / areas.sum()
        means = torch.stack([part.mean for part in parts])
        mean = areas @ means
        away = means - mean
        within = torch.einsum("k,kij->ij", areas, torch.stack([p.covariance for p in parts]))
        return cls(mean, within + torch.einsum("k,ki,kj->ij", areas, away, away))

    @classmethod
    def from_numbers(cls, row: Any) -> Colors:
        """The inverse of `numbers`, of three channels. Raises GessoError for anything else."""
        good = isinstance(row, list) and len(row) == 12
        if not good or not all(type(n) in (int, float) and math.isfinite(n) for n in row):
            raise GessoError(f"a palette: {str(row)[:40]}; allowed is a row of 12 numbers")
        found = torch.tensor(row, dtype=torch.float64)
        return cls(found[:3], found[3:].view(3, 3))

    def numbers(self) -> list[float]:
        """Both in one row, rounded to 1e-6: part of a cached card's key."""
        return [round(float(n), 6) for n in torch.cat([self.mean, self.covariance.flatten()])]

    def transform(self, target: Colors) -> tuple[Tensor, Tensor]:
        """A (C, C) and b (C,): colours A·x + b have mean and covariance of `target`.

        This is CORAL, A = Σt^½ Σ^-½ by eigendecomposition (the "image analogies" choice of Gatys
        et al. 2016). Where these colours vary by less than NOISE, as all but the luminance of a
        grey picture do, they are not spread any further, and reach less than the target's
        covariance.
        """
        spread = _power(target.covariance, 0.5) @ _power(self.covariance, -0.5)
        return spread, target.mean - spread @ self.mean

    def nearest(self, target: Colors, most: float = MOST) -> tuple[Tensor, Tensor]:
        """A (3, 3) and b (3,): of all affine maps to the target's mean and covariance the one that
        moves colours least, A = Σ^-½ (Σ^½ Σt Σ^½)^½ Σ^-½, which is symmetric and turns no hue. No
        difference of colours grows more than `most` times."""
        root, inverse = _power(self.covariance, 0.5), _power(self.covariance, -0.5)
        spread = inverse @ _power(root @ target.covariance @ root, 0.5) @ inverse
        values, vectors = torch.linalg.eigh((spread + spread.T) / 2)
        spread = vectors @ values.clamp(0, most).diag() @ vectors.T
        return spread, target.mean - spread @ self.mean

    def nearer(self, image: Tensor, target: Colors, way: float = 1.0) -> Tensor:
        """`image` (…, 3, H, W) in [0, 1], whose colours these are, moved that way to the target's
        by `nearest`, within the range."""
        return self.way(target, way)(image)

    def way(self, target: Colors, way: float) -> Callable[[Tensor], Tensor]:
        """What moves pictures, or parts of one, as `nearer` does."""
        matrix, shift = self.nearest(target)
        matrix = torch.lerp(torch.eye(3, dtype=matrix.dtype), matrix, way)

        def moved(image: Tensor) -> Tensor:
            turned = torch.einsum("ij,...jhw->...ihw", matrix.to(image), image)
            return turned.add_((way * shift).to(image).view(3, 1, 1)).clamp_(0, 1)

        return moved

    def moved(self, image: Tensor, target: Colors) -> Tensor:
        """`image` (…, C, H, W), whose colours these are, with mean and covariance of `target`."""
        return self.mover(target)(image)

    def mover(self, target: Colors) -> Callable[[Tensor], Tensor]:
        """What moves pictures, or parts of one, as `moved` does."""
        spread, shift = self.transform(target)

        def moved(image: Tensor) -> Tensor:
            turned = torch.einsum("ij,...jhw->...ihw", spread.to(image), image)
            return turned + shift.to(image).reshape(-1, 1, 1)

        return moved


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """A symmetric matrix to a power; where they would divide, eigenvalues are at least NOISE."""
    values, vectors = torch.linalg.eigh(covariance)
    least = NOISE if exponent < 0 else 0.0
    powers: Tensor = values.clamp(min=least) ** exponent
    root: Tensor = vectors @ powers.diag() @ vectors.T
    return root
