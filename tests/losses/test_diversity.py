"""Ulyanov et al. (2017): the distance to the nearest picture of other noise."""

from __future__ import annotations

import math

import pytest
import torch

from gesso.losses.diversity import nearness


def test_it_is_minus_the_logarithm_of_the_distance_to_the_nearest() -> None:
    levels = torch.tensor([0.1, 0.3, 0.8])
    images = levels.reshape(3, 1, 1, 1).expand(3, 3, 4, 5)
    expected = [-math.log(0.2), -math.log(0.2), -math.log(0.5)]
    assert nearness(images, 3).tolist() == pytest.approx(expected, rel=1e-5)


def test_only_copies_of_one_photo_are_compared() -> None:
    one, two = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).split(1)
    images = torch.cat([one, one + 0.1, two, two + 0.2])
    expected = [-math.log(0.1)] * 2 + [-math.log(0.2)] * 2
    assert nearness(images, 2).tolist() == pytest.approx(expected, rel=1e-5)


def test_its_gradient_is_that_of_finite_differences() -> None:
    images = torch.rand(4, 3, 5, 6, generator=torch.Generator().manual_seed(1)).double()
    images.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: nearness(x, 2), images)
    assert torch.autograd.gradcheck(lambda x: nearness(x, 4), images)


def test_equal_pictures_have_a_finite_gradient() -> None:
    images = torch.full((2, 3, 4, 4), 0.5, requires_grad=True)
    nearness(images, 2).sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and bool(torch.isfinite(images.grad).all())
