"""How like a style a picture is, and how much of a photo's structure it has kept, as the features
of an encoder say (Kolkin et al. 2019, "Style Transfer by Relaxed Optimal Transport and
Self-Similarity"). benchmarks/README.md has the definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gesso.encoders.levels import LEVELS
from gesso.losses.columns import CELL_PX, hypercolumns
from gesso.losses.transport import cosine_distances, self_similarity_distance

ASKED = 1024  # places whose nearest are looked for, and whose self-similarity is compared: theirs
COMPARED = 4096  # places among which the nearest are looked for: all of a picture of 256 × 256 px
SEED = 0

Columns = Sequence[Tensor]
"""Features at the places of a picture, (n, C) a level."""


def columns(features: Mapping[str, Tensor], shape: Sequence[int], count: int = COMPARED) -> Columns:
    """The features of a picture of `shape` (height, width) in px, at up to `count` cells of 4 × 4
    px in an order drawn by a fixed seed: pictures of one shape have the same places."""
    rows, across = (max(1, n // CELL_PX) for n in shape)
    drawn = torch.randperm(rows * across, generator=torch.Generator().manual_seed(SEED))
    return [hypercolumns({k: features[k]}, rows, across)[0, drawn[:count]] for k in LEVELS]


def style_match(picture: Columns, style: Columns) -> tuple[float, float]:
    """Both halves of the relaxed earth mover's distance: the mean cosine distance of a picture's
    vectors to the nearest of a style's, and of the style's to the nearest of the picture's.

    The first is high where the picture shows what the style has nowhere, the second where it leaves
    a part of the style unused. The style's mean is taken off both.
    """
    means = [level.mean(0) for level in style]
    ours, theirs = _joined(picture, style, means), _joined(style, style, means)
    return _to_nearest(ours[:ASKED], theirs), _to_nearest(theirs[:ASKED], ours)


def structure_moved(picture: Columns, photo: Columns) -> float:
    """The self-similarity distance of a picture and a photo of one shape: 0 where the same places
    resemble each other, in whatever colours. It is that of the two deepest levels: in the others
    more contrast counts for more than a face that is no longer one."""
    picture, photo = picture[-2:], photo[-2:]
    none = [torch.zeros_like(level[0]) for level in photo]
    ours, theirs = (_joined(which, photo, none)[:ASKED] for which in (picture, photo))
    return float(self_similarity_distance(ours, theirs))


def _joined(levels: Columns, scale: Columns, means: Sequence[Tensor]) -> Tensor:
    """(n, ΣC): all levels less `means`, each divided by the root mean square length of the vectors
    of `scale`, so that all weigh alike."""
    parts = []
    for level, other, mean in zip(levels, scale, means, strict=True):
        length = (other - mean).square().sum(1).mean().sqrt()
        parts.append((level - mean) / length.clamp_min(1e-8))
    return torch.cat(parts, 1)


def _to_nearest(a: Tensor, b: Tensor) -> float:
    """The mean over rows of `a` of the cosine distance to the nearest row of `b`."""
    return max(0.0, float(cosine_distances(a, b).amin(1).mean()))
