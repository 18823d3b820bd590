"""A descent finds a picture with given features."""

from __future__ import annotations

import torch

from gesso.fitting.inversion import BORDER_CELLS, Inversion, inverted
from tiny import grained, pictures, random_vgg, tiny_encoder

LEVEL = "relu3_1"


def test_the_features_come_near_to_those_of_the_picture_they_were_made_of() -> None:
    encoder, wanted = tiny_encoder(), grained(pictures(1, 48, seed=2))
    around = torch.nn.functional.pad(wanted, (4 * BORDER_CELLS,) * 4, mode="reflect")
    edge = slice(BORDER_CELLS, -BORDER_CELLS)
    target = encoder(around, [LEVEL])[LEVEL][..., edge, edge]
    losses: list[float] = []
    how = Inversion(steps=60, lr=0.03, tv_weight=0)
    start = torch.full_like(wanted, 0.5)
    found = inverted(start, target, encoder, LEVEL, how, lambda step, loss: losses.append(loss))
    assert len(losses) == 60 and losses[-1] < 0.1 * losses[0]
    assert found.shape == wanted.shape and 0 <= float(found.min()) <= float(found.max()) <= 1


def test_more_total_variation_gives_a_smoother_picture() -> None:
    encoder, photo = random_vgg(), grained(pictures(1, 32, seed=2))
    target = encoder(photo.flip(3), [LEVEL])[LEVEL]
    smooth = [
        float(
            inverted(photo, target, encoder, LEVEL, Inversion(8, 0.03, weight))
            .diff(dim=3)
            .square()
            .mean()
        )
        for weight in (0.0, 100.0)
    ]
    assert smooth[1] < smooth[0]


def test_no_step_changes_nothing_and_small_pictures_are_taken() -> None:
    encoder, photo = tiny_encoder(), torch.rand(1, 3, 8, 12)
    target = encoder(photo, [LEVEL])[LEVEL]
    torch.testing.assert_close(inverted(photo, target, encoder, LEVEL, Inversion(0)), photo)
    assert inverted(photo, target, encoder, LEVEL, Inversion(1)).shape == photo.shape
