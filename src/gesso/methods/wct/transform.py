"""The transform of WCT at one level: features are whitened, and take on a style's covariance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.nn.covariance import Moments, whitening


@dataclass(frozen=True)
class Colours:
    """What a card holds of a style at one level.

    Attributes:
        mean: m (N,).
        factor: E D^1/2 Eᵀ (N, N) of its covariance E D Eᵀ. Coloured features are linear in it, so
            a mean of factors gives the mean of the styles' coloured features.
        alpha: how far features go there.
    """

    mean: Tensor
    factor: Tensor
    alpha: Tensor

    def of(self, own: Moments) -> tuple[Tensor, Tensor]:
        """The transform of features with these moments, matrix (B, N, N) and shift (B, N) in
        float32: x ↦ α·(F·W·(x − μ) + m) + (1 − α)·x, with W the whitening."""
        mean, covariance = own
        alpha = self.alpha.double()
        whole = self.factor.double() @ whitening(covariance)
        shift = alpha * (self.mean.double() - (whole @ mean.unsqueeze(2))[..., 0])
        same = torch.eye(whole.shape[-1], dtype=whole.dtype, device=whole.device)
        return (alpha * whole + (1 - alpha) * same).float(), shift.float()
