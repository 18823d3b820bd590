"""Mean and covariance of features, and the matrices that take them away or give them (Li et al.
2017): whitening E D^-1/2 Eᵀ and colouring E D^1/2 Eᵀ of a covariance E D Eᵀ."""

from __future__ import annotations

import torch
from torch import Tensor

from gesso.nn.precision import widen

POSITIONS = 2**14  # positions of features that are widened at a time

LEAST = 1e-5
"""Eigenvalues below this are cut, as the paper's code does; for features of about unit size."""


def mean_and_covariance(x: Tensor) -> tuple[Tensor, Tensor]:
    """μ (B, C) and covariance (B, C, C), divisor h·w, of features (B, C, h, w), in float64.

    Large features may be half-precision: a few rows are widened at a time. Products are float32 of
    what is centred already, so that small eigenvalues stay right; their sums are float64.
    """
    count = x.shape[2] * x.shape[3]
    rows = max(1, POSITIONS // x.shape[3])
    pieces = torch.split(x, rows, 2)
    mean = torch.stack([widen(piece).double().sum((2, 3)) for piece in pieces]).sum(0) / count
    covariance = torch.zeros(*x.shape[:2], x.shape[1], dtype=torch.float64, device=x.device)
    for piece in pieces:
        wide = widen(piece)
        centred = (wide - mean.to(wide.dtype)[:, :, None, None]).flatten(2)
        covariance += centred @ centred.transpose(1, 2)
    return mean, covariance / count


def whitening(covariance: Tensor, least: float = LEAST) -> Tensor:
    """E D^-1/2 Eᵀ (…, C, C) of a covariance, float64, without the eigenvalues below `least`:
    centred features times it have as covariance the identity (on what is left)."""
    return _power(covariance, -0.5, least)


def colouring(covariance: Tensor, least: float = LEAST) -> Tensor:
    """E D^1/2 Eᵀ (…, C, C) of a covariance, float64, without the eigenvalues below `least`: white
    features times it have that covariance."""
    return _power(covariance, 0.5, least)


def times(matrix: Tensor, x: Tensor, shift: Tensor) -> Tensor:
    """`matrix` (B, D, C) times each place of x (B, C, h, w), plus `shift` (B, D), in float32."""
    wide = widen(x)
    flat = torch.baddbmm(shift.unsqueeze(2), matrix, wide.flatten(2))
    return flat.reshape(len(x), -1, *x.shape[2:])


def _power(covariance: Tensor, exponent: float, least: float) -> Tensor:
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance.double())
    kept = values > least
    powers = torch.where(kept, values, 1).pow(exponent) * kept
    return (vectors * powers.unsqueeze(-2)) @ vectors.mT
