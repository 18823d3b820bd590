"""Fitting a network to one style: what moves, what does not, and that it helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from gesso.fitting.config import FitOptions
from gesso.fitting.network import FirstSteps, OnFit, fit_network, style_target
from gesso.losses.objectives import PAPER, Objective
from gesso.losses.terms import grams
from gesso.methods.metastyle.bilevel import InnerLoop, adapted_images
from gesso.nn.transfer import TransferNet, is_affine
from tiny import pictures, tiny_encoder, tiny_net

OBJECTIVE = Objective()
STYLE = pictures(1, 40, seed=5)[0]
CONTENTS = list(pictures(3, 36, seed=6))


def options(**given: Any) -> FitOptions:
    """Every setting that matters to these tests, so that tuned defaults do not."""
    return FitOptions(**{"lr": 5e-3, "affine_lr": 5e-3, "crop": 32, "batch": 1, "seed": 0, **given})


def fit(
    net: TransferNet,
    steps: int = 6,
    *,
    objective: Objective = OBJECTIVE,
    contents: Sequence[Tensor] = CONTENTS,
    only_affine: bool = False,
    first: FirstSteps | None = None,
    on_step: OnFit | None = None,
    **given: Any,
) -> dict[str, float]:
    """Fit the net to STYLE with these options."""
    encoder = tiny_encoder()
    return fit_network(
        *(net, encoder, objective, style_target(encoder, objective, STYLE)),
        *(contents, options(**given), steps),
        only_affine=only_affine,
        first=first,
        on_step=on_step,
    )


def mirror_image() -> Tensor:
    """(1, 3, 32, 32), the same mirrored or not: the one crop of its size is known beforehand."""
    half = pictures(1, 32, seed=11)[..., :16]
    return torch.cat([half, half.flip(-1)], -1)


def weights(net: TransferNet) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in net.named_parameters()}


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def objective_of(net: TransferNet, objective: Objective = OBJECTIVE) -> float:
    """The mean objective on all of the contents, whole."""
    encoder, images = tiny_encoder(), torch.stack(CONTENTS)
    with torch.no_grad():
        out, style = net(images), grams(encoder(STYLE[None]))
        content = encoder(images)[objective.content_level]
        return float(sum(objective(out, encoder(out), content, style).values()).mean())  # type: ignore[union-attr]


@pytest.mark.parametrize("given", [{}, {"only_affine": True, "affine_lr": 0.05}])
def test_it_lowers_the_objective(given: dict[str, Any]) -> None:
    net = tiny_net()
    before = objective_of(net)
    fit(net, 30, **given)
    assert objective_of(net) < 0.95 * before


def test_it_lowers_the_papers_objective_too() -> None:
    net = tiny_net()
    before = objective_of(net, PAPER)
    fit(net, 30, objective=PAPER)
    assert objective_of(net, PAPER) < 0.8 * before


def test_only_affine_changes_gamma_and_beta_alone() -> None:
    net = tiny_net()
    before = weights(net)
    fit(net, only_affine=True)
    changed = moved(before, weights(net))
    assert changed and all(is_affine(name) for name in changed)
    assert {name for name in before if name.endswith("gamma")} <= changed
    assert all(p.requires_grad == is_affine(name) for name, p in net.named_parameters())


def test_all_weights_move_by_default_also_in_a_network_that_was_frozen() -> None:
    net = tiny_net().requires_grad_(False)
    before = weights(net)
    fit(net, 2)
    still = set(before) - moved(before, weights(net))
    assert all(name.endswith("conv.bias") for name in still)  # a norm takes them away anyway
    assert all(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(
    ("rates", "expected"),
    [({"lr": 0.0}, is_affine), ({"affine_lr": 0.0}, lambda name: not is_affine(name))],
)
def test_affine_and_other_weights_have_rates_of_their_own(
    rates: dict[str, float], expected: Callable[[str], bool]
) -> None:
    net = tiny_net()
    before = weights(net)
    fit(net, 2, **rates)
    changed = moved(before, weights(net))
    assert changed and all(expected(name) for name in changed)


def test_no_steps_change_nothing() -> None:
    net = tiny_net()
    before, seen = weights(net), []
    terms = fit(net, 0, on_step=lambda *step: seen.append(step))
    assert moved(before, weights(net)) == set()
    assert seen == [(0, terms)]


def test_the_seed_alone_determines_every_weight() -> None:
    nets = [tiny_net() for _ in range(3)]
    for generator, (net, seed) in enumerate(zip(nets, (7, 7, 8), strict=True)):
        torch.manual_seed(generator)
        fit(net, seed=seed)
    first, again, other = (weights(net) for net in nets)
    assert moved(first, again) == set() and moved(first, other)


def test_it_leaves_style_contents_and_encoder_as_they_were() -> None:
    encoder, style, contents = tiny_encoder(), STYLE.clone(), [c.clone() for c in CONTENTS]
    target = style_target(encoder, OBJECTIVE, style)
    fit_network(tiny_net(), encoder, OBJECTIVE, target, contents, options(), 3)
    assert torch.equal(style, STYLE)
    assert all(torch.equal(a, b) for a, b in zip(contents, CONTENTS, strict=True))
    same = tiny_encoder().state_dict()
    assert all(torch.equal(value, same[name]) for name, value in encoder.state_dict().items())
    assert all(p.grad is None and not p.requires_grad for p in encoder.parameters())


# --- the report


def test_on_step_is_told_of_the_start_and_of_every_step() -> None:
    seen: list[tuple[int, dict[str, float]]] = []

    def on_step(step: int, terms: dict[str, float]) -> None:
        seen.append((step, terms))

    final = fit(tiny_net(), 20, on_step=on_step)
    assert [step for step, _ in seen] == list(range(21))
    assert all(set(terms) == {"content", "style", "tv"} for _, terms in seen)
    last = [terms["style"] for _, terms in seen[-2:]]  # a tenth of twenty steps
    assert final["style"] == pytest.approx(sum(last) / 2)


def test_the_first_report_is_of_the_network_before_any_step() -> None:
    content = mirror_image()
    seen: list[dict[str, float]] = []
    net, encoder = tiny_net(), tiny_encoder()
    fit(net, 1, contents=[content[0]], on_step=lambda _, terms: seen.append(terms))
    start = tiny_net()
    with torch.no_grad():
        out = start(content)
        expected = OBJECTIVE(
            out,
            encoder(out),
            encoder(content)[OBJECTIVE.content_level],
            grams(encoder(STYLE[None])),
        )
    for name, value in expected.items():
        assert seen[0][name] == pytest.approx(float(value), rel=1e-4)


# --- the meta-learned first step


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_first_steps_can_be_those_of_the_inner_loop(steps: int, logarithm: bool) -> None:
    content = mirror_image()
    net, encoder = tiny_net(), tiny_encoder()
    before = weights(net)
    batch = {"contents_support": content, "contents_query": content, "styles": STYLE[None]}
    loop = InnerLoop(steps, lr=0.02, logarithm=logarithm)
    expected = adapted_images(net, encoder, OBJECTIVE, batch, loop)[0]
    fit(net, steps, contents=[content[0]], first=loop.first_steps(0))
    changed = moved(before, weights(net))
    assert changed and all(is_affine(name) for name in changed)
    with torch.no_grad():
        torch.testing.assert_close(net(content), expected, rtol=1e-4, atol=1e-4)
        assert float((tiny_net()(content) - expected).abs().max()) > 1e-3


# --- the crops


def watched(contents: list[Tensor], steps: int, **given: Any) -> list[Tensor]:
    """Every batch the network was given."""
    net, batches = tiny_net(), []
    net.register_forward_pre_hook(lambda _, inputs: batches.append(inputs[0]))
    fit(net, steps, contents=contents, **given)
    return batches


def test_crops_are_parts_of_the_contents_and_sometimes_mirrored() -> None:
    ramp = torch.linspace(0.2, 0.9, 40).expand(3, 28, 40)  # rises from left to right
    batches = watched([ramp], 11, crop=16, batch=2)
    assert all(batch.shape == (2, 3, 16, 16) for batch in batches)
    rising = []
    for crop in torch.cat(batches):
        steps = crop.diff(dim=-1)
        assert bool((steps > 0).all()) or bool((steps < 0).all())
        assert float(crop.min()) > 0.19 and float(crop.max()) < 0.91
        assert torch.allclose(crop, crop[:, :1])
        rising.append(bool(steps[0, 0, 0] > 0))
    assert 3 < sum(rising) < len(rising) - 3
    assert len({tuple(crop.flatten().tolist()) for crop in torch.cat(batches)}) > 10


def test_every_content_is_used() -> None:
    contents = [torch.full((3, 24, 24), 0.1 * i) for i in range(5)]
    used = {round(float(b.mean()), 3) for b in watched(contents, 5, crop=16)}
    assert used == {0.0, 0.1, 0.2, 0.3, 0.4}


def test_no_more_crops_than_the_pool_holds() -> None:
    batches = watched(CONTENTS, 12, crop=16, pool=3)
    assert len({tuple(b.flatten().tolist()) for b in batches}) == 3


@pytest.mark.parametrize("size", [(36, 20), (17, 60), (9, 30), (200, 16), (1, 1)])
def test_contents_smaller_than_the_crop_can_be_used(size: tuple[int, int]) -> None:
    content = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    for batch in watched([content], 1, crop=64):
        assert min(batch.shape[-2:]) >= 16 and max(batch.shape[-2:]) <= 64
        assert bool(torch.isfinite(batch).all())


def test_contents_of_different_sizes_share_a_batch() -> None:
    contents = [torch.rand(3, *size) for size in ((40, 28), (17, 60), (9, 30), (100, 100))]
    for batch in watched(contents, 1, crop=32, batch=4):
        assert len(batch) == 4 and min(batch.shape[-2:]) >= 16
