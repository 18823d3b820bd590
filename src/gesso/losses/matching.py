"""Feature vectors matched with those of a style: nearest neighbours by centred cosine distance
(Kolkin et al. 2022, "Neural Neighbor Style Transfer"), and the terms of STROTSS (Kolkin et al.
2019). Vectors are rows: (N, C).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 4096  # query vectors compared at a time: 4096 × 16,384 products take 128 MB in bfloat16


@torch.no_grad()
def nearest(query: Tensor, style: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(N,): for every query vector (N, C) the index of the style vector (M, C) of least cosine
    distance, after the mean of each set was taken off its vectors. `dtype` is that of the
    products; bfloat16 finds neighbours as good, up to its rounding."""
    q, s = (F.normalize(v.float() - v.float().mean(0), dim=1).to(dtype) for v in (query, style))
    return torch.cat([(part @ s.T).argmax(1) for part in q.split(CHUNK)])


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean of 1 − cos of the rows of (N, C) and (N, C)."""
    return (1 - F.cosine_similarity(a, b, dim=1)).mean()


def cosine_distances(a: Tensor, b: Tensor) -> Tensor:
    """1 − cos of every row of (N, C) with every row of (M, C): (N, M)."""
    return 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).T


def relaxed_earth_movers_distance(a: Tensor, b: Tensor) -> Tensor:
    """max(mean_i min_j C, mean_j min_i C), C the cosine distances (STROTSS, equation 3): every row
    of `a` is like some row of `b`, and every row of `b` is used."""
    costs = cosine_distances(a, b)
    return torch.maximum(costs.amin(1).mean(), costs.amin(0).mean())


def moments_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of means and of covariances (STROTSS, equation 6)."""
    means = [v.mean(0) for v in (a, b)]
    centred = [v - mean for v, mean in zip((a, b), means, strict=True)]
    covariances = [v.T @ v / len(v) for v in centred]
    return (means[0] - means[1]).abs().mean() + (covariances[0] - covariances[1]).abs().mean()


def self_similarity_distance(a: Tensor, b: Tensor) -> Tensor:
    """How differently the rows of `a` and those of `b`, taken at the same places, relate to each
    other: mean absolute difference of the pairwise cosine distances, every column divided by its
    sum, times N (STROTSS, equation 7)."""
    first, second = (d / d.sum(0, keepdim=True).clamp_min(1e-6) for d in map(_own, (a, b)))
    return (first - second).abs().mean() * len(a)


def _own(a: Tensor) -> Tensor:
    return cosine_distances(a, a)
