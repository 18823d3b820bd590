"""Places where a photo shows nothing."""

from __future__ import annotations

import pytest
import torch

from gesso.fitting import ground as module
from gesso.fitting.ground import grounds
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


def test_ground_at_a_border_is_found_whatever_the_place() -> None:
    for place in range(0, SIDE - 48, 7):
        photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
        photo[..., :16, place : place + 64] = 0.5
        ((_, places),) = grounds(photo)
        assert places[0, place + 8]


@pytest.mark.parametrize("levels", [2, 4])
def test_a_sky_with_the_noise_or_slope_of_a_photo_is_no_ground(levels: int) -> None:
    noise = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    sky = 0.8 + (noise * levels).round() / 255
    slope = torch.linspace(0, levels * SIDE / 8, SIDE).round().expand(1, 3, SIDE, SIDE) / 255
    for photo in (sky, slope):
        assert not grounds(photo)
        assert torch.equal(emptied(PAINTED, photo), PAINTED)


def test_a_stripe_of_one_colour_is_a_part_of_something() -> None:
    photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    photo[..., 40:44, :] = 0.5
    assert not grounds(photo)


def test_a_black_shadow_and_a_light_page_are_no_ground() -> None:
    photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    shadow, page = photo.clone(), photo.clone()
    shadow[..., 50:76, 70:] = 0  # at the border, as deep shadows are; a fourteenth of the picture
    page[..., 20:80, 20:80] = 1  # within
    for one in (shadow, page):
        assert not grounds(one)
        assert torch.equal(emptied(PAINTED, one), PAINTED)


def test_ground_reaches_up_to_a_slanting_outline() -> None:
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    outside = columns + rows < SIDE
    noise = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    ((_, places),) = grounds(torch.where(outside, torch.ones(()), noise))
    assert torch.equal(places, outside)
