"""Objectives are the weighted sums they say they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.levels import LEVELS
from gesso.losses.objectives import PAPER, Objective, StatisticsObjective, UnboundedObjective
from gesso.losses.terms import channel_statistics, gram_matrix, grams, saturation, total_variation
from tiny import pictures, tiny_encoder


@pytest.mark.parametrize("objective", [Objective(), PAPER], ids=["relative", "paper"])
def test_the_style_itself_has_no_style_loss_and_the_content_no_content_loss(
    objective: Objective,
) -> None:
    encoder = tiny_encoder(dtype=torch.float64)
    content, style = pictures(2, 24, dtype=torch.float64).split(1)
    targets = grams(encoder(style), LEVELS)
    features = {id(image): encoder(image) for image in (content, style)}
    wanted = features[id(content)][objective.content_level]
    at_style = objective(style, features[id(style)], wanted, targets)
    at_content = objective(content, features[id(content)], wanted, targets)
    assert at_style["style"].tolist() == [0] and at_content["content"].tolist() == [0]
    assert float(at_style["content"]) > 0 and float(at_content["style"]) > 0


def test_the_relative_objective_is_the_sum_it_says() -> None:
    encoder = tiny_encoder(dtype=torch.float64)
    image, content, style = pictures(3, 24, dtype=torch.float64).split(1)
    objective = Objective(content_weight=3.0, style_weight=0.5, tv_weight=7.0)
    out, wanted, other = encoder(image), encoder(content)["relu3_3"], encoder(style)
    terms = objective(image, out, wanted, grams(other))
    expected = torch.zeros((), dtype=torch.float64)
    for level in ("relu1_2", "relu2_2", "relu3_3", "relu4_3"):
        ours, theirs = (f[level][0].flatten(1) @ f[level][0].flatten(1).T for f in (out, other))
        pixels = [f[level].shape[-1] * f[level].shape[-2] for f in (out, other)]
        ours, theirs = ours / pixels[0], theirs / pixels[1]
        expected = expected + (ours - theirs).norm() ** 2 / theirs.norm() ** 2
    torch.testing.assert_close(terms["style"][0], 0.5 * expected)
    relative = (out["relu3_3"] - wanted).norm() ** 2 / wanted.norm() ** 2
    torch.testing.assert_close(terms["content"][0], 3 * relative)
    torch.testing.assert_close(terms["tv"], 7 * total_variation(image))
    assert set(terms) == {"content", "style", "tv"}


def test_the_papers_objective_is_mean_squared_errors_one_to_1e5() -> None:
    encoder = tiny_encoder(dtype=torch.float64)
    image, content, style = pictures(3, 24, dtype=torch.float64).split(1)
    out, wanted, targets = encoder(image), encoder(content)["relu2_2"], grams(encoder(style))
    terms = PAPER(image, out, wanted, targets)
    style_error = sum(F.mse_loss(gram_matrix(out[level]), targets[level]) for level in LEVELS)
    torch.testing.assert_close(terms["style"][0], 1e5 * style_error)
    torch.testing.assert_close(terms["content"][0], F.mse_loss(out["relu2_2"], wanted))
    assert terms["tv"].tolist() == [0]


def test_of_a_networks_output_it_judges_the_picture_and_the_saturation() -> None:
    encoder = tiny_encoder(dtype=torch.float64)
    raw = 5 * torch.randn(2, 3, 24, 24, dtype=torch.float64)
    content, style = pictures(2, 24, dtype=torch.float64).split(1)
    wanted, targets = encoder(content)["relu3_3"].expand(2, -1, -1, -1), grams(encoder(style))
    plain = Objective(tv_weight=0.5)
    image = raw.sigmoid()
    expected = plain(image, encoder(image), wanted, targets)
    terms = plain.of_network(raw, encoder, wanted, targets)
    assert set(terms) == set(expected)
    strict = replace(plain, saturation_weight=2.0).of_network(raw, encoder, wanted, targets)
    assert set(strict) == {*expected, "saturation"}
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value)
        torch.testing.assert_close(strict[name], value)
    torch.testing.assert_close(strict["saturation"], 2 * saturation(raw))


def test_without_style_weight_no_gram_matrix_is_needed() -> None:
    encoder = tiny_encoder()
    image, content = pictures(2, 24).split(1)
    objective = Objective(style_weight=0.0)
    assert objective.style_levels == () and Objective().style_levels == LEVELS
    asked: list[list[str]] = []

    def encode(image: Tensor, levels: Sequence[str]) -> dict[str, Tensor]:
        asked.append(list(levels))
        return encoder(image, levels)

    terms = objective.of_network(image.logit(), encode, encoder(content)["relu3_3"], {})
    assert set(terms) == {"content", "tv"} and asked == [["relu3_3"]]
    assert float(terms["content"]) > 0


@pytest.mark.parametrize("objective", [Objective(tv_weight=1.0), PAPER], ids=["relative", "paper"])
def test_the_terms_of_a_batch_are_those_of_its_images(objective: Objective) -> None:
    encoder = tiny_encoder(dtype=torch.float64)
    images, contents = pictures(4, 24, dtype=torch.float64).split(2)
    targets = grams(encoder(pictures(1, 40, seed=9, dtype=torch.float64)))
    level = objective.content_level
    together = objective(images, encoder(images), encoder(contents)[level], targets)
    for i in range(2):
        image, content = images[i : i + 1], contents[i : i + 1]
        alone = objective(image, encoder(image), encoder(content)[level], targets)
        for name, term in alone.items():
            torch.testing.assert_close(together[name][i : i + 1], term)


def test_the_relative_objective_means_the_same_for_an_encoder_in_other_units() -> None:
    encoder = tiny_encoder(dtype=torch.float64)
    image, content, style = (encoder(p) for p in pictures(3, 24, dtype=torch.float64).split(1))
    objective = replace(Objective(), tv_weight=0.0)

    def total(scale: float) -> float:
        scaled = [{n: scale * f for n, f in features.items()} for features in (image, style)]
        wanted = scale * content[objective.content_level]
        terms = objective(torch.zeros(1, 3, 8, 8), scaled[0], wanted, grams(scaled[1]))
        return float(sum(terms.values()))

    assert total(100.0) == pytest.approx(total(1.0), rel=1e-9)


def test_without_a_sigmoid_the_terms_are_the_same_and_leaving_the_range_costs() -> None:
    encoder = tiny_encoder()
    objective = UnboundedObjective(style_weight=2.0, range_weight=10.0)
    image, style = pictures(1, 32, seed=1), pictures(1, 32, seed=2)
    target = objective.targets(encoder(style, LEVELS))
    content = encoder(image, [objective.content_level])[objective.content_level]
    terms = objective.of_network(image, encoder, content, target)
    same = Objective(style_weight=2.0)(image, encoder(image, LEVELS), content, target)
    assert float(terms.pop("range")) == 0
    torch.testing.assert_close(terms, same)
    outside = objective.of_network(image + 1.0, encoder, content, target)["range"]
    torch.testing.assert_close(outside, 10 * image.square().mean((1, 2, 3)), rtol=1e-4, atol=1e-6)


def test_the_statistics_objective_of_papers_is_of_squared_errors() -> None:
    encoder, image = tiny_encoder(), pictures(2, 32)
    style, content = encoder(pictures(1, 32, seed=3)), encoder(pictures(2, 32, seed=4))
    objective = StatisticsObjective(relative=False, style_weight=25.0, tv_weight=2.0)
    wanted = content[objective.content_level]
    terms = objective.of_network(image + 0.5, encoder, wanted, objective.targets(style))
    found = encoder(image + 0.5)
    content_gap = (found["relu3_3"] - wanted).square().mean((1, 2, 3))
    statistics = {n: channel_statistics(f) for n, f in found.items()}
    gaps = [(statistics[n] - channel_statistics(style[n])).square().mean(1) for n in LEVELS]
    torch.testing.assert_close(terms["content"], content_gap)
    torch.testing.assert_close(terms["style"], 25 * torch.stack(gaps).sum(0))
    beyond = (image + 0.5 - 1).clamp_min(0).square().mean((1, 2, 3))
    torch.testing.assert_close(terms["range"], objective.range_weight * beyond)
    assert (terms["tv"] > 0).all()


def test_the_relative_statistics_objective_is_free_of_scale_and_0_for_the_style_itself() -> None:
    encoder, style = tiny_encoder(), pictures(1, 32)
    objective = StatisticsObjective(content_weight=0.0)
    features = encoder(style)
    terms = objective.of_network(style, encoder, features["relu3_3"], objective.targets(features))
    assert all(float(value) < 1e-9 for value in terms.values())
    other = encoder(pictures(1, 32, seed=9))

    def gap(scale: float) -> Tensor:
        def scaled(image: Tensor, levels: object) -> dict[str, Tensor]:
            return {n: scale * f for n, f in encoder(image).items()}

        target = objective.targets({n: scale * f for n, f in other.items()})
        return objective.of_network(style, scaled, features["relu3_3"], target)["style"]

    torch.testing.assert_close(gap(1.0), gap(8.0), rtol=1e-3, atol=1e-6)


def test_a_texture_has_no_content_to_keep() -> None:
    encoder = tiny_encoder()
    style = grams(encoder(pictures(1, 24)), LEVELS)
    raw = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    objective = Objective(style_weight=2.0)
    found = objective.of_texture(raw, encoder, style)
    photo = encoder(pictures(2, 24, seed=3))["relu3_3"]
    other = objective.of_network(raw, encoder, photo, style)
    assert found.keys() == other.keys() - {"content"}
    assert all(torch.equal(found[name], other[name]) for name in found)
