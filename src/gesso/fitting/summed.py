"""The objective of a descent on Gram matrices, of a picture that is seen in tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from gesso.encoders.summed import Tile, summed, tiles_of
from gesso.fitting.sight import Sight
from gesso.losses.objectives import Objective
from gesso.losses.terms import total_variation
from gesso.nn.gram import gram
from gesso.nn.precision import widen


def objective_of(
    objective: Objective,
    sight: Sight,
    side: int,
    image: Tensor,
    content: Tensor,
    style: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """The weighted terms, each (1,), of an image (1, 3, H, W), as the objective has them of its
    features.

    Args:
        side: of the tiles in px.
        content: (1, 3, H, W), whose features are to stay.
        style: Gram matrices (1, C, C) by level.
    """
    height, width = image.shape[-2:]
    tiles = tiles_of(sight.encoder, sight.levels, height, width, side)
    part = partial(_of_tile, objective, content)
    error, energy, numbers, *products = summed(image, tiles, part)
    gap = None
    if objective.content_weight:
        gap = error / (energy.clamp_min(1e-12) if objective.relative else numbers)
    grams = {}
    for level, product in zip(objective.style_levels, products, strict=True):
        rows, columns = sight.grid(level, image)
        grams[level] = product / (product.shape[1] * rows * columns)
    terms = objective.of_described(gap, grams, style)
    return {**terms, "tv": objective.tv_weight * total_variation(image)}


def _of_tile(objective: Objective, content: Tensor, tile: Tile, part: Tensor) -> Sequence[Tensor]:
    """A tile's share of the content's squared error, of its features' squares, of their number, and
    of the products of each level's channels."""
    found = tile.features(part)
    with torch.no_grad():
        level = objective.content_level
        wanted = widen(tile.features(tile.of(content), [level])[level][0])
    error = (widen(found[level][0]) - wanted).square().sum((1, 2, 3))
    energy = wanted.square().sum((1, 2, 3))
    numbers = torch.full_like(energy, wanted.numel())
    return [error, energy, numbers, *(_product(found[n][0]) for n in objective.style_levels)]


def _product(features: Tensor) -> Tensor:
    """(1, C, C): F Fᵀ of (1, C, h, w)."""
    return gram(features.permute(0, 2, 3, 1).reshape(1, -1, features.shape[1]))
