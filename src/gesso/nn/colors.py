"""Mean and covariance of a picture's colours, and the linear map from one pair to another."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOISE = (2 / 255) ** 2  # a variance; two grey levels of deviation are a file's noise, not colour


@dataclass(frozen=True)
class Colors:
    """The mean (C,) of a picture's colours and their covariance (C, C), float64 on the CPU."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, image: Tensor) -> Colors:
        """The colours of all pixels of (C, H, W) or (B, C, H, W)."""
        pixels = image.detach().cpu().double().movedim(-3, 0).flatten(1)
        mean = pixels.mean(1)
        away = pixels - mean.unsqueeze(1)
        return cls(mean, away @ away.T / pixels.shape[1])

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

    def moved(self, image: Tensor, target: Colors) -> Tensor:
        """`image` (…, C, H, W), whose colours these are, with mean and covariance of `target`."""
        spread, shift = (part.to(image) for part in self.transform(target))
        return torch.einsum("ij,...jhw->...ihw", spread, image) + shift.reshape(-1, 1, 1)


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """A symmetric matrix to a power; where they would divide, eigenvalues are at least NOISE."""
    values, vectors = torch.linalg.eigh(covariance)
    least = NOISE if exponent < 0 else 0.0
    powers: Tensor = values.clamp(min=least) ** exponent
    root: Tensor = vectors @ powers.diag() @ vectors.T
    return root
