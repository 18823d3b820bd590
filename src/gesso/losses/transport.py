"""Distances of two sets of vectors as distributions, and of their self-similarity (Kolkin et al.
2019, "Style Transfer by Relaxed Optimal Transport and Self-Similarity"). Vectors are rows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.losses.products import products_among

# RGB → an opponent basis: luminance, red against blue, green against magenta; orthonormal.
OPPONENT = ((0.5774, 0.5774, 0.5774), (0.7071, 0.0, -0.7071), (0.4082, -0.8165, 0.4082))


def cosine_distances(a: Tensor, b: Tensor) -> Tensor:
    """(N, M): 1 − cos of every row of (N, C) with every row of (M, C)."""
    return 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).T


def relaxed(distances: Tensor) -> Tensor:
    """The relaxed earth mover's distance of two sets with these mutual distances (N, M): the
    larger of both means of the distance to the nearest. Every vector of the one is then like some
    of the other, and none of the other is left out."""
    return torch.maximum(distances.amin(1).mean(), distances.amin(0).mean())


def relaxed_emd(a: Tensor, b: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The relaxed earth mover's distance of (N, C) and (M, C) by cosine: `relaxed` of their
    `cosine_distances`. Only the nearest count, so these are looked for without a gradient, with
    products in `dtype`."""
    return torch.maximum(*_nearest_distances(a, b, dtype))


def mean_emd(a: Tensor, b: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The mean of both directions, of which `relaxed_emd` is the larger: each step of a descent
    then acts on both."""
    return torch.stack(_nearest_distances(a, b, dtype)).mean()


def _nearest_distances(a: Tensor, b: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean distance of the rows of `a` to the nearest of `b`, and of those of `b`."""
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    with torch.no_grad():
        alike = a.to(dtype) @ b.to(dtype).T
        near_a, near_b = (x.max(1).indices for x in (alike, alike.T.contiguous()))
    return 1 - (a * b[near_a]).sum(1).mean(), 1 - (a[near_b] * b).sum(1).mean()


Moments = tuple[Tensor, Tensor]
"""Mean (C,) and covariance (C, C)."""


def moments(vectors: Tensor) -> Moments:
    """Those of (N, C)."""
    return vectors.mean(0), vectors.T.cov()


def moments_apart(a: Moments, b: Moments) -> Tensor:
    """Mean |Δμ| plus mean |ΔΣ|: what cosines leave out, magnitudes."""
    return (a[0] - b[0]).abs().mean() + (a[1] - b[1]).abs().mean()


def moment_distance(a: Tensor, b: Tensor) -> Tensor:
    """`moments_apart` of (N, C) and (M, C)."""
    return moments_apart(moments(a), moments(b))


def palette_distance(a: Tensor, b: Tensor) -> Tensor:
    """The relaxed earth mover's distance of colours (N, 3) and (M, 3), by cosine plus root mean
    square difference in an opponent basis."""
    basis = torch.tensor(OPPONENT, dtype=a.dtype, device=a.device).T
    a, b = a @ basis, b @ basis
    squared = (a[:, None] - b[None]).square().mean(2)
    return relaxed(cosine_distances(a, b) + (squared + 1e-8).sqrt())


def self_similarity(vectors: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(N, N): the cosine distances among (N, C), each column divided by its sum; products are in
    `dtype`."""
    distances = 1 - products_among(F.normalize(vectors, dim=1), dtype)
    return distances / distances.sum(0, keepdim=True).clamp_min(1e-8)


def self_similarity_distance(a: Tensor, b: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """N · mean |difference| of the self-similarity of (N, C) and (N, C'), taken at the same places
    of two pictures: 0 where the same places resemble each other, in whatever colours."""
    return (self_similarity(a, dtype) - self_similarity(b, dtype)).abs().mean() * len(a)


def color_structure_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean |difference| of the mutual distances of colours (N, 3) and (N, 3), taken at the same
    places of two pictures (the content loss of Kolkin et al. 2022)."""
    ours, theirs = ((x[:, None] - x[None]).square().sum(2).add(1e-8).sqrt() for x in (a, b))
    return (ours - theirs).abs().mean()
