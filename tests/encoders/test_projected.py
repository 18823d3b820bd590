"""Projected levels keep what counts of the whole ones."""

from __future__ import annotations

import torch

from gesso.encoders.levels import LEVELS
from gesso.encoders.projected import Projected, principal_directions
from tiny import WIDTHS, pictures, tiny_encoder

IMAGES = [image[None] for image in pictures(2, 64, seed=3)]
WIDTH = dict(zip(LEVELS, WIDTHS, strict=True))


def rows(features: torch.Tensor) -> torch.Tensor:
    return features[0].flatten(1).T


def test_all_directions_keep_every_angle() -> None:
    encoder = tiny_encoder()
    directions, _ = principal_directions(encoder, IMAGES, WIDTH)
    seen = Projected(encoder, directions)(IMAGES[0])
    for level, whole in encoder(IMAGES[0], LEVELS).items():
        a, b = rows(whole), rows(seen[level])
        torch.testing.assert_close(b @ b.T, a @ a.T, atol=1e-3, rtol=1e-3)


def test_few_directions_keep_most_and_levels_weigh_alike() -> None:
    encoder = tiny_encoder()
    for module in encoder.heads:
        module.weight.data.mul_(20)
    few = {level: width // 2 for level, width in WIDTH.items()}
    directions, scales = principal_directions(encoder, IMAGES, few)
    seen = Projected(encoder, {k: directions[k] * scales[k] for k in directions})
    whole, kept = {}, {}
    for image in IMAGES:
        for level, features in seen(image).items():
            assert features.shape[1] == few[level]
            kept[level] = kept.get(level, 0) + float(rows(features).square().mean()) / 2
        for level, features in encoder(image, LEVELS).items():
            whole[level] = whole.get(level, 0) + float(rows(features).square().sum(1).mean()) / 2
    for level in LEVELS:
        share = kept[level] * few[level] / scales[level] ** 2 / whole[level]
        assert 0.8 < share < 1.001 and 0.8 < kept[level] < 1.001
