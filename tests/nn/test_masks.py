"""Masks of styles: which places they leave, and what a picture shows beyond them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.methods.inputs import masked
from gesso.nn.masks import checked_style_masks, continued, part, places, read_style_mask


def disc(side: int = 24) -> Tensor:
    """(side, side) bool."""
    row = torch.arange(side) - side / 3
    return row[:, None] ** 2 + row[None] ** 2 < (side / 4) ** 2


def test_beyond_a_straight_edge_the_part_is_reflected() -> None:
    image = torch.rand(3, 9, 16)
    known = torch.zeros(9, 16, dtype=torch.bool)
    known[:, :6] = True
    found = continued(image, known)
    left = image[..., :6]
    expected = torch.cat([left, left.flip(-1)[..., 1:], left[..., 1:]], -1)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("known", [disc(), torch.eye(24, dtype=torch.bool), ~disc()])
def test_the_part_stays_and_nothing_of_the_rest_can_be_seen(known: Tensor) -> None:
    image, other = torch.rand(3, 24, 24), torch.rand(3, 24, 24)
    found = continued(image, known)
    assert torch.equal(found[:, known], image[:, known])
    assert torch.equal(found, continued(torch.where(known, image, other), known))
    colours = {tuple(colour) for colour in image[:, known].T.tolist()}
    assert {tuple(colour) for colour in found.flatten(1).T.tolist()} <= colours


def test_places_are_those_where_the_mask_is_on_by_half_and_never_none() -> None:
    mask = torch.zeros(8, 8)
    mask[:, 3:] = 0.5
    assert places(mask, 8, 8).equal(mask > 0)
    assert places(mask, 1, 4)[0].tolist() == [False, True, True, True]
    speck = torch.zeros(64, 64)
    speck[40, 9] = 1
    assert places(speck, 4, 4).nonzero().tolist() == [[2, 0]]
    features = torch.rand(1, 5, 4, 4)
    assert torch.equal(part(features, speck), features[:, :, 2:3, :1])
    assert torch.equal(part(features, None), features)


def test_masks_of_a_style_follow_the_rules_of_the_photos(tmp_path: Path) -> None:
    white, alpha = torch.ones(3, 6, 6), torch.zeros(1, 6, 6)
    alpha[..., :3] = 1
    write_image(tmp_path / "cut.png", white, alpha=alpha)  # what is transparent is off
    image = torch.rand(3, 20, 30)
    for mask in (tmp_path / "cut.png", alpha, alpha[0], alpha[0].numpy()):
        on = masked(image, None, mask)[1]
        assert on is not None and on.shape == (20, 30)  # scaled to the style
        assert bool(on[:, :15].all()) and not bool(on[:, 15:].any())
    for everywhere in (None, torch.ones(6, 6), torch.full((4, 4), 0.3)):
        assert read_style_mask(everywhere) is None
        picture, on = masked(image, None, everywhere)
        assert torch.equal(picture, image) and on is None


def test_scaling_a_part_takes_nothing_from_beyond_it() -> None:
    mask = disc(60)
    image, other = torch.rand(3, 60, 60), torch.rand(3, 60, 60)
    for size in (25, 60, 77):
        found, on = masked(image, size, mask)
        same, where = masked(torch.where(mask, image, other), size, mask)
        assert torch.equal(found, same) and on is not None and torch.equal(on, where)


def test_a_mask_without_a_place_is_refused_in_one_line(tmp_path: Path) -> None:
    write_image(tmp_path / "off.png", torch.zeros(3, 6, 6))
    for mask, words in (
        (tmp_path / "off.png", r"^style_mask: .*off.png: off everywhere; white is on"),
        (torch.zeros(4, 4), r"^style_mask: off everywhere; white is on"),
        (torch.ones(3, 4, 4), r"mask: shape \(3, 4, 4\) is none"),
        (tmp_path / "none.png", "none.png: no such file"),
    ):
        with pytest.raises(GessoError, match=words) as caught:
            read_style_mask(mask)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("masks", [["a.png"], ["a.png"] * 3])
def test_there_is_a_mask_for_each_style_or_none(masks: list[Any]) -> None:
    assert list(checked_style_masks([], 2)) == [None, None]
    with pytest.raises(GessoError, match=f"^style_mask: {len(masks)} given, for 2 styles"):
        checked_style_masks(masks, 2)
