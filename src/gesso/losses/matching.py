"""Feature vectors matched with those of a style: nearest neighbours by centred cosine distance
(Kolkin et al. 2022, "Neural Neighbor Style Transfer"). Vectors are rows: (N, C)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CANDIDATES = 8192  # rows among which representatives are looked for
CHUNK = 4096  # query vectors compared at a time: with 16,384 others 128 MB of bfloat16


@torch.no_grad()
def nearest(
    query: Tensor,
    style: Tensor,
    style_mean: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """(N,): for every query vector (N, C) the index of the style vector (M, C) of least cosine
    distance, once the mean of each set was taken off its vectors.

    Args:
        style_mean: (C,), of the whole style, where `style` is a part of it.
        dtype: of the products; bfloat16 finds neighbours as good, up to its rounding.
    """
    mean = style.float().mean(0) if style_mean is None else style_mean
    q = F.normalize(query.float() - query.float().mean(0), dim=1).to(dtype)
    s = F.normalize(style.float() - mean, dim=1).to(dtype)
    # max takes a fifth of argmax's time here
    return torch.cat([(part @ s.T).max(1).indices for part in torch.split(q, CHUNK)])


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean of 1 − cos of the rows of (N, C) and those of (N, C)."""
    return (1 - F.cosine_similarity(a, b, dim=1)).mean()


@torch.no_grad()
def representatives(vectors: Tensor, count: int, seed: int = 0) -> Tensor:
    """(min(count, N), C): rows of (N, C) that stand for all of them.

    The first half is drawn at random, which keeps what is common; the others are chosen one by one,
    among up to CANDIDATES rows, as the one farthest from all chosen so far, by cosine once the mean
    is taken off, which keeps what is rare, such as the outlines of a painting.
    """
    order = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(seed))
    if len(vectors) <= count:
        return vectors[order.to(vectors.device)]
    drawn = order[: max(CANDIDATES, count)].to(vectors.device)
    units = F.normalize(vectors[drawn].float() - vectors.float().mean(0), dim=1)
    picks = list(range((count + 1) // 2))
    closest = (units @ units[: len(picks)].T).amax(1)
    while len(picks) < count:
        picks.append(int(closest.argmin()))
        closest = torch.maximum(closest, units @ units[picks[-1]])
    return vectors[drawn[picks]]
