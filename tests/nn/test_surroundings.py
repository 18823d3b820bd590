"""Flat, smooth and dark pictures are normalised among ordinary ones, all others by themselves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from derivatives import random
from gesso.nn.norm import EPS, instance_norm
from gesso.nn.surroundings import collected, pooled, shares, surrounded

GAMMA, BETA = torch.ones(3), torch.zeros(3)


def eight_bits(image: Tensor) -> Tensor:
    return (255 * image).round() / 255


def grained(mean: float, deviation: float) -> Tensor:
    """(1, 3, 40, 60): noise around `mean`."""
    noise = torch.randn(1, 1, 40, 60, generator=torch.Generator().manual_seed(0))
    return eight_bits((mean + deviation * noise).clamp(0, 1)).expand(1, 3, -1, -1)


def ramp(first: float, last: float) -> Tensor:
    return eight_bits(torch.linspace(first, last, 256)).expand(1, 3, 64, -1)


def test_an_ordinary_picture_has_no_need_of_others() -> None:
    for picture in (grained(0.5, 0.2), grained(0.36, 0.1), grained(0.6, 0.3)):
        assert float(shares(picture)) == 0


@pytest.mark.parametrize(
    "picture",
    [
        *(torch.full((1, 3, 40, 60), value / 255) for value in (0, 1, 128, 255)),
        ramp(0.43, 0.55),
        ramp(0.2, 0.8),
        ramp(0.3, 0.9).transpose(2, 3),
        grained(0.12, 0.1),
        grained(0.85, 0.1),
    ],
)
def test_flat_smooth_dark_and_bright_pictures_have(picture: Tensor) -> None:
    assert float(shares(picture)) == 1


def test_the_less_contrast_or_light_the_larger_the_share_of_others() -> None:
    for row in (
        [grained(0.5, d) for d in (0.07, 0.04, 0.02)],
        [grained(m, 0.1) for m in (0.31, 0.28)],
    ):
        found = shares(torch.cat(row))
        assert float(found[0]) > 0 and bool((found.diff() > 0).all()) and float(found[-1]) < 1


def test_a_dark_picture_of_a_dark_style_needs_no_others() -> None:
    dark, bright, flat = grained(0.12, 0.1), grained(0.85, 0.1), torch.full((1, 3, 40, 60), 0.1)
    pictures = torch.cat([dark, bright, flat])
    assert shares(pictures, 0.5).tolist() == [1, 1, 1]
    assert shares(pictures, 0.2).tolist() == [0, 1, 1]
    assert shares(pictures, 0.9).tolist() == [1, 0, 1]


def test_pictures_too_small_for_detail_are_judged_by_the_rest() -> None:
    assert shares(torch.rand(2, 3, 1, 1)).tolist() == [1, 1]  # flat
    assert shares(torch.tensor([0.3, 0.7]).expand(1, 3, 1, 2)).tolist() == [0]


def test_pooled_statistics_are_those_of_both_populations() -> None:
    one, other = random(30), 2 + 3 * random(10, seed=1)
    both = torch.cat([one, other])
    own, far = ((x.mean(), x.var(correction=0)) for x in (one, other))
    mean, variance = pooled(own, far, torch.tensor(0.25, dtype=both.dtype))
    torch.testing.assert_close(mean, both.mean())
    torch.testing.assert_close(variance, both.var(correction=0))


@torch.no_grad()
def test_a_sample_is_normalised_as_if_the_others_were_beside_it() -> None:
    x = random(2, 3, 8, 8).float()
    others = 0.5 + 2 * random(4, 3, 8, 8, seed=1).float()
    expected = instance_norm(x.clone(), GAMMA, BETA)
    with collected() as moments:
        together = instance_norm(others.clone(), GAMMA, BETA)
    mean, variance = others.mean((0, 2, 3)), others.var((0, 2, 3), correction=0)
    shift, scale = (s.view(1, 3, 1, 1) for s in (mean, (variance + EPS).rsqrt()))
    torch.testing.assert_close(together, (others - shift) * scale)
    with surrounded(moments, torch.tensor([0.0, 1.0])):
        found = instance_norm(x.clone(), GAMMA, BETA)
    assert torch.equal(found[0], expected[0])
    torch.testing.assert_close(found[1], ((x - shift) * scale)[1])
    assert torch.equal(instance_norm(x.clone(), GAMMA, BETA), expected)
