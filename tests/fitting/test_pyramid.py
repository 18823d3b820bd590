"""Laplacian bands add up to the picture, and a descent on them lowers a loss."""

from __future__ import annotations

import pytest
import torch

from gesso.fitting.pyramid import bands, blurred, descend, summed
from gesso.graphs.drawing import scales


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (1, 3, 37, 90), (2, 3, 9, 8)])
def test_the_bands_of_a_picture_add_up_to_it(shape: tuple[int, ...]) -> None:
    image = torch.rand(shape)
    torch.testing.assert_close(summed(bands(image)), image, atol=1e-6, rtol=0)


def test_a_flat_picture_has_no_detail() -> None:
    *detail, rest = bands(torch.full((1, 3, 40, 40), 0.3))
    assert all(float(band.abs().max()) < 1e-6 for band in detail)
    torch.testing.assert_close(rest, torch.full_like(rest, 0.3))


def test_a_descent_lowers_its_loss_and_reports_every_step() -> None:
    goal = torch.rand(1, 3, 24, 24)
    seen: list[tuple[int, float]] = []
    found = descend(
        torch.zeros_like(goal),
        lambda image: (image - goal).square().mean(),
        30,
        0.02,
        lambda step, loss: seen.append((step, loss)),
    )
    assert [step for step, _ in seen] == list(range(1, 31))
    assert float((found - goal).square().mean()) < 0.2 * seen[0][1]


def test_scales_double_from_64_px_to_the_pictures_own() -> None:
    assert scales(512) == [64, 128, 256, 512]
    assert scales(1024) == [64, 128, 256, 512, 1024]
    assert scales(300) == [75, 150, 300]
    assert scales(20) == [20]


def test_a_blurred_picture_is_what_a_small_copy_shows() -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(blurred(image, 1), image, atol=1e-6)
    assert torch.allclose(blurred(torch.full((1, 3, 30, 41), 0.3), 6), torch.tensor(0.3))
    energies = [float(bands(blurred(image, times))[0].square().mean()) for times in (1, 3, 8)]
    assert energies[0] > 10 * energies[1] > 20 * energies[2]
