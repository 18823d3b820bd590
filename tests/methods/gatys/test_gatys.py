"""Gatys et al. (2016): what the descent on pixels does, and what its cards hold."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.encoders.vgg import VGG
from gesso.errors import GessoError
from gesso.fitting.lbfgs import minimise
from gesso.fitting.picture import Descent, optimise
from gesso.losses.objectives import Objective
from gesso.losses.terms import gram_matrix, grams
from gesso.methods.base import AdaptStep
from gesso.methods.gatys.about import Options
from gesso.methods.gatys.method import Gatys
from gesso.methods.gatys.settings import GATYS, from_header, objective_for
from gesso.methods.metastyle.method import MetaStyle
from tiny import pictures, tiny_encoder
from tiny_files import TinyFiles

STYLE = pictures(1, 64, seed=5)[0]
PHOTO = pictures(1, 32, seed=6)


@pytest.fixture(scope="module")
def method() -> Gatys:
    return Gatys(tiny_encoder())


def tiny_vgg(caffe: bool = True) -> VGG:
    torch.manual_seed(0)
    vgg = VGG("vgg19", caffe=caffe)
    for conv in vgg.convs.values():
        assert isinstance(conv, nn.Conv2d)
        nn.init.kaiming_normal_(conv.weight)
        nn.init.zeros_(conv.bias)
    vgg.freeze()
    return vgg


def run(method: Gatys, photo: Tensor = PHOTO, **options: Any) -> tuple[Tensor, list[AdaptStep]]:
    """The picture, and the steps that were reported."""
    stylize = method.stylizer(method.adapt(STYLE, [photo[0]], style_size=64, **options))
    told: list[AdaptStep] = []
    return stylize(photo, told.append), told


def total(step: AdaptStep) -> float:
    return sum(step.losses.values())


# the descent


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("objective", ["relative", "metastyle"])
def test_the_loss_falls_and_the_gram_matrices_move_to_the_styles(
    method: Gatys, optimizer: str, objective: str
) -> None:
    picture, told = run(method, steps=12, optimizer=optimizer, objective=objective)
    assert total(told[-1]) < 0.97 * total(told[0])
    encoder = method.encoder
    aim, before, after = (grams(encoder(x))["relu3_3"] for x in (STYLE[None], PHOTO, picture))
    assert float((after - aim).norm()) < float((before - aim).norm())


def test_every_step_is_told_with_the_terms_of_the_objective(method: Gatys) -> None:
    picture, told = run(method, torch.cat([PHOTO, 1 - PHOTO]), steps=2)
    assert [(now.step, now.steps) for now in told] == [(i, 4) for i in (0, 1, 2, 2, 3, 4)]
    assert all(set(now.losses) == {"content", "style", "tv"} for now in told)
    expected = Objective()(
        picture[1:],
        method.encoder(picture[1:]),
        method.encoder(1 - PHOTO)["relu3_3"],
        grams(method.encoder(STYLE[None])),
    )
    for name, value in expected.items():
        assert told[-1].losses[name] == pytest.approx(float(value), rel=0.05)  # bfloat16


def test_from_noise_lbfgs_is_at_least_as_low_as_adam_after_as_many_evaluations(
    method: Gatys,
) -> None:
    after = {o: run(method, steps=20, optimizer=o, init="noise")[1] for o in ("adam", "lbfgs")}
    assert [len(told) for told in after.values()] == [21, 21]
    assert total(after["lbfgs"][-1]) <= total(after["adam"][-1])


def test_no_steps_give_the_start(method: Gatys) -> None:
    assert torch.equal(run(method, steps=0)[0], PHOTO)
    assert torch.equal(run(method, steps=0, optimizer="lbfgs")[0], PHOTO)


def test_a_picture_does_not_depend_on_its_neighbours(method: Gatys) -> None:
    options: dict[str, Any] = {"steps": 2, "init": "noise", "optimizer": "lbfgs"}
    both, _ = run(method, torch.cat([1 - PHOTO, PHOTO]), **options)
    torch.testing.assert_close(both[1:], run(method, **options)[0])


def test_coarse_to_fine_halves_the_size_and_the_steps() -> None:
    assert Descent(steps=100).stages(512, 300) == [(512, 300, 100)]
    assert Descent(steps=100).stages(1001, 600) == [(501, 300, 100), (1001, 600, 50)]
    assert [n for *_, n in Descent(steps=3).stages(3000, 2000)] == [3, 2, 1, 1]
    assert Descent(steps=3, coarse=0).stages(3000, 2000) == [(3000, 2000, 3)]
    assert Descent(steps=3).stages(20, 9000) == [(20, 9000, 3)]  # nothing to halve


def test_coarse_to_fine_tells_all_its_steps_and_keeps_the_size(method: Gatys) -> None:
    picture, told = run(method, pictures(1, 70)[..., :67], steps=4, coarse=40)
    assert picture.shape == (1, 3, 70, 67)
    assert [now.step for now in told] == list(range(7)) and {now.steps for now in told} == {6}


def test_a_mirroring_descent_shows_the_encoder_every_second_picture_mirrored() -> None:
    encoder, content = tiny_encoder(), pictures(1, 32, seed=3)[..., :24]
    seen: list[Tensor] = []
    hook = encoder.register_forward_pre_hook(
        lambda _, given: seen.append(given[0].detach().clone())
    )
    target = grams(encoder(STYLE[None]))
    seen.clear()
    with hook:
        descent = Descent(steps=3, lr=1e-3, coarse=0, mirror=True)
        optimise(content, lambda c: c, encoder, Objective(), target, descent)
    photo, first, mirrored, *others = seen
    steps = [first, *others]
    assert torch.equal(photo, content) and torch.equal(mirrored, content.flip(-1))
    assert torch.equal(steps[0], content) and len(steps) == 3
    for before, after in pairwise(steps):
        assert 0 < float((after.flip(-1) - before).abs().max()) < 2e-3
        assert float((after - before).abs().max()) > 0.1


@pytest.mark.parametrize("option", ["mirror", "chroma"])
def test_a_line_search_is_not_given_what_only_adam_does(option: str) -> None:
    with pytest.raises(GessoError, match=option):
        Descent(**{"optimizer": "lbfgs", option: True})


def descended(picture: Tensor, chroma: float, steps: int = 4) -> Tensor:
    encoder = tiny_encoder()
    descent = Descent(steps=steps, coarse=0, chroma=chroma)
    target = grams(encoder(STYLE[None]))
    return optimise(PHOTO, lambda _: picture, encoder, Objective(), target, descent)


def colour(picture: Tensor) -> Tensor:
    """How far each pixel is from grey."""
    return picture - picture.mean(1, keepdim=True)


def test_with_slow_chroma_a_grey_picture_stays_grey_and_moves() -> None:
    grey = PHOTO.mean(1, keepdim=True).expand(1, 3, 32, 32)
    after = descended(grey, chroma=0.25)
    assert float((after - grey).abs().max()) > 0.05
    assert float(colour(after).abs().max()) < 1e-5
    assert float(colour(descended(grey, chroma=0)).abs().max()) > 0.02


def test_chroma_moves_at_its_share_of_the_rate() -> None:
    photo = 0.3 + 0.4 * PHOTO  # nothing is cut off
    free, slow = (descended(photo, chroma, steps=1) - photo for chroma in (0.5, 0.05))
    same, tenth = (move.mean(1) for move in (free, slow)), colour(slow)
    torch.testing.assert_close(*same)
    torch.testing.assert_close(10 * tenth, colour(free), rtol=1e-3, atol=1e-5)


def test_a_flat_picture_can_be_descended_from_with_slow_chroma() -> None:
    flat = torch.full_like(PHOTO, 0.5)
    assert bool(descended(flat, chroma=0.25).isfinite().all())


def test_lbfgs_finds_the_minimum_of_a_quadratic_inside_its_bounds() -> None:
    scale = torch.logspace(0, 3, 20, dtype=torch.float64)
    aim = torch.linspace(-0.5, 1.5, 20, dtype=torch.float64)

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        return float((scale * (x - aim).square()).sum()), 2 * scale * (x - aim)

    found = minimise(torch.full_like(aim, 0.5), evaluate, 60, 0.02)
    torch.testing.assert_close(found, aim.clamp(0, 1), atol=1e-3, rtol=0)


def test_lbfgs_never_rises_and_counts_every_evaluation() -> None:
    calls = []

    def evaluate(x: Tensor) -> tuple[float, Tensor]:
        calls.append(x)
        x = x.detach().requires_grad_()
        value = (20 * x).sin().sum() + x.square().sum()
        return float(value.detach()), torch.autograd.grad(value, x)[0]

    start = torch.linspace(0, 1, 7)
    found = minimise(start, evaluate, 9, 5.0)
    assert len(calls) == 9
    assert evaluate(found)[0] < evaluate(start)[0]


# what it begins with


def test_noise_is_the_same_for_the_same_seed(method: Gatys) -> None:
    options: dict[str, Any] = {"init": "noise", "steps": 2}
    torch.manual_seed(1)
    first = run(method, seed=3, **options)[0]
    torch.manual_seed(2)
    assert torch.equal(first, run(method, seed=3, **options)[0])
    assert not torch.equal(first, run(method, seed=4, **options)[0])
    start = run(method, seed=3, init="noise", steps=0)[0]
    assert 0.4 < float(start.mean()) < 0.6 and 0.25 < float(start.std()) < 0.33  # uniform


def test_gatys_from_metastyle_begins_with_its_picture(
    method: Gatys, tiny_weights: TinyFiles
) -> None:
    card = method.adapt(STYLE, [PHOTO[0]], init="metastyle", steps=0, seed=7)
    first = MetaStyle.load(lambda: method.encoder)
    expected = first.stylizer(first.adapt(STYLE, [PHOTO[0]], seed=7))(PHOTO)
    torch.testing.assert_close(method.stylizer(card)(PHOTO), expected)
    assert method.adapt_settings(init="metastyle")["first"]["base"] == first.base
    with pytest.raises(GessoError, match="lacks the one its pictures begin with"):
        method.stylizer(StyleCard("gatys", card.tensors, {**card.config, "first": None}))


def test_any_stylizer_can_make_the_first_picture(method: Gatys) -> None:
    stylize = method.stylizer(method.adapt(STYLE, steps=0), start=lambda content: 1 - content)
    torch.testing.assert_close(stylize(PHOTO), 1 - PHOTO)


# cards


def test_a_card_holds_the_gram_matrices_of_the_style(method: Gatys) -> None:
    card = method.adapt(STYLE, style_size=64, exact=True)
    assert set(card.tensors) == {f"gram.{level}" for level in LEVELS}
    aim = grams(method.encoder(STYLE[None]))
    for level in LEVELS:
        torch.testing.assert_close(card.tensors[f"gram.{level}"], aim[level][0])


def test_gram_matrices_are_exact_on_processors_that_multiply_bfloat16(
    method: Gatys, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = method.adapt(STYLE, style_size=64, exact=True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    found = method.adapt(STYLE, style_size=64, exact=True)
    assert all(torch.equal(t, found.tensors[name]) for name, t in plain.tensors.items())


def test_a_card_of_another_encoder_is_refused(method: Gatys) -> None:
    other = tiny_encoder(seed=1)
    other.identity = "b" * 64
    with pytest.raises(GessoError, match=r"the encoder compact \(bbbbbbbbbbbb…\)") as caught:
        method.stylizer(Gatys(other).adapt(STYLE))
    assert "\n" not in str(caught.value)


def test_damaged_cards_are_refused_in_one_line(method: Gatys) -> None:
    card = method.adapt(STYLE)
    for tensors in ({}, {**card.tensors, "gram.relu2_2": torch.zeros(3, 3)}):
        with pytest.raises(GessoError, match="without a Gram matrix"):
            method.stylizer(StyleCard("gatys", tensors, card.config))
    for config in ({}, {**card.config, "steps": "many"}, {**card.config, "steps": -1}):
        with pytest.raises(GessoError):
            method.stylizer(StyleCard("gatys", card.tensors, config))


def test_the_photo_as_its_own_style_is_neutral(method: Gatys) -> None:
    card = method.adapt(STYLE, steps=3)
    neutral = method.neutral(PHOTO[0], like=card)
    assert neutral.config == card.config

    def away(picture: Tensor) -> float:
        return float((picture - PHOTO).abs().mean())

    own = method.stylizer(neutral)(PHOTO)
    assert away(own) < away(method.stylizer(card)(PHOTO))


# objectives


def test_the_papers_objective_needs_vgg19_up_to_relu5_1(method: Gatys) -> None:
    with pytest.raises(GessoError, match="objective paper: needs VGG-19 up to relu5_1") as caught:
        method.adapt(STYLE, objective="paper")
    assert "the encoder is compact up to relu4_3" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_papers_objective_runs_on_vgg19_and_its_card_fits_float16(tmp_path: Path) -> None:
    method = Gatys(tiny_vgg())
    card = method.adapt(STYLE, objective="paper", steps=2, style_size=64)
    assert [n.removeprefix("gram.") for n in card.tensors] == list(GATYS.levels)
    card.save(tmp_path / "card.safetensors")
    stylize = method.stylizer(StyleCard.load(tmp_path / "card.safetensors"))
    told: list[AdaptStep] = []
    assert stylize(PHOTO[..., :20, :17], told.append).shape == (1, 3, 20, 17)
    assert total(told[-1]) < total(told[0])


def test_the_papers_terms_are_means_of_squares_weighted_alike() -> None:
    encoder = tiny_vgg()
    objective = objective_for(Options(objective="paper"), encoder)
    assert (objective.content_level, objective.style_weight) == ("relu4_2", 1e3)
    f, c, s = (encoder(x) for x in (PHOTO, 1 - PHOTO, STYLE[None, :, :32, :32]))
    terms = objective(PHOTO, f, c["relu4_2"], grams(s, objective.levels))
    content = (f["relu4_2"] - c["relu4_2"]).square().mean()
    style = [
        (gram_matrix(f[n]) - gram_matrix(s[n])).square().mean()
        for n in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    ]
    assert float(terms["content"]) == pytest.approx(float(content), rel=1e-5)
    assert float(terms["style"]) == pytest.approx(1e3 * float(sum(style)), rel=1e-5)


@pytest.mark.parametrize("name", ["paper", "metastyle"])
def test_weights_go_with_the_scale_of_the_features(name: str) -> None:
    caffe, torchvision = (
        objective_for(Options(objective=name), tiny_vgg(caffe=kind)).style_weight
        for kind in (True, False)
    )
    assert torchvision / caffe == pytest.approx(57.6**2, rel=0.01)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"optimizer": "sgd"}, "optimizer: sgd is unknown; allowed are adam, lbfgs"),
        ({"init": "gatys"}, "init: gatys is unknown; allowed are content, noise, .*metastyle"),
        ({"objective": "best"}, "objective: best is unknown; allowed are relative, paper, meta"),
        ({"objective": 3}, "objective: allowed are a name or an Objective"),
        ({"optimizer": "lbfgs", "mirror": True}, "mirror"),
        ({"lr": float("nan")}, "lr: nan; allowed are numbers from 0"),
    ],
)
def test_senseless_options_are_refused_before_any_work(
    method: Gatys, option: dict[str, Any], words: str
) -> None:
    with pytest.raises(GessoError, match=words):
        method.adapt_settings(**option)


def test_an_objective_of_ones_own_comes_back_from_a_card(method: Gatys, tmp_path: Path) -> None:
    own = Objective(style_weight=3.0, levels=("relu1_2", "relu2_2"))
    card = method.adapt(STYLE, objective=own, steps=1)
    card.save(tmp_path / "card.safetensors", "float32")
    loaded = StyleCard.load(tmp_path / "card.safetensors")
    assert from_header(loaded.config).objective == own
    assert torch.equal(method.stylizer(loaded)(PHOTO), method.stylizer(card)(PHOTO))


def test_the_encoder_is_loaded_once_and_only_when_needed() -> None:
    loaded: list[Encoder] = []

    def source() -> Encoder:
        loaded.append(tiny_encoder())
        return loaded[-1]

    method = Gatys(source)
    method.adapt_settings(steps=1)
    assert loaded == []
    method.stylizer(method.adapt(STYLE, steps=1))(PHOTO)
    assert len(loaded) == 1
