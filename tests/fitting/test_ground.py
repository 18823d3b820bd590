"""Places where a photo shows nothing."""

from __future__ import annotations

import pytest
import torch

from gesso.fitting import ground as module
from gesso.fitting.ground import ground
from gesso.nn.strips import Striped

SIDE = 96
PAINTED = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def emptied(painted: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    return module.emptied(Striped.of(painted), Striped.of(photo)).whole()


def product(background: float = 1.0) -> torch.Tensor:
    """A square of noise on empty ground."""
    photo = torch.full((1, 3, SIDE, SIDE), background)
    photo[..., 32:64, 32:64] = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return photo


def test_empty_ground_gets_one_colour_and_the_product_stays_as_painted() -> None:
    found = emptied(PAINTED, product())
    assert float(found[..., :24, :].flatten(2).std(2).max()) < 1e-6
    assert torch.equal(found[..., 32:64, 32:64], PAINTED[..., 32:64, 32:64])


@pytest.mark.parametrize(("background", "side"), [(1.0, 1), (0.0, -1)])
def test_the_colour_is_on_the_photos_side_of_what_was_painted(background: float, side: int) -> None:
    found = emptied(PAINTED, product(background))[0, :, 0, 0]
    assert (side * (found - PAINTED.mean()) > 0.1).all()


def test_two_grounds_keep_two_colours() -> None:
    photo = product()
    photo[..., 70:, :] = 0
    found = emptied(PAINTED, photo)[0]
    assert float((found[:, 0, 0] - found[:, -1, -1]).min()) > 0.2


def test_the_ground_of_a_large_photo_is_found_in_a_smaller_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 48 * 48)
    found = emptied(PAINTED, product())
    assert float(found[..., :24, :].flatten(2).std(2).max()) < 1e-6
    assert float((found[0, :, 0, 0] - PAINTED.mean()).min()) > 0.03
    assert torch.equal(found[..., 32:64, 32:64], PAINTED[..., 32:64, 32:64])


def test_ground_at_the_border_is_found_whatever_the_place() -> None:
    for place in range(0, SIDE - 11, 7):
        photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
        photo[..., :9, place : place + 17] = 0.5
        assert ground(photo)[..., 0, place + 8] == 1


@pytest.mark.parametrize("levels", [2, 4])
def test_a_sky_with_the_noise_or_slope_of_a_photo_is_no_ground(levels: int) -> None:
    noise = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    sky = 0.8 + (noise * levels).round() / 255
    slope = torch.linspace(0, levels * SIDE / 8, SIDE).round().expand(1, 3, SIDE, SIDE) / 255
    for photo in (sky, slope):
        assert not ground(photo).any()
        assert torch.equal(emptied(PAINTED, photo), PAINTED)


def test_a_stripe_of_one_colour_is_a_part_of_something() -> None:
    photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    photo[..., 40:44, :] = 0.5
    assert not ground(photo).any()
