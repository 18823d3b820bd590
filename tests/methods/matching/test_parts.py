"""Regions on both sides: parts of a photo painted with parts of styles, in one descent."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.controls.controls import Controls
from gesso.encoders import load_encoder
from gesso.fitting.regions import Regions, regions_of
from gesso.fitting.vectors import StyleVectors, Vectors
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.methods.base import AdaptStep
from gesso.methods.matching.method import Matching
from tiny import grained, pictures, random_vgg, tiny_encoder

STYLES = pictures(2, 96, seed=5)
PHOTO = grained(pictures(1, 96, seed=6))
QUICK: dict[str, Any] = {
    "steps": 30,
    "fine_steps": 30,
    "half_steps": 0,
    "final_steps": 4,
    "style_size": 96,
}
LEFT = torch.zeros(96, 96)
LEFT[:, :48] = 1


@pytest.fixture(scope="module")
def method() -> Matching:
    return Matching(tiny_encoder())


def distance(method: Matching, picture: Tensor, style: Tensor) -> float:
    """The mean cosine distance of a picture's hypercolumns to the nearest ones of a style."""
    with torch.no_grad():
        found, known = (
            hypercolumns(method.encoder(image), *cells(image))[0]
            for image in (picture, style[None])
        )
        return float(cosine_distance(found, known[nearest(found, known)]))


def test_every_region_comes_near_to_its_own_style(method: Matching) -> None:
    cards = [method.adapt(style, alpha=0.2, **QUICK) for style in STYLES]
    there = Controls(masks=[LEFT]).stylizer(method, cards)(PHOTO)
    back = Controls(masks=[LEFT]).stylizer(method, cards[::-1])(PHOTO)
    for number, style in enumerate(STYLES):
        own = [slice(0, 40), slice(56, 96)][number]
        near, far = (distance(method, p[..., own], style) for p in (there, back))
        assert near < 0.8 * far


def test_all_regions_are_painted_in_one_descent(method: Matching) -> None:
    cards = [method.adapt(style, **QUICK) for style in STYLES]
    seen: list[AdaptStep] = []
    Controls(masks=[LEFT]).stylizer(method, cards)(PHOTO, seen.append)
    assert [step.step for step in seen] == list(range(1, 35))


def test_a_region_without_a_place_changes_nothing(method: Matching) -> None:
    cards = [method.adapt(style, **QUICK) for style in STYLES]
    alone = method.stylizer(cards[1])(PHOTO)
    for masks in ([torch.zeros(8, 8)], [torch.zeros(8, 8), torch.ones(8, 8)]):
        found = Controls(masks=masks, color_share=0).stylizer(method, cards)(PHOTO)
        assert torch.equal(found, alone)


def test_terms_and_colours_are_each_regions_own(method: Matching) -> None:
    how = {"transport": 1.0, "moments": 0.1, "palette": 1.0, "structure": 0.1, "recolor": "photo"}
    light, dark = 0.8 + 0.2 * STYLES[0], 0.2 * STYLES[1]
    cards = [method.adapt(style, **QUICK | how) for style in (light, dark)]
    found = Controls(masks=[LEFT]).stylizer(method, cards)(PHOTO)
    assert float(found[..., :48].min()) > 0.7 > 0.3 > float(found[..., 48:].max())


def test_cards_that_are_painted_in_different_ways_are_painted_apart(method: Matching) -> None:
    cards = [
        method.adapt(s, **QUICK | {"alpha": a}) for s, a in zip(STYLES, (0.3, 0.8), strict=True)
    ]
    found = Controls(masks=[LEFT], color_share=0).stylizer(method, cards)(PHOTO)
    assert torch.equal(found[..., :48], method.stylizer(cards[0])(PHOTO)[..., :48])


def test_reduced_levels_of_several_cards_are_brought_into_one_space() -> None:
    method = Matching(random_vgg())
    quick = {"steps": 2, "fine_steps": 2, "half_steps": 0, "final_steps": 2, "style_size": 96}
    cards = [method.adapt(style, **quick) for style in STYLES]
    found = Controls(masks=[LEFT]).stylizer(method, cards)(PHOTO)
    assert found.shape == PHOTO.shape and not torch.equal(found, PHOTO)


def test_a_place_belongs_to_one_style_also_where_the_picture_has_margins() -> None:
    vectors = StyleVectors({64: Vectors(torch.rand(2, 3), torch.rand(3))}, {})
    regions = Regions([vectors] * 2, torch.stack([LEFT, 1 - LEFT]))
    assert (
        regions.owners(24, 24).reshape(24, 24).equal((torch.arange(24) >= 12).long().expand(24, 24))
    )
    wider = regions.owners(96, 112, (8, 8, 0, 0)).reshape(96, 112)
    assert wider[0].tolist() == [0] * 56 + [1] * 56
    rows = torch.arange(24 * 24).unsqueeze(1)
    parts = [region.of(rows, (24, 24)) for region in regions_of(regions)]
    assert torch.cat(parts).flatten().sort().values.equal(rows.flatten())
    half = Regions([vectors] * 2, torch.full((2, 64, 64), 0.5)).owners(64, 64)
    assert 0.45 < float(half.float().mean()) < 0.55


def test_a_style_masked_to_one_half_never_paints_the_other_halfs_colours() -> None:
    method = Matching(load_encoder())
    random = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    red, blue = torch.tensor([0.8, 0.2, 0.1]), torch.tensor([0.1, 0.2, 0.8])
    style = 0.2 * random + 0.8 * torch.where(
        torch.arange(64) < 32, red.reshape(3, 1, 1), blue.reshape(3, 1, 1)
    )
    quick = {
        "steps": 40,
        "fine_steps": 20,
        "half_steps": 0,
        "final_steps": 5,
        "style_size": 64,
        "alpha": 0.2,
    }
    photo = pictures(1, 64, seed=6).mean(1, keepdim=True).expand(1, 3, 64, 64)
    shares = []
    for mask in (LEFT, 1 - LEFT, None):
        card = method.adapt(style, style_mask=mask, **quick)
        picture = method.stylizer(card)(photo)[0]
        shares.append(float((picture[2] > picture[0]).float().mean()))
    assert shares[0] < 0.02 < shares[2] < 0.98 < shares[1]


@pytest.mark.parametrize("shape", [(1, 1), (3, 300), (40, 40), (500, 12)])
def test_regions_of_odd_pictures(method: Matching, shape: tuple[int, int]) -> None:
    quick = {
        "steps": 1,
        "fine_steps": 1,
        "half_steps": 0,
        "final_steps": 2,
        "style_size": 64,
        "recolor": "own",
    }
    cards = [method.adapt(style, **quick) for style in STYLES]
    photo = torch.rand(1, 3, *shape)
    found = Controls(masks=[LEFT]).stylizer(method, cards)(photo)
    assert found.shape == photo.shape and bool(torch.isfinite(found).all())
