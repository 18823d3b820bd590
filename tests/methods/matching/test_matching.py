"""Kolkin et al. (2022): what a card of vectors holds, and what painting with them does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.encoders import load_encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.fitting.outlines import correlation, outlines
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.matching import nearest
from gesso.methods.base import AdaptStep
from gesso.methods.matching.method import Matching
from tiny import pictures, tiny_encoder

STYLE = pictures(1, 96, seed=5)[0]
PHOTO = pictures(1, 96, seed=6)
NO_TERMS = {"transport": 0.0, "moments": 0.0, "structure": 0.0}
QUICK: dict[str, Any] = {
    "steps": 8,
    "fine_steps": 8,
    "half_steps": 0,
    "final_steps": 4,
    "style_size": 96,
}


@pytest.fixture(scope="module")
def method() -> Matching:
    return Matching(tiny_encoder())


def matched(method: Matching, picture: torch.Tensor) -> float:
    """The mean centred cosine distance of a picture's hypercolumns to the style's nearest."""
    with torch.no_grad():
        found, style = (
            hypercolumns(method.encoder(image, LEVELS), *cells(image))[0]
            for image in (picture, STYLE[None])
        )
        a, b = found - found.mean(0), style - style.mean(0)
        near = b[nearest(found, style)]
        return float((1 - torch.cosine_similarity(a, near, dim=1)).mean())


def test_the_picture_comes_nearer_to_the_styles_vectors(method: Matching) -> None:
    many = {**QUICK, **NO_TERMS, "steps": 40, "fine_steps": 40}
    card = method.adapt(STYLE, alpha=0.3, lr=4e-3, **many)
    picture = method.stylizer(card)(PHOTO)
    assert matched(method, picture) < 0.8 * matched(method, PHOTO)


def test_the_photo_as_its_own_style_stays_nearly_itself(method: Matching) -> None:
    style = method.adapt(STYLE, **QUICK)
    own = method.adapt(PHOTO[0], **QUICK)
    away = [float((method.stylizer(card)(PHOTO) - PHOTO).abs().mean()) for card in (own, style)]
    assert away[0] < 0.6 * away[1]


def test_every_step_is_reported(method: Matching) -> None:
    seen: list[AdaptStep] = []
    both = torch.cat([PHOTO, 1 - PHOTO])
    method.stylizer(method.adapt(STYLE, **QUICK))(both, seen.append)
    assert [step.step for step in seen] == list(range(1, 25))
    assert {step.steps for step in seen} == {24} and set(seen[0].losses) == {"match"}


def test_the_same_card_gives_the_same_picture_whatever_is_painted_with_it(
    method: Matching,
) -> None:
    stylizer = method.stylizer(method.adapt(STYLE, **QUICK))
    alone = stylizer(PHOTO)
    torch.manual_seed(3)
    assert torch.equal(stylizer(torch.cat([1 - PHOTO, PHOTO]))[1:], alone)


@pytest.mark.parametrize(("patches", "most"), [(True, 450_000), (False, 1_500_000)])
def test_sizes_of_cards(tmp_path: Path, patches: bool, most: int) -> None:
    method = Matching(load_encoder())
    if not patches:
        method.__dict__["_swap"] = None
    noise = torch.rand(3, 512, 512, generator=torch.Generator().manual_seed(0))
    method.adapt(noise).save(tmp_path / "card.safetensors")
    assert (tmp_path / "card.safetensors").stat().st_size <= most


def test_every_term_changes_the_descent(method: Matching) -> None:
    few = {**QUICK, **NO_TERMS, "steps": 4, "fine_steps": 4, "half_steps": 0, "final_steps": 1}
    card = method.adapt(STYLE, **few)
    plain = method.stylizer(card)(PHOTO)
    for name in ("transport", "moments", "palette", "structure", "content"):
        other = replace(card, config=card.config | {name: 1.0})
        assert float((method.stylizer(other)(PHOTO) - plain).abs().mean()) > 3e-4


@pytest.mark.parametrize("recolor", ["own", "photo"])
def test_a_grey_style_gives_a_grey_picture(method: Matching, recolor: str) -> None:
    grey = STYLE.mean(0, keepdim=True).expand(3, -1, -1).contiguous()
    card = method.adapt(grey, **{**QUICK, "recolor": recolor})
    found = method.stylizer(card)(PHOTO)
    assert float((found.amax(1) - found.amin(1)).max()) < 0.01


def test_rotations_add_vectors_of_the_turned_style(method: Matching) -> None:
    stripes = torch.rand(1, 96, 1).expand(3, 96, 96).contiguous()
    plain = method.adapt(stripes, **{**QUICK, "rotations": False})
    turned = method.adapt(stripes, **{**QUICK, "rotations": True})
    name = "mean.scale.96"
    assert not torch.allclose(plain.tensors[name], turned.tensors[name], atol=1e-3)


def extremes(one: StyleCard, other: StyleCard, name: str) -> list[torch.Tensor]:
    return [card.tensors[f"colors.{name}"] for card in (one, other)]


def test_cards_that_are_painted_in_other_ways_mix_and_are_painted_as_the_first(
    method: Matching,
) -> None:
    one = method.adapt(STYLE, **QUICK)
    other = method.adapt(1 - STYLE, **QUICK | {"alpha": 0.1, "steps": 3})
    assert method.blend([one, other], [1, 1]).config == one.config
    assert method.blend([other, one], [1, 1]).config["alpha"] == 0.1
    with pytest.raises(GessoError, match="when encoder, style size and seed agree"):
        method.blend([one, method.adapt(STYLE, **QUICK | {"style_size": 64})], [1, 1])


def test_cards_mix_as_the_union_of_their_vectors_in_the_shares_given(method: Matching) -> None:
    one, other = (method.adapt(style, **QUICK) for style in (STYLE, 1 - STYLE))
    mixed = method.blend([one, other], [3, 1])
    name = "scale.96"
    rows, own = mixed.tensors[name], one.tensors[name]
    half = len(own) // 2
    assert len(rows) == len(own) + 2 * -(-half // 3)
    assert torch.equal(rows[:half], own[:half])  # those drawn at random come first, of both
    assert torch.equal(mixed.tensors["colors.most"], torch.maximum(*extremes(one, other, "most")))
    assert torch.equal(mixed.tensors["colors.least"], torch.minimum(*extremes(one, other, "least")))
    torch.testing.assert_close(
        mixed.tensors["mean.scale.96"],
        0.75 * one.tensors["mean.scale.96"] + 0.25 * other.tensors["mean.scale.96"],
    )
    with pytest.raises(GessoError, match="positive shares"):
        method.blend([one, other], [1.5, -0.5])


def test_strength_is_the_photos_share_in_the_query(method: Matching) -> None:
    card = method.adapt(STYLE, alpha=0.6, **QUICK)
    half = method.softened(card, 0.5)
    assert half is not None and half.config["alpha"] == pytest.approx(0.8)
    assert torch.equal(Controls(0).stylizer(method, card)(PHOTO), PHOTO)


def test_damaged_cards_are_refused_in_one_line(method: Matching) -> None:
    card = method.adapt(STYLE, **QUICK)
    name = "scale.96"
    for tensors, words in (
        ({}, "without vectors of its style"),
        ({**card.tensors, name: torch.zeros(4, 3)}, "without vectors scale.96 of 28 channels"),
        ({k: v for k, v in card.tensors.items() if k != f"mean.{name}"}, "mean of scale.96"),
        ({**card.tensors, "colors.mean": torch.zeros(2)}, "damaged colours: colors.mean"),
    ):
        with pytest.raises(GessoError, match=words) as caught:
            method.stylizer(StyleCard("matching", tensors, card.config))
        assert "\n" not in str(caught.value)
    with pytest.raises(GessoError, match="not the configuration of a matching card"):
        method.stylizer(StyleCard("matching", card.tensors, {**card.config, "steps": "many"}))
    other = Matching(tiny_encoder(seed=1))
    other.encoder.identity = "b" * 64
    with pytest.raises(GessoError, match="a card made with the encoder compact"):
        other.stylizer(card)


def test_the_last_pass_keeps_outlines_and_cards_of_before_are_painted_as_they_were(
    method: Matching,
) -> None:
    rows = (torch.arange(128) % 16 < 8).float().view(1, -1, 1)
    stripes = (rows * torch.tensor([0.9, 0.4, 0.1]).view(3, 1, 1)).expand(3, 128, 128).contiguous()
    photo = torch.full((1, 3, 128, 128), 0.3)
    photo[..., 24:104, 32:96] = 0.7
    photo[..., 48:56, 40:52] = photo[..., 48:56, 76:88] = 0.1
    few = {**QUICK, "half_steps": 0, "final_steps": 20}
    card = method.adapt(stripes, **few)
    kept = {}
    for weight in (0.0, 3.0):
        own = replace(card, config={**card.config, "outlines": weight})
        kept[weight] = method.stylizer(own)(photo)
    found = [float(correlation(*(outlines(x, 64, 64) for x in (p, photo)))) for p in kept.values()]
    assert found[1] > found[0] + 0.1 and found[1] > 0.75
    before = {name: value for name, value in card.config.items() if name != "outlines"}
    assert torch.equal(method.stylizer(replace(card, config=before))(photo), kept[0.0])
