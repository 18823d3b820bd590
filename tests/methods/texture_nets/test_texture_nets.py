"""Ulyanov et al. (2016, 2017): one generator of noise for one style."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from gesso.cards.card import StyleCard
from gesso.errors import GessoError
from gesso.losses.objectives import Objective
from gesso.methods.base import AdaptStep
from gesso.methods.retouch import retouched
from gesso.methods.texture_nets.method import TextureNets
from tiny import pictures, tiny_encoder

STYLES = pictures(2, 64, seed=5)
CONTENTS = list(pictures(2, 40, seed=6))
PHOTO = pictures(1, 36, seed=8)


@pytest.fixture
def method() -> TextureNets:
    return TextureNets(tiny_encoder())


def trained(method: TextureNets, style: int = 0, **options: Any) -> tuple[StyleCard, list[float]]:
    """The card and the loss before the first step and after each."""
    losses: list[float] = []

    def on_step(now: AdaptStep) -> None:
        losses.append(sum(now.losses.values()))

    quick: dict[str, Any] = {"steps": 2, "crop": 32, "scales": 3, "width": 4}
    card = method.adapt(STYLES[style], CONTENTS, on_step=on_step, **(quick | options))
    return card, losses


def spread(method: TextureNets, card: StyleCard) -> float:
    """The mean difference of textures of different seeds."""
    made = [method.texture(card, 32, 32, seed=seed) for seed in (101, 102, 103)]
    return sum(float((a - b).abs().mean()) for a, b in pairwise(made))


@pytest.mark.parametrize(
    ("purpose", "objective"),
    [("photos", "relative"), ("textures", "relative"), ("both", "matching")],
)
def test_training_lowers_the_loss(method: TextureNets, purpose: str, objective: str) -> None:
    rates: dict[str, Any] = {"lr": 0.02, "affine_lr": 0.02, "diversity": 0.0}
    losses = trained(method, steps=12, purpose=purpose, objective=objective, **rates)[1]
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])


def test_the_diversity_term_raises_the_variety_of_textures(method: TextureNets) -> None:
    how: dict[str, Any] = {"steps": 20, "purpose": "textures", "lr": 0.02, "affine_lr": 0.02}
    plain, varied = (trained(method, diversity=weight, **how)[0] for weight in (0.0, 3.0))
    assert spread(method, varied) > 1.2 * spread(method, plain)


def test_the_card_is_the_whole_generator(method: TextureNets, tmp_path: Path) -> None:
    card, _ = trained(method)
    card.save(tmp_path / "card.safetensors")
    elsewhere = TextureNets(tiny_encoder(seed=3))
    loaded = StyleCard.load(tmp_path / "card.safetensors")
    assert torch.equal(elsewhere.stylizer(loaded)(PHOTO), method.stylizer(card)(PHOTO))
    assert torch.equal(elsewhere.texture(loaded, 50, 40), method.texture(card, 50, 40))
    assert (card.method, card.base) == ("texture_nets", "")


def test_noise_in_pictures_is_chosen_for_a_card_that_is_there(method: TextureNets) -> None:
    card, _ = trained(method)

    def picture(**changes: Any) -> torch.Tensor:
        return method.stylizer(retouched(method, card, changes))(PHOTO)

    assert torch.equal(picture(), picture(noise_seed=0))
    assert not torch.equal(picture(), picture(noise_seed=1))
    assert torch.equal(picture(noise=0.0), picture(noise=0.0, noise_seed=1))


def test_a_card_for_textures_only_needs_no_photos_and_stylizes_none(method: TextureNets) -> None:
    assert method.practises() and not method.practises(purpose="textures")
    card, losses = trained(method, purpose="textures")
    assert method.texture(card, 32, 32).shape == (3, 32, 32) and len(losses) == 3
    with pytest.raises(GessoError, match=r"a card for textures only.*gesso texture makes some"):
        method.stylizer(card)(PHOTO)


@pytest.mark.parametrize(("height", "width"), [(33, 64), (64, 34), (4, 64)])
def test_sizes_that_do_not_tile_are_refused(method: TextureNets, height: int, width: int) -> None:
    card, _ = trained(method)
    words = f"^size: {width} × {height} px; textures that tile have multiples of 4 px, from 8$"
    with pytest.raises(GessoError, match=words):
        method.texture(card, height, width, tileable=True)


def test_the_seed_alone_determines_the_network(method: TextureNets) -> None:
    torch.manual_seed(1)
    first, _ = trained(method, seed=3)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again, _ = trained(method, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    other, _ = trained(method, seed=4)
    assert all(torch.equal(t, again.tensors[n]) for n, t in first.tensors.items())
    assert not torch.equal(first.tensors["out.weight"], other.tensors["out.weight"])


def test_a_card_can_be_gone_on_with_and_then_only_its_children_blend(
    method: TextureNets, tmp_path: Path
) -> None:
    parent, _ = trained(method)
    parent.save(tmp_path / "parent.safetensors")
    start = str(tmp_path / "parent.safetensors")
    same, _ = trained(method, start=start, steps=0, scales=5)  # its own scales
    assert torch.equal(method.texture(same, 40, 40), method.texture(parent, 40, 40))
    one, two = (trained(method, style, start=start)[0] for style in range(2))
    assert method.blend([one, two], [0.5, 0.5]).method == "texture_nets"
    seeded = retouched(method, two, {"noise_seed": 7})
    assert method.blend([one, seeded], [0.5, 0.5]).config == one.config
    for other in (parent, trained(method, seed=1)[0], trained(method, width=5)[0]):
        with pytest.raises(GessoError, match="cannot be blended"):
            method.blend([one, other], [0.5, 0.5])


def test_the_neutral_card_gives_the_photo_back(method: TextureNets) -> None:
    assert torch.equal(method.stylizer(method.neutral())(PHOTO), PHOTO)
    with pytest.raises(GessoError, match="it has no texture"):
        method.texture(method.neutral(), 32, 32)


def test_what_decides_the_card_is_in_its_settings(method: TextureNets, tmp_path: Path) -> None:
    trained(method)[0].save(tmp_path / "card.safetensors")
    own = Objective(style_weight=7.0)
    for changes in ({"start": str(tmp_path / "card.safetensors")}, {"objective": own}):
        assert method.adapt_settings(**changes) != method.adapt_settings()
    assert method.adapt_settings(noise=0.5, noise_seed=3) == method.adapt_settings()
    assert trained(method, objective=own)[0].settings["objective"]["style_weight"] == 7.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "none.safetensors"}, "start: none.safetensors is no such file; allowed are"),
        ({"purpose": "magic"}, "purpose: magic is unknown; allowed are both, photos, textures"),
        ({"scales": 9}, "scales: 9; allowed are whole numbers from 2 to 8"),
    ],
)
def test_senseless_options_are_one_line(
    method: TextureNets, options: dict[str, Any], words: str
) -> None:
    for call in (method.adapt_settings, lambda **o: method.adapt(STYLES[0], CONTENTS, **o)):
        with pytest.raises(GessoError, match=words) as caught:
            call(**options)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scales": 90}, "style card: scales 90; allowed are 1 to 8"),
        ({"width": None}, "style card: width None; allowed are 1 to 64"),
        ({"noise": "much"}, "style card: noise much; allowed are numbers from 0"),
        ({"width": 5}, "style card: expected the"),
    ],
)
def test_damaged_cards_are_refused(method: TextureNets, change: dict[str, Any], words: str) -> None:
    card, _ = trained(method, steps=0)
    card.config |= change
    with pytest.raises(GessoError, match=words):
        method.stylizer(card)


def test_a_start_of_another_method_is_refused(method: TextureNets, tmp_path: Path) -> None:
    StyleCard("metastyle", {"norm.gamma": torch.ones(3)}).save(tmp_path / "other.safetensors")
    with pytest.raises(GessoError, match=r"start: .*other.safetensors: no card of texture_nets"):
        method.adapt_settings(start=str(tmp_path / "other.safetensors"))
