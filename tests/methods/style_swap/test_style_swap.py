"""Style swap: what its cards hold, what its pictures are made of, and both ways back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.encoders import tiles
from gesso.errors import GessoError
from gesso.fitting.apart import Apart
from gesso.fitting.carry import smaller
from gesso.methods.style_swap import cards as card_room
from gesso.methods.style_swap import method as method_room
from gesso.methods.style_swap.about import LEVEL, Options
from gesso.methods.style_swap.cards import bank_of, kept
from gesso.methods.style_swap.drawing import TERMS, drawing_losses, vectors_of
from gesso.methods.style_swap.layer import Config, activations, inverse_losses
from gesso.methods.style_swap.method import StyleSwap
from gesso.methods.style_swap.swapping import swapped
from gesso.nn.patches import Bank, patches_of
from tiny import grained, pictures, tiny_encoder

PHOTO = grained(pictures(1, 66, seed=3))
STYLES = grained(pictures(2, 72, seed=4))


@pytest.fixture(scope="module")
def method() -> StyleSwap:
    encoder = tiny_encoder()
    torch.manual_seed(0)
    return StyleSwap(encoder, Config().of_encoder(encoder, depth=2))


def card(method: StyleSwap, style: int = 0, **options: Any) -> StyleCard:
    return method.adapt(STYLES[style], **{"style_size": 72, **options})


def picture(method: StyleSwap, *cards: StyleCard, content: Tensor = PHOTO) -> Tensor:
    return method.stylizer(*cards)(content)


def whole(features: Tensor, change: tiles.Change) -> Tensor:
    return change(LEVEL, features, slice(None), slice(None))


def test_a_photo_in_its_own_style_keeps_its_features(method: StyleSwap) -> None:
    own = method.adapt(PHOTO[0], style_size=66, exact=True)
    features = method.encode(PHOTO)
    change = swapped(bank_of(own, features.shape[1], method.place), 1.0, features)
    found = tiles.without_margin({LEVEL: whole(features, change)}, LEVEL)[LEVEL]
    inner = tiles.without_margin({LEVEL: features}, LEVEL)[LEVEL]
    torch.testing.assert_close(found[..., 2:-2, 2:-2], inner[..., 2:-2, 2:-2])
    none = method.neutral(like=own)
    same = (picture(method, own) - picture(method, none))[..., 24:-24, 24:-24]
    assert float(same.abs().max()) < 1e-4


def test_alpha_is_the_share_of_the_patches(method: StyleSwap) -> None:
    features, bank = method.encode(PHOTO), Bank([patches_of(method.encode(STYLES[:1])[0], 3)])
    half = whole(features, swapped(bank, 0.5, features))
    full = whole(features, swapped(bank, 1.0, features))
    torch.testing.assert_close(half, 0.5 * features + 0.5 * full)
    assert torch.equal(whole(features, swapped(bank, 0.0, features)), features)


def test_strength_lowers_alpha(method: StyleSwap) -> None:
    soft = method.softened(card(method, alpha=0.8), 0.5)
    assert soft is not None and soft.config["alpha"] == pytest.approx(0.4)


def test_a_large_picture_has_no_seams(method: StyleSwap, monkeypatch: pytest.MonkeyPatch) -> None:
    content = grained(pictures(1, 150, seed=8))[..., :97]
    at_once = picture(method, card(method), content=content)
    monkeypatch.setattr(tiles, "TILE_PX", 32)
    torch.testing.assert_close(
        picture(method, card(method), content=content), at_once, atol=1e-5, rtol=0
    )


def test_pictures_of_a_batch_do_not_depend_on_each_other(method: StyleSwap) -> None:
    contents = torch.cat([PHOTO, PHOTO.flip(3), torch.full_like(PHOTO, 0.3)])
    stylize = method.stylizer(card(method))
    single = torch.cat([stylize(one[None]) for one in contents])
    torch.testing.assert_close(stylize(contents), single)


@pytest.mark.parametrize("options", [{"patch_size": 15}, {"patch_stride": 4}, {"patches": 3}])
def test_options_of_patches_make_other_pictures_with_the_same_card(
    method: StyleSwap, options: dict[str, int]
) -> None:
    usual = card(method)
    other = replace(usual, config={**usual.config, **options})
    assert not torch.equal(picture(method, other), picture(method, usual))
    assert picture(method, other, content=PHOTO[..., :5, :7]).shape == (1, 3, 5, 7)


# the card


def test_a_card_is_small_and_keeps_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    mixing = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    x = torch.einsum("ck,khw->chw", mixing, torch.rand(6, 20, 30)).relu()
    assert torch.equal(kept(x)["features.0"], x)
    monkeypatch.setattr(card_room, "ROOM", 12_000)
    tensors = kept(x)
    assert sum(t.numel() for t in tensors.values()) <= 12_000
    again = torch.einsum("khw,ck->chw", tensors["features.0"], tensors["directions.0"])
    lost = (again - x).square().sum() / x.square().sum()
    assert float(lost) < 1 - card_room.LEAST_KEPT
    monkeypatch.setattr(card_room, "ROOM", 10)  # where it holds too little it may be larger
    tensors = kept(x)
    again = torch.einsum("khw,ck->chw", tensors["features.0"], tensors["directions.0"])
    assert float((again - x).square().sum() / x.square().sum()) < 1 - card_room.LEAST_KEPT


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.2, 0.8]])
def test_a_mixture_is_the_union_of_patches_in_the_shares_given(
    method: StyleSwap, shares: list[float]
) -> None:
    mixed = method.blend([card(method), card(method, 1)], shares)
    one, other = bank_of(mixed, 8, method.place).styles
    assert len(one) / len(other) == pytest.approx(shares[0] / shares[1], rel=0.25)
    assert torch.equal(
        picture(method, method.blend([card(method)], [1.0])), picture(method, card(method))
    )
    nothing = method.blend([card(method), card(method, 1)], [1.0, 0.0])
    assert nothing.tensors.keys() == card(method).tensors.keys()


def test_mixtures_can_be_mixed_and_saved(method: StyleSwap, tmp_path: Path) -> None:
    mixed = method.blend([card(method), card(method, 1)], [0.5, 0.5])
    again = method.blend([mixed, card(method)], [0.5, 0.5]).rounded()
    assert again.config["shares"] == [0.75, 0.25]  # the first style is there once
    assert [part["weight"] for part in again.provenance["blend"]] == [0.25, 0.25, 0.5]
    again.save(tmp_path / "card.safetensors")
    loaded = StyleCard.load(tmp_path / "card.safetensors")
    assert torch.equal(picture(method, loaded), picture(method, again))


def test_cards_that_do_not_go_together_are_refused(method: StyleSwap) -> None:
    with pytest.raises(GessoError, match="positive shares; one is negative"):
        method.blend([card(method), card(method, 1)], [1.5, -0.5])
    other = card(method)
    other.config["encoder_sha256"] = "f" * 64
    with pytest.raises(GessoError, match="when their encoder is the same"):
        method.blend([card(method), other], [0.5, 0.5])
    with pytest.raises(GessoError, match="a card made with the encoder compact"):
        method.stylizer(other)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.tensors.pop("features.0"),
        lambda c: c.tensors.update({"features.0": torch.rand(3, 9, 9)}),
        lambda c: c.tensors.update({"directions.0": torch.rand(8, 2)}),
        lambda c: c.tensors.update({"mask.0": torch.ones(2, 2)}),
        lambda c: c.config.pop("shares"),
        lambda c: c.config.update(shares=[0.5, 0.5]),
        lambda c: c.config.update(patch_size="many"),
    ],
)
def test_damaged_cards_are_refused(method: StyleSwap, damage: Any) -> None:
    broken = card(method)
    damage(broken)
    with pytest.raises(GessoError):
        method.stylizer(broken)


def test_patches_of_a_masked_style_lie_within_its_mask(method: StyleSwap) -> None:
    mask = torch.zeros(72, 72)
    mask[:, :36] = 1
    made = method.adapt(STYLES[0], style_size=72, style_mask=mask)
    (style,) = bank_of(made, 8, method.place).styles
    assert style.on is not None
    assert not bool(style.on[:, 8:].any()) and bool(style.on[:, :6].all())


# masks


def test_regions_are_put_together_in_feature_space(method: StyleSwap) -> None:
    left = torch.zeros(66, 66)
    left[:, :33] = 1
    both = [card(method), card(method, 1)]
    controls = Controls(masks=(left,), color_share=0, ground="painted")
    found = controls.stylizer(method, both)(PHOTO)
    apart = [picture(method, one) for one in both]
    torch.testing.assert_close(found[..., :12], apart[0][..., :12], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[..., -12:], apart[1][..., -12:], atol=1e-5, rtol=0)
    assert not torch.allclose(
        found[..., 31:35], (left * apart[0] + (1 - left) * apart[1])[..., 31:35]
    )


# the descent


def error(method: StyleSwap, image: Tensor, target: Tensor) -> float:
    found = method.encode(image)
    return float((found - target).square().sum() / target.square().sum())


@pytest.mark.parametrize("inverse", ["network", "content", "noise"])
def test_a_descent_brings_the_features_nearer(method: StyleSwap, inverse: str) -> None:
    errors = []
    for steps in (0, 25):
        made = card(method, inverse=inverse, descent=steps, tv_weight=0.0, lr=0.03)
        features = method.encode(PHOTO)
        bank = bank_of(made, features.shape[1], method.place)
        target = whole(features, swapped(bank, 1.0, features))
        errors.append(error(method, picture(method, made), target))
    assert errors[1] < 0.7 * errors[0]


def test_a_descent_reports_its_steps(method: StyleSwap) -> None:
    seen: list[tuple[int, int]] = []
    made = card(method, inverse="content", descent=2)
    contents = torch.cat([PHOTO, PHOTO])
    method.stylizer(made)(contents, lambda step: seen.append((step.step, step.steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_photo_and_noise_are_descended_from_by_default() -> None:
    assert [Options(inverse=inverse).descends for inverse in ("network", "content")] == [0, 100]
    assert Options(inverse="content", descent=7).descends == Options(descent=7).descends == 7


def test_a_large_photo_is_descended_on_in_a_smaller_copy(
    method: StyleSwap, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[Sequence[int]] = []
    whole_way = method_room.inverted

    def noted(start: Tensor, *more: Any) -> Tensor:
        sizes.append(start.shape[-2:])
        return whole_way(start, *more)

    monkeypatch.setattr(method_room, "MAX_PIXELS", 1600)
    monkeypatch.setattr(method_room, "inverted", noted)
    left = torch.zeros(66, 66)
    left[:, :33] = 1
    both = [card(method, n, inverse="content", descent=1) for n in range(2)]
    assert picture(method, both[0]).shape == PHOTO.shape
    assert Controls(masks=(left,)).stylizer(method, both)(PHOTO).shape == PHOTO.shape
    small = smaller(PHOTO, 1600).shape[-1]
    assert sizes == [torch.Size([small + 8, small + 8])] * 2


def test_another_encoder_serves_a_descent_and_nothing_else() -> None:
    mine, other = tiny_encoder(), tiny_encoder(1)
    mine.identity, other.identity = "a" * 64, "b" * 64
    made = StyleSwap(other, Config().of_encoder(mine))
    descended = made.adapt(STYLES[0], style_size=72, inverse="content", descent=1)
    assert made.stylizer(descended)(PHOTO).shape == PHOTO.shape
    trouble = (
        "the inverse network was trained with aaaaaaaaaaaa, and takes no other; inverse content"
    )
    for options in ({}, {"descent": 1}):
        one = made.adapt(STYLES[0], style_size=72, **options)
        with pytest.raises(GessoError, match=trouble):
            made.stylizer(one)(PHOTO)


# the inverse network


def test_the_network_learns_on_contents_styles_and_swaps(method: StyleSwap) -> None:
    features = method.encoder(torch.cat([PHOTO, PHOTO.flip(3), STYLES[..., :66, :66]]), [LEVEL])[
        LEVEL
    ]
    found = activations(features, 3)
    assert len(found) == 2 + 2 + 4 and torch.equal(found[:4], features)
    bank = Bank([patches_of(features[3], 3)])
    torch.testing.assert_close(found[5], bank.swapped(features[0]))  # content 1, style 2
    torch.testing.assert_close(found[7], bank.swapped(features[1]))


def test_the_loss_is_the_papers(method: StyleSwap) -> None:
    batch = {"contents": PHOTO, "styles": STYLES[:1, :, :66, :66]}
    config = replace(method.config, tv_weight=2.0, range_weight=0.0)
    terms = inverse_losses(method.network, method.encoder, config, batch)
    assert terms.keys() == {"features", "tv"}
    wanted = activations(method.encoder(torch.cat(list(batch.values())), [LEVEL])[LEVEL], 3)
    decoded = method.network({method.network.deepest: wanted})
    errors = (method.encoder(decoded, [LEVEL])[LEVEL] - wanted).square().sum((1, 2, 3))
    expected = (errors / wanted.square().sum((1, 2, 3))).mean()
    torch.testing.assert_close(terms["features"], expected)
    tv = sum(decoded.diff(dim=axis).square().mean() for axis in (2, 3))
    torch.testing.assert_close(terms["tv"], torch.as_tensor(2 * tv))
    terms["features"].backward()
    assert all(p.grad is not None for p in method.network.parameters())
    assert all(p.grad is None for p in method.encoder.parameters())


def test_without_a_weight_of_features_it_learns_to_give_back_pictures(method: StyleSwap) -> None:
    batch = {"contents": PHOTO, "styles": STYLES[:1, :, :66, :66]}
    config = replace(method.config, feature_weight=0.0, identity_weight=1.0)
    assert inverse_losses(method.network, method.encoder, config, batch).keys() == {"identity"}


def test_a_network_that_draws_is_judged_by_the_styles_own_vectors(method: StyleSwap) -> None:
    style, other = STYLES[:1, :, :64, :64], PHOTO[..., :64, :64]
    vectors, apart = vectors_of(method.encoder, style), []
    for picture in (style, other):
        loss = Apart(vectors, method.encoder, TERMS, 0, picture)
        apart.append(float(loss(picture)))
    assert apart[0] < 0.5 * apart[1]
    for level, own in vectors.levels.items():
        rows = method.encoder(style, [level])[level][0].flatten(1)
        torch.testing.assert_close(own.mean, rows.mean(1))
        torch.testing.assert_close(own.rows.sum(0), rows.sum(1), rtol=1e-4, atol=1e-3)


def test_a_network_that_draws_learns_by_every_content_in_every_style(method: StyleSwap) -> None:
    batch = {"contents": torch.cat([PHOTO, PHOTO.flip(3)]), "styles": STYLES[..., :66, :66]}
    config = replace(method.config, match_weight=2.0, lattice_weight=1.0, tv_weight=0.0)
    terms = drawing_losses(method.network, method.encoder, config, batch, step=3)
    assert terms.keys() == {"matched", "features", "lattice"}
    again = drawing_losses(method.network, method.encoder, config, batch, step=3)
    assert all(torch.equal(terms[name], again[name]) for name in terms)
    method.network.zero_grad()
    sum(terms.values(), torch.zeros(())).backward()
    assert all(p.grad is not None for p in method.network.parameters())
