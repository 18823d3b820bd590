"""Strength: how far a picture is from its photo, for every method."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

import gesso
from gesso.cards.card import StyleCard
from gesso.controls import strength as module
from gesso.controls.controls import Controls
from gesso.errors import OptionError
from gesso.methods.base import Method
from gesso.methods.metastyle.method import Config, MetaStyle
from gesso.nn.strips import Striped
from tiny import grained, pictures, quick, tiny_encoder, tiny_net
from tiny_files import TinyFiles

STYLE = pictures(1, 66, seed=5)[0]
PHOTO = grained(pictures(1, 66, seed=6))
SHARES = [0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]


@pytest.fixture(params=gesso.list_methods())
def method(request: pytest.FixtureRequest, tiny_weights: TinyFiles) -> Method:
    return gesso.load(request.param)


@pytest.fixture(scope="module")
def start() -> MetaStyle:
    method = MetaStyle(tiny_encoder(), Config(width=4), base="1" * 64)
    method.net.load_state_dict(tiny_net().state_dict())
    return method


def strong_card(start: MetaStyle, only_affine: bool) -> StyleCard:
    """A card some way from the start, as after many steps."""
    neutral = StyleCard("metastyle", {}, base=start.base if only_affine else "")
    card = start.neutral(like=neutral)
    torch.manual_seed(3)
    card.tensors = {n: t + 0.3 * torch.randn_like(t) for n, t in card.tensors.items()}
    return card


def at_distance(content: Tensor, soft: Tensor, full: Tensor, strength: float) -> Tensor:
    three = (Striped.of(one[None]) for one in (content, soft, full))
    return module.at_distance(*three, strength).whole()[0]


def distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).double().square().mean().sqrt())


@pytest.mark.parametrize("polish", [0, 3])
def test_strength_is_the_distance_from_the_photo(method: Method, polish: int) -> None:
    card = method.adapt(STYLE, [PHOTO[0]], vectors=polish > 0, **quick(method, steps=2))
    shares = SHARES[::3] if polish else SHARES
    full = Controls(polish=polish).stylizer(method, card)(PHOTO)
    results = [Controls(s, polish=polish).stylizer(method, card)(PHOTO) for s in shares]
    assert torch.equal(results[0], PHOTO) and torch.equal(results[-1], full)
    away = [distance(result, PHOTO) for result in results]
    assert all(nearer < farther for nearer, farther in pairwise(away))
    for share, found in zip(shares, away, strict=True):
        assert found == pytest.approx(share * away[-1], rel=1e-3, abs=1e-6)
    for result in results:
        assert float(result.min()) >= 0 and float(result.max()) <= 1


@pytest.mark.parametrize("only_affine", [True, False])
def test_strength_goes_towards_the_style_without_turning_back(
    start: MetaStyle, only_affine: bool
) -> None:
    card = strong_card(start, only_affine)
    results = [Controls(share).stylizer(start, card)(PHOTO) for share in SHARES]
    left = [distance(result, results[-1]) for result in results]
    assert all(nearer < farther for farther, nearer in pairwise(left))


def test_strength_is_more_than_opacity_where_the_card_blends_with_the_neutral_one(
    start: MetaStyle,
) -> None:
    card = strong_card(start, only_affine=False)
    faded = torch.lerp(PHOTO, start.stylizer(card)(PHOTO), 0.5)
    assert distance(Controls(0.5).stylizer(start, card)(PHOTO), faded) > 1e-3
    stranger = replace(card, config={**card.config, "start": "2" * 64})  # another start's
    torch.testing.assert_close(Controls(0.5).stylizer(start, stranger)(PHOTO), faded)


def test_a_picture_at_a_distance_lies_on_the_way_by_the_soft_one() -> None:
    content, full = torch.zeros(3, 8, 8), torch.full((3, 8, 8), 0.8)
    near, far = 0.1 * torch.rand(3, 8, 8), torch.rand(3, 8, 8)
    for soft in (near, far, content, full, 0.5 * full):
        found = at_distance(content, soft, full, 0.5)
        assert distance(found, content) == pytest.approx(0.4, rel=1e-5)
    ways = torch.stack([(at_distance(content, far, full, 0.1) / far).flatten()])
    assert float(ways.std()) < 1e-4  # only the photo is mixed in
    assert torch.equal(at_distance(content, content, content, 0.5), content)
    # A full picture that is nearer than the soft one, and one across the photo, are reached too.
    assert distance(at_distance(content, far, 0.1 * far, 0.5), content) == pytest.approx(
        0.05 * distance(far, content), rel=1e-5
    )
    assert distance(at_distance(content, -near, full, 0.5), content) == pytest.approx(0.4, rel=1e-5)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(OptionError, match=r"strength: .*; allowed are numbers from 0 to 1"):
        Controls(strength)
