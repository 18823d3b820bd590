"""Light and shade of a photo, given back to what was drawn of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gesso.fitting.shading import shaded


def image(seed: int, height: int = 128, width: int = 96) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.25 + 0.5 * torch.rand(1, 3, height, width, generator=generator)


def shapes(picture: torch.Tensor) -> torch.Tensor:
    """Its lightness at 8 px, without what is larger than 64 px."""
    small = F.avg_pool2d(picture.mean(1, keepdim=True), 8)
    return small - small.mean()


def test_shapes_become_as_light_and_dark_as_the_photos() -> None:
    picture, photo = F.avg_pool2d(image(0), 9, 1, 4), image(1)
    before = (shapes(picture) - shapes(photo)).norm()
    for share in (0.5, 1.0):
        after = (shapes(shaded(picture, photo, share)) - shapes(photo)).norm()
        assert float(after / before) < 1 - 0.6 * share


def test_hues_and_finest_strokes_stay() -> None:
    picture, photo = image(0, 512, 384), image(1, 512, 384)
    made = shaded(picture, photo, 0.5)
    differences = [one[:, 0] - one[:, 2] for one in (picture, made)]
    torch.testing.assert_close(*differences)
    fine = [one - F.avg_pool2d(one, 3, 1, 1) for one in (picture, made)]
    assert float((fine[0] - fine[1]).norm() / fine[0].norm()) < 0.1


def test_no_share_and_the_photo_itself_change_nothing() -> None:
    picture = image(0)
    assert shaded(picture, image(1), 0.0) is picture
    torch.testing.assert_close(shaded(picture, picture, 1.0), picture)
