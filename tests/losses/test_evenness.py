"""What the term for even places counts, and what it leaves free."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gesso.losses.evenness import FLAT, SCALES, unevenness
from gesso.losses.objectives import Objective, UnboundedObjective
from tiny import pictures, tiny_encoder

GREY = torch.full((1, 3, 64, 64), 0.5)


def halves(step: float) -> Tensor:
    """Grey, the right half brighter by `step`."""
    picture = GREY.clone()
    picture[..., 32:] += step
    return picture


def moon() -> Tensor:
    """A bright disc on grey."""
    row, column = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    inside = (row - 32).square() + (column - 32).square() < 15**2
    return torch.where(inside, 1.0, GREY)


def test_one_colour_is_even_wherever_it_lies() -> None:
    assert unevenness(GREY, pictures(1, 64)).tolist() == [0]


def test_strokes_smaller_than_the_smallest_scale_are_free() -> None:
    checks = (torch.arange(64).view(-1, 1) + torch.arange(64)) % 2
    picture = checks.float().expand(1, 3, 64, 64)
    assert unevenness(picture, GREY).tolist() == [0]


def test_a_step_in_a_flat_place_counts_squared() -> None:
    places = [(64 // scale - 1) for scale in SCALES]  # across which one edge in each row is a step
    expected = sum(0.2**2 / n for n in places)
    torch.testing.assert_close(unevenness(halves(0.2), GREY), torch.tensor([expected]))


def test_where_the_photo_has_an_edge_it_counts_less() -> None:
    step = 0.02
    free = math.exp(-3 * step**2 / FLAT**2)  # of three channels
    same = unevenness(halves(0.2), halves(step))
    torch.testing.assert_close(same, free * unevenness(halves(0.2), GREY))


def test_a_moon_in_a_wall_counts_and_a_moon_in_the_sky_of_a_moonlit_photo_does_not() -> None:
    assert float(unevenness(moon(), moon())) < 0.02 * float(unevenness(moon(), GREY))


def test_descending_on_it_takes_the_moon_out() -> None:
    picture = moon().requires_grad_()
    for _ in range(200):
        (gradient,) = torch.autograd.grad(unevenness(picture, GREY).sum(), [picture])
        with torch.no_grad():
            picture -= 200 * gradient
    assert float(unevenness(picture.detach(), GREY)) < 0.1 * float(unevenness(moon(), GREY))


@pytest.mark.parametrize("size", [(1, 1), (7, 64), (9, 8), (33, 50)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    picture, photo = torch.rand(2, 2, 3, *size)
    term = unevenness(picture, photo)
    assert term.shape == (2,) and bool((term >= 0).all())


@pytest.mark.parametrize("kind", [Objective, UnboundedObjective])
def test_an_objective_counts_it_for_a_network_once_it_has_a_weight(kind: type[Objective]) -> None:
    encoder, (raw, photo) = tiny_encoder(), pictures(2, 32).split(1)
    wanted = encoder(photo)["relu3_3"]
    targets = Objective().targets(encoder(photo))
    plain = kind().of_network(raw, encoder, wanted, targets, photo)
    even = kind(evenness_weight=3.0).of_network(raw, encoder, wanted, targets, photo)
    picture = raw.sigmoid() if kind is Objective else raw
    torch.testing.assert_close(even.pop("evenness"), 3 * unevenness(picture, photo))
    torch.testing.assert_close(even, plain)
