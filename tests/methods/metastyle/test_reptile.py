"""Reptile: the gradient is the way back from where adaptations end; a start trained by it adapts
better."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.fitting.network import FitConfig, fit
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.metastyle.bilevel import InnerLoop
from gesso.methods.metastyle.method import Config, MetaStyle
from gesso.methods.metastyle.reptile import POOL, reptile_losses
from tiny import pictures, tiny_encoder, tiny_net

OBJECTIVE = Objective(style_weight=2.0)
STEPS = FitConfig(steps=3, lr=1e-3, affine_lr=2e-3, inner_lr=0.05, inner_logarithm=True)


def make_batch(styles: int = 2, contents: int = 2) -> dict[str, Tensor]:
    return {
        "contents_support": pictures(contents, 32, seed=1),
        "contents_query": pictures(contents, 32, seed=2),
        "styles": pictures(styles, 32, seed=3),
    }


def test_its_gradient_is_the_mean_way_back_from_where_adaptations_end() -> None:
    net, encoder, batch = tiny_net(), tiny_encoder(), make_batch()
    losses = reptile_losses(net, encoder, OBJECTIVE, batch, STEPS)
    losses["after"].backward()  # type: ignore[no-untyped-call]
    config = replace(STEPS, crop=32, whole=0.0, pool=POOL)
    ends = []
    for style in batch["styles"]:
        adapted = deepcopy(net)
        fit(adapted, encoder, OBJECTIVE, style, list(batch["contents_support"]), config)
        ends.append(dict(adapted.named_parameters()))
    for name, p in net.named_parameters():
        back = torch.stack([p - end[name] for end in ends]).mean(0).detach()
        torch.testing.assert_close(p.grad, back, msg=name)
        assert bool(back.any()), name


def test_the_losses_before_and_after_are_those_of_the_adaptations() -> None:
    net, encoder, batch = tiny_net(), tiny_encoder(), make_batch(styles=1, contents=1)
    losses = reptile_losses(net, encoder, OBJECTIVE, batch, STEPS)
    seen: list[float] = []
    fit(
        deepcopy(net), encoder, OBJECTIVE, batch["styles"][0], list(batch["contents_support"]),
        replace(STEPS, crop=32, whole=0.0, pool=POOL), lambda _, t: seen.append(sum(t.values())),
    )  # fmt: skip
    assert float(losses["_before"]) == pytest.approx(seen[0])
    assert float(losses["after"].detach()) == pytest.approx(seen[-1])
    assert seen[-1] < seen[0]


def test_it_leaves_the_start_as_it_is() -> None:
    net = tiny_net()
    before = deepcopy(net.state_dict())
    reptile_losses(net, tiny_encoder(), OBJECTIVE, make_batch(), STEPS)
    torch.testing.assert_close(net.state_dict(), before)


def test_a_start_trained_by_it_is_better_after_as_many_steps() -> None:
    method = MetaStyle(tiny_encoder(), Config(4, OBJECTIVE, InnerLoop(0), reptile=4))
    method.net.load_state_dict(tiny_net().state_dict())
    batch = make_batch()
    outer = torch.optim.Adam(method.net.parameters(), 0.02)
    after = []
    for step in range(8):
        outer.zero_grad()
        losses = method.losses(batch, step)
        losses["after"].backward()  # type: ignore[no-untyped-call]
        outer.step()
        after.append(float(losses["after"].detach()))
    assert after[-1] < 0.8 * after[0]


def test_the_configuration_survives_a_header_and_old_headers_mean_algorithm_1() -> None:
    config = Config(4, reptile=20)
    header = config.as_header()
    assert Config.from_header(header) == config
    del header["reptile"]
    assert Config.from_header(header).reptile == 0


@pytest.mark.parametrize("reptile", [-1, "many", None])
def test_a_number_of_steps_that_makes_no_sense_is_refused(reptile: object) -> None:
    with pytest.raises(GessoError, match="MetaStyle start"):
        Config.from_header({**Config(4).as_header(), "reptile": reptile})


def test_an_adaptation_keeps_the_papers_weights_and_changes_those_of_the_relative_objective() -> (
    None
):
    paper, relative = (MetaStyle(tiny_encoder(), Config(4, o)) for o in (PAPER, OBJECTIVE))
    assert paper.default_objective() == PAPER
    assert relative.default_objective().evenness_weight > 0
