"""Distances of two sets of vectors as distributions, and of their self-similarity (Kolkin et al.
2019, "Style Transfer by Relaxed Optimal Transport and Self-Similarity"). Vectors are rows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

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


def relaxed_emd(a: Tensor, b: Tensor) -> Tensor:
    """The relaxed earth mover's distance of (N, C) and (M, C) by cosine."""
    return relaxed(cosine_distances(a, b))


def moment_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean |Δμ| plus mean |ΔΣ| of (N, C) and (M, C): what cosines leave out, magnitudes."""
    return (a.mean(0) - b.mean(0)).abs().mean() + (a.T.cov() - b.T.cov()).abs().mean()


def palette_distance(a: Tensor, b: Tensor) -> Tensor:
    """The relaxed earth mover's distance of colours (N, 3) and (M, 3), by cosine plus root mean
    square difference in an opponent basis."""
    basis = torch.tensor(OPPONENT, dtype=a.dtype, device=a.device).T
    a, b = a @ basis, b @ basis
    squared = (a[:, None] - b[None]).square().mean(2)
    return relaxed(cosine_distances(a, b) + (squared + 1e-8).sqrt())


def self_similarity(vectors: Tensor) -> Tensor:
    """(N, N): the cosine distances among (N, C), each column divided by its sum."""
    distances = cosine_distances(vectors, vectors)
    return distances / distances.sum(0, keepdim=True).clamp_min(1e-8)


def self_similarity_distance(a: Tensor, b: Tensor) -> Tensor:
    """N · mean |difference| of the self-similarity of (N, C) and (N, C'), taken at the same places
    of two pictures: 0 where the same places resemble each other, in whatever colours."""
    return (self_similarity(a) - self_similarity(b)).abs().mean() * len(a)


def color_structure_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean |difference| of the mutual distances of colours (N, 3) and (N, 3), taken at the same
    places of two pictures (the content loss of Kolkin et al. 2022)."""
    ours, theirs = ((x[:, None] - x[None]).square().sum(2).add(1e-8).sqrt() for x in (a, b))
    return (ours - theirs).abs().mean()
