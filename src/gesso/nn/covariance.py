"""Mean and covariance of features, and the matrices that take them away or give them (Li et al.
2017): whitening E D^-1/2 Eᵀ and colouring E D^1/2 Eᵀ of a covariance E D Eᵀ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from gesso.nn.precision import widen

POSITIONS = 2**14  # positions of features that are widened at a time

Moments = tuple[Tensor, Tensor]
"""Mean (B, C) and covariance (B, C, C)."""

LEAST = 1e-5
"""Eigenvalues below this are cut, as the paper's code does; for features of about unit size."""


def mean_and_covariance(x: Tensor) -> Moments:
    """μ (B, C) and covariance (B, C, C), divisor h·w, of features (B, C, h, w), in float64.

    Large features may be half-precision: a few rows are widened at a time. Products are float32 of
    what is centred already, so that small eigenvalues stay right; their sums are float64.
    """
    return moments_of(lambda: [{"": x}])[""]


def moments_of(walk: Callable[[], Iterable[Mapping[str, Tensor]]]) -> dict[str, Moments]:
    """`mean_and_covariance` of the features (B, C, h, w) of all parts, by level: `walk` begins anew
    twice, and the second time they are centred."""
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    for part in walk():
        for level, x in part.items():
            own = torch.stack([widen(piece).double().sum((2, 3)) for piece in _pieces(x)]).sum(0)
            sums[level] = sums[level] + own if level in sums else own
            counts[level] = counts.get(level, 0) + x.shape[2] * x.shape[3]
    means = {level: total / counts[level] for level, total in sums.items()}
    products: dict[str, Tensor] = {}
    for part in walk():
        for level, x in part.items():
            own = _products(x, means[level])
            products[level] = products[level] + own if level in products else own
    return {level: (mean, products[level] / counts[level]) for level, mean in means.items()}


def _pieces(x: Tensor) -> Sequence[Tensor]:
    return torch.split(x, max(1, POSITIONS // x.shape[3]), 2)


def _products(x: Tensor, mean: Tensor) -> Tensor:
    """(B, C, C): the sum of what is centred times itself."""
    total = torch.zeros(*x.shape[:2], x.shape[1], dtype=torch.float64, device=x.device)
    for piece in _pieces(x):
        wide = widen(piece)
        centred = (wide - mean.to(wide.dtype)[:, :, None, None]).flatten(2)
        total += centred @ centred.transpose(1, 2)
    return total


def of_all(moments: Moments) -> Moments:
    """Mean (1, C) and covariance (1, C, C) of a batch of equally large populations."""
    mean, covariance = moments
    middle = mean.mean(0, keepdim=True)
    return middle, (covariance + _outer(mean - middle)).mean(0, keepdim=True)


def pooled(own: Moments, other: Moments, share: Tensor) -> Moments:
    """Mean and covariance of two populations, of which the other one has `share` (B,)."""
    share = share.to(own[0])[:, None]
    mean = (1 - share) * own[0] + share * other[0]
    within, without = (one[1] + _outer(one[0] - mean) for one in (own, other))
    return mean, (1 - share[..., None]) * within + share[..., None] * without


def _outer(x: Tensor) -> Tensor:
    return x.unsqueeze(-1) * x.unsqueeze(-2)


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


def colours_of(moments: Moments) -> tuple[Tensor, Tensor]:
    """What is kept of a style's moments (1, …): its mean (N,) and the upper triangle
    (N·(N + 1)/2,) of what colours, in float32."""
    mean, covariance = moments
    factor = colouring(covariance)[0]
    rows, columns = _triangle(len(factor))
    return mean[0].float(), factor[rows, columns].float()


def whole(triangle: Tensor, channels: int) -> Tensor:
    """The symmetric matrix (N, N) of an upper triangle."""
    matrix = triangle.new_zeros(channels, channels)
    rows, columns = _triangle(channels)
    matrix[rows, columns] = triangle
    matrix[columns, rows] = triangle
    return matrix


def _triangle(channels: int) -> tuple[Tensor, Tensor]:
    rows, columns = torch.triu_indices(channels, channels)
    return rows, columns
