"""Scales drawn with whole patches of the style, and the painting that a card keeps for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders import load_encoder
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.fitting.painting import paint
from gesso.fitting.pyramid import bands, resized
from gesso.fitting.recolor import StyleColors
from gesso.fitting.settings import Painting
from gesso.fitting.vectors import StyleVectors, Vectors
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.transport import self_similarity_distance
from gesso.methods.base import AdaptStep
from gesso.methods.matching.method import Matching
from gesso.methods.matching.reading import read
from gesso.methods.matching.redrawing import kept_painting, paintings_of, swap_of
from gesso.methods.style_swap.method import StyleSwap
from gesso.nn.colors import Colors
from gesso.nn.pictures import read_image
from tiny import grained, pictures, tiny_encoder

STYLE, OTHER = pictures(2, 96, seed=5)
PHOTO = pictures(1, 128, seed=6)
QUICK: dict[str, Any] = {
    "steps": 2,
    "half_steps": 0,
    "final_steps": 0,
    "style_size": 96,
    "patches_above": 64,
}
QUICK |= {"drawn_by": "steps"}


@pytest.fixture(scope="module")
def method() -> Matching:
    return Matching(load_encoder())


@pytest.fixture(scope="module")
def card(method: Matching) -> StyleCard:
    return method.adapt(STYLE, **QUICK)


@pytest.fixture(scope="module")
def bare(method: Matching) -> StyleCard:
    """A card with vectors and no painting, as cards were at first."""
    knows_no_patches = Matching(method.encoder)
    knows_no_patches.__dict__["_swap"] = None
    return knows_no_patches.adapt(STYLE, **QUICK)


def kept(card: StyleCard, number: int = 0) -> Tensor:
    return read_image(bytes(card.tensors[f"painting.{number}"].to(torch.uint8).tolist()))


def test_a_card_keeps_the_painting_and_no_vectors(card: StyleCard) -> None:
    assert float((kept(card) - STYLE).abs().mean()) < 0.05
    assert {name.split(".")[0] for name in card.tensors} == {"painting", "colors"}


def test_a_styles_vectors_are_seen_when_they_are_asked_for(method: Matching) -> None:
    card = method.adapt(STYLE, **QUICK | {"style_size": 128})
    encoder, calls = load_encoder(), []
    forward = encoder.forward

    def counted(*args: Any) -> Any:
        calls.append(args[0].shape[-1])
        return forward(*args)

    encoder.forward = counted  # type: ignore[method-assign]
    style, _ = read(card, encoder, encoder_place := next(encoder.parameters()).device)
    assert not calls and encoder_place.type == "cpu" and list(style.scales) == [64, 128]
    first = style.levels["relu3_3"]
    assert calls == [128] and style.levels["relu3_3"] is first
    assert style.finest is style.scales[128] and calls == [128]
    assert len(style.scales[64].rows) == 16 * 16 and calls == [128, 64]


def test_the_vectors_of_a_painting_are_the_encoders_own(card: StyleCard) -> None:
    encoder = load_encoder()
    style, _ = read(card, encoder, torch.device("cpu"))
    features = encoder(kept(card)[None], LEVELS)
    rows = features["relu4_3"][0].flatten(1).T
    found = style.levels["relu4_3"]
    assert torch.allclose(found.mean, rows.mean(0), atol=1e-4)
    assert torch.allclose(found.rows.sort(0).values, rows.sort(0).values, atol=1e-4)
    columns = style.finest
    assert columns is not None and columns.balance is not None
    apart = columns.centred(columns.drawn)
    lengths = [float(p.square().sum(1).mean()) for p in apart.split([16, 64, 128, 256], 1)]
    assert lengths == pytest.approx([1.0] * 4, rel=1e-3)


def test_mixed_paintings_give_vectors_in_their_shares(method: Matching, card: StyleCard) -> None:
    dark = method.adapt(0.1 * OTHER, **QUICK)
    alone, other, both = (
        read(one, method.encoder, method.place)[0].levels["relu1_2"]
        for one in (card, dark, method.blend([card, dark], [3, 1]))
    )
    assert torch.allclose(both.mean, 0.75 * alone.mean + 0.25 * other.mean, atol=1e-4)
    every = method.encoder(kept(dark)[None], ["relu1_2"])["relu1_2"][0].flatten(1).T
    near = torch.cdist(both.rows.double(), every.double()).amin(1) < 1e-4
    assert float(near[: len(near) // 2].float().mean()) == pytest.approx(0.25, abs=0.06)
    assert len(both.rows) == len(alone.rows) == 2048


def test_rotations_see_the_painting_turned(method: Matching) -> None:
    stripes = torch.rand(1, 96, 1, generator=torch.Generator().manual_seed(0)).expand(3, 96, 96)
    found = []
    for turned in (False, True):
        card = method.adapt(stripes.contiguous(), **QUICK, rotations=turned)
        found.append(read(card, method.encoder, method.place)[0].scales[96].mean)
    assert not torch.allclose(*found, atol=1e-3)


def test_scales_above_the_limit_take_no_steps(
    method: Matching, card: StyleCard, bare: StyleCard
) -> None:
    seen: list[AdaptStep] = []
    drawn = method.stylizer(card)(PHOTO, seen.append)
    assert [step.step for step in seen] == [1, 2] and seen[0].steps == 2  # at 64 px
    without = replace(card, config={**card.config, "patches_above": 128})
    seen.clear()
    descended = method.stylizer(without)(PHOTO, seen.append)
    assert len(seen) == 4 and not torch.equal(drawn, descended)
    seen.clear()
    method.stylizer(bare)(PHOTO, seen.append)
    assert len(seen) == 4


def test_a_redrawn_picture_gets_its_colours_back() -> None:
    encoder, seen = tiny_encoder(), []

    def paled(picture: Tensor) -> Tensor:
        seen.append(picture)
        return 0.4 + 0.3 * picture[:, [1, 2, 0]]

    how = Painting(
        drawn_by="steps", steps=0, half_steps=0, final_steps=0, patches_above=64, recolor="off"
    )
    photo = 0.3 + 0.4 * PHOTO  # in which nothing is clipped
    made = paint(photo, _any_style(encoder), encoder, how, redraw=paled)
    (given,) = seen
    before, after = Colors.of(given[0]), Colors.of(made[0])
    assert torch.allclose(before.mean, after.mean, atol=1e-3)
    assert torch.allclose(before.covariance, after.covariance, atol=1e-3)


def invert(picture: Tensor) -> Tensor:
    return 1 - picture


def _any_style(encoder: Encoder) -> StyleVectors:
    """Eight vectors at every level."""
    sizes = {level: encoder(PHOTO, [level])[level].shape[1] for level in LEVELS}
    every = Vectors(torch.rand(8, sum(sizes.values())), torch.zeros(sum(sizes.values())))
    levels = {level: Vectors(torch.rand(8, n), torch.zeros(n)) for level, n in sizes.items()}
    return StyleVectors({64: every}, levels)


def test_steps_at_half_the_size_leave_the_finest_detail() -> None:
    encoder, photo = tiny_encoder(), 0.3 + 0.4 * pictures(1, 512, seed=9)[..., :64, :]
    style, fine = _any_style(encoder), []
    how = Painting(half_steps=0, final_steps=0, recolor="off", structure=0.0)
    drawn = paint(photo, style, encoder, how, redraw=invert)
    for steps in ({"half_steps": 3}, {"final_steps": 3}):
        change = paint(photo, style, encoder, replace(how, **steps), redraw=invert) - drawn
        detail, rest = bands(change, 1)
        fine.append(float(detail.square().mean() / rest.square().mean()))
    assert fine[0] < 0.5 * fine[1]


def test_structure_keeps_the_photos_self_similarity_in_steps_at_half_the_size() -> None:
    encoder, photo = tiny_encoder(), pictures(1, 400, seed=9)[..., :64, :]
    noise = pictures(1, 400, seed=10)

    def scrambled(picture: Tensor) -> Tensor:
        return picture.lerp(noise[..., : picture.shape[2], : picture.shape[3]], 0.7)

    def columns(picture: Tensor) -> Tensor:
        return hypercolumns(encoder(picture, LEVELS), *cells(picture))[0]

    style, moved = _any_style(encoder), []
    for weight in (0.0, 100.0):
        how = Painting(half_steps=8, final_steps=0, recolor="off", structure=weight, lr=2e-2)
        made = paint(photo, style, encoder, how, redraw=scrambled)
        moved.append(float(self_similarity_distance(columns(made), columns(photo))))
    assert moved[1] < 0.9 * moved[0]


def test_small_pictures_take_a_quarter_of_those_steps_at_full_size() -> None:
    encoder, seen = tiny_encoder(), list[tuple[int, int]]()
    how = Painting(half_steps=8, final_steps=1, recolor="off")
    for size in (300, 500):
        photo = pictures(1, size, seed=9)[..., :32, :]

        def heard(step: int, steps: int, _: float) -> None:
            seen.append((step, steps))

        paint(photo, _any_style(encoder), encoder, how, heard, redraw=invert)
    assert seen == [(n, 3) for n in (1, 2, 3)] + [(n, 9) for n in range(1, 10)]


@pytest.mark.parametrize(("alpha", "steps"), [(0.3, 9), (0.6, 9), (0.7, 6), (0.8, 3), (1.0, 3)])
def test_the_more_of_the_photo_stays_the_fewer_steps_are_taken_at_half_the_size(
    alpha: float, steps: int
) -> None:
    seen, how = set[int](), Painting(alpha=alpha, half_steps=8, final_steps=1, recolor="off")
    photo = pictures(1, 700, seed=9)[..., :32, :]

    def heard(step: int, steps: int, _: float) -> None:
        seen.add(steps)

    paint(photo, _any_style(tiny_encoder()), tiny_encoder(), how, heard, redraw=invert)
    assert seen == {steps}


@pytest.mark.parametrize(("alpha", "way"), [(0.6, 0.5), (0.8, 0.25), (1.0, 0.0)])
def test_patches_are_looked_for_in_the_styles_colours(alpha: float, way: float) -> None:
    encoder, seen = tiny_encoder(), list[Tensor]()
    photo = grained(pictures(1, 400, seed=9)[..., :64, :])
    colors = StyleColors.of(0.2 + 0.3 * pictures(1, 96, seed=5)[0], 512)
    style = replace(_any_style(encoder), colors=colors)

    def heard(picture: Tensor) -> Tensor:
        seen.append(picture)
        return picture

    how = Painting(alpha=alpha, half_steps=0, final_steps=0, recolor="off")
    paint(photo, style, encoder, how, redraw=heard)
    small = resized(photo, *seen[0].shape[-2:])
    target = Colors.of(colors.pixels.T[:, None])
    moved = Colors.of(photo[0]).nearer(small, target, way)
    assert float((seen[0] - moved).abs().mean()) < 5e-3
    grey = torch.full_like(photo, 0.5)  # flat: all its colours are one, and the style's none of it
    paint(grey, style, encoder, how, redraw=heard)
    assert torch.allclose(seen[-1], torch.tensor(0.5), atol=1e-3)


def test_cards_of_before_are_looked_for_sharp_and_drawn_as_they_were(
    method: Matching, card: StyleCard
) -> None:
    asked, bank = list[float](), StyleSwap.bank
    assert method._swap_of(card) is method._swap
    config = {k: v for k, v in card.config.items() if k not in ("key_blur", "palette_first")}
    old = replace(card, config=config)
    before = method._swap_of(old)
    assert before is not None and before.base == StyleSwap.load(method.encoder).base

    def heard(*args: Any) -> Any:
        asked.append(args[-1])
        return bank(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StyleSwap, "bank", heard)
        for one in (card, old):
            method.stylizer(replace(one, config=one.config | {"alpha": 0.6}))(PHOTO)
    assert asked == [Painting().key_blur, 1.0]


def test_the_photo_alone_has_no_patches() -> None:
    assert [Painting(alpha=a).patches for a in (0.0, 0.6, 1.0)] == [1.0, 1.0, 0.0]
    assert 0.4 < Painting(alpha=0.8).patches < 0.6


def test_mixed_cards_keep_both_paintings_in_their_shares(method: Matching, card: StyleCard) -> None:
    other, swap = method.adapt(OTHER, **QUICK), swap_of(method.encoder)
    assert swap is not None
    both = method.blend([card, other], [3, 1])
    assert torch.equal(kept(both, 1), kept(other)) and both.config["paintings"] == [0.75, 0.25]
    first, second, mixed = (swap.bank(*paintings_of(one)).styles for one in (card, other, both))
    assert len(mixed[0]) == len(first[0])
    assert len(mixed[1]) == pytest.approx(len(second[0]) / 3, rel=0.2)
    again = method.blend([both, card], [1, 1])
    assert again.config["paintings"] == [0.375, 0.125, 0.5]
    assert method.stylizer(both)(PHOTO).shape == PHOTO.shape
    only = method.blend([card, other], [1, 0])
    assert "painting.1" not in only.tensors and only.config["paintings"] == [1.0]


def test_mixtures_with_cards_of_before_that_keep_vectors(
    method: Matching, card: StyleCard, bare: StyleCard
) -> None:
    paintings = {n: t for n, t in card.tensors.items() if n.startswith("painting")}
    both = replace(bare, tensors=bare.tensors | paintings)
    mixed = method.blend([card, both], [1, 1])
    assert mixed.tensors.keys() == card.tensors.keys() | {"painting.1"}
    old = method.blend([both, both], [1, 1])
    assert old.tensors.keys() == bare.tensors.keys() | {"painting.0", "painting.1"}
    without = method.blend([both, bare], [1, 1])
    assert without.tensors.keys() == bare.tensors.keys()
    for one in (mixed, old, without):
        assert method.stylizer(one)(PHOTO).shape == PHOTO.shape
    with pytest.raises(GessoError, match="one keeps its painting, another none"):
        method.blend([card, bare], [1, 1])


def test_patches_come_from_where_the_style_is(method: Matching) -> None:
    mask, swap = torch.zeros(96, 96), swap_of(method.encoder)
    mask[:, 48:] = 1
    assert swap is not None
    masked = replace(method.adapt(STYLE, **QUICK), tensors=kept_painting(STYLE, mask))
    on = swap.bank(*paintings_of(masked)).styles[0].on
    assert on is not None and not on[:, :12].any() and on[:, 12:].all()
    assert method.adapt(STYLE, style_mask=mask, **QUICK).tensors["painted.0"].shape == (24, 24)


def test_an_encoder_that_the_network_does_not_know_keeps_no_painting() -> None:
    assert swap_of(tiny_encoder()) is None
    assert not [n for n in Matching(tiny_encoder()).adapt(STYLE, **QUICK).tensors if "paint" in n]


@pytest.mark.parametrize(
    "damage",
    [
        {"painting.0": torch.full((50,), 7.0)},
        {"painting.0": torch.full((50,), 300.0)},
        {"painting.0": torch.zeros(4, 4)},
        {"painted.0": torch.zeros(24, 24)},
    ],
)
def test_damaged_paintings_are_refused_in_one_line(
    method: Matching, card: StyleCard, damage: dict[str, Tensor]
) -> None:
    with pytest.raises(GessoError, match=r"a card with(out)? (a damaged )?paint") as caught:
        method.stylizer(replace(card, tensors={**card.tensors, **damage}))
    assert "\n" not in str(caught.value)
    with pytest.raises(GessoError, match="not the configuration of a matching card"):
        method.stylizer(replace(card, config={**card.config, "seed": "many"}))
    broken = {**card.config, "paintings": [1.0, -2]}
    with pytest.raises(GessoError, match="damaged shares"):
        method.stylizer(replace(card, config=broken))


def test_only_patches_draw_the_photo_at_every_scale_and_take_no_steps(
    method: Matching, card: StyleCard, bare: StyleCard
) -> None:
    sizes, seen = [], list[AdaptStep]()
    photo = pictures(1, 800, seed=7)[..., :64, :]

    def drawn(picture: Tensor) -> Tensor:
        sizes.append(max(picture.shape[-2:]))
        return 1 - picture

    how = Painting(half_steps=0, final_steps=0, recolor="off")
    nothing = StyleVectors({}, {})
    made = paint(photo, nothing, method.encoder, how, redraw=drawn)
    assert sizes == [200, 400, 800] and made.shape == photo.shape
    assert float((made - (1 - photo)).abs().mean()) < 0.02  # turned over three times
    kept_photo = paint(photo, nothing, method.encoder, replace(how, alpha=1.0), redraw=drawn)
    assert torch.allclose(kept_photo, photo, atol=1e-5)
    only = replace(
        card, config={**card.config, "drawn_by": "patches", "alpha": 0.3, "patches_above": 384}
    )
    method.stylizer(only)(PHOTO, seen.append)
    assert not seen
    method.stylizer(replace(only, tensors=bare.tensors))(PHOTO, seen.append)
    assert len(seen) == 4  # without a painting steps have to do


def test_a_photos_share_brings_outlines_back_below_the_last_scale(method: Matching) -> None:
    seen: list[Tensor] = []

    def same(picture: Tensor) -> Tensor:
        seen.append(picture)
        return picture

    vectors = method.adapt(STYLE, **QUICK)
    style, encoder = read(vectors, method.encoder, method.place)
    photo = pictures(1, 256, seed=8)
    blurred = []
    for alpha in (0.0, 0.6):
        how = Painting(
            drawn_by="steps",
            alpha=alpha,
            steps=0,
            half_steps=0,
            final_steps=0,
            patches_above=64,
            recolor="off",
        )
        paint(photo, style, encoder, how, redraw=same)
        blurred.append(seen[-2])
    small = resized(photo, 128, 128)
    first, second = (float((picture - small).square().mean()) for picture in blurred)
    assert [max(picture.shape) for picture in seen] == [128, 256] * 2
    assert second < 0.7 * first


def test_a_card_of_before_there_was_a_choice_is_drawn_by_steps(
    method: Matching, card: StyleCard
) -> None:
    config = {name: value for name, value in card.config.items() if name != "drawn_by"}
    old = method.stylizer(replace(card, config=config))(PHOTO)
    assert torch.equal(old, method.stylizer(card)(PHOTO))
    patches = replace(card, config=config | {"drawn_by": "patches", "alpha": 0.3})
    assert not torch.equal(old, method.stylizer(patches)(PHOTO))


def test_cards_that_keep_paintings_alone_are_painted_in_regions(method: Matching) -> None:
    cards = [method.adapt(style, **{**QUICK, "final_steps": 1}) for style in (STYLE, OTHER)]
    shares = torch.zeros(2, 128, 128)
    shares[0, :, :64], shares[1, :, 64:] = 1, 1
    picture = method.stylizer_of_regions(cards)(PHOTO, shares, None)
    assert picture.shape == PHOTO.shape and float((picture - PHOTO).abs().mean()) > 0.02
