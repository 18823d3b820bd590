"""Reptile: the gradient is the way back from where adaptations end; a start trained by it adapts
better."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.fitting.config import FitOptions
from gesso.fitting.network import fit_network, style_target
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.metastyle.bilevel import InnerLoop, InnerSteps
from gesso.methods.metastyle.method import MetaStyle
from gesso.methods.metastyle.reptile import POOL, reptile_losses
from gesso.methods.metastyle.start import MATCHING, Config
from gesso.nn.transfer import TransferNet
from tiny import pictures, tiny_encoder, tiny_net

OBJECTIVE = Objective(style_weight=2.0)
OPTIONS = FitOptions(lr=1e-3, affine_lr=2e-3)
STEPS, FIRST = 3, InnerSteps(1, lr=0.05, logarithm=True)


def make_batch(styles: int = 2, contents: int = 2) -> dict[str, Tensor]:
    return {
        "contents_support": pictures(contents, 32, seed=1),
        "contents_query": pictures(contents, 32, seed=2),
        "styles": pictures(styles, 32, seed=3),
    }


def losses_of(net: TransferNet, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return reptile_losses(net, tiny_encoder(), OBJECTIVE, batch, OPTIONS, STEPS, FIRST)


def adapted(net: TransferNet, style: Tensor, contents: Tensor) -> tuple[TransferNet, list[float]]:
    """A copy of the net after the adaptation, and its loss at every step."""
    own, encoder, seen = deepcopy(net), tiny_encoder(), []
    fit_network(
        *(own, encoder, OBJECTIVE, style_target(encoder, OBJECTIVE, style), list(contents)),
        *(replace(OPTIONS, crop=32, whole=0.0, pool=POOL), STEPS),
        first=FIRST,
        on_step=lambda _, terms: seen.append(sum(terms.values())),
    )
    return own, seen


def test_its_gradient_is_the_mean_way_back_from_where_adaptations_end() -> None:
    net, batch = tiny_net(), make_batch()
    losses_of(net, batch)["after"].backward()  # type: ignore[no-untyped-call]
    ends = [
        dict(adapted(net, style, batch["contents_support"])[0].named_parameters())
        for style in batch["styles"]
    ]
    for name, p in net.named_parameters():
        back = torch.stack([p - end[name] for end in ends]).mean(0).detach()
        torch.testing.assert_close(p.grad, back, msg=name)
        assert bool(back.any()), name


def test_the_losses_before_and_after_are_those_of_the_adaptations() -> None:
    net, batch = tiny_net(), make_batch(styles=1, contents=1)
    losses = losses_of(net, batch)
    _, seen = adapted(net, batch["styles"][0], batch["contents_support"])
    assert float(losses["_before"]) == pytest.approx(seen[0])
    assert float(losses["after"].detach()) == pytest.approx(seen[-1])
    assert seen[-1] < seen[0]


def test_it_leaves_the_start_as_it_is() -> None:
    net = tiny_net()
    before = deepcopy(net.state_dict())
    losses_of(net, make_batch())
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
    config = Config(4, reptile=20, matching=MATCHING)
    header = json.loads(json.dumps(config.as_header()))
    assert Config.from_header(header) == config
    del header["reptile"], header["matching"]
    assert Config.from_header(header) == Config(4)


@pytest.mark.parametrize("reptile", [-1, "many", None])
def test_a_number_of_steps_that_makes_no_sense_is_refused(reptile: object) -> None:
    with pytest.raises(GessoError, match=r"reptile|configuration of a MetaStyle start"):
        Config.from_header({**Config(4).as_header(), "reptile": reptile})


def test_a_start_trained_with_the_papers_objective_adapts_with_it_and_others_by_matching() -> None:
    paper, relative = (Config(4, objective) for objective in (PAPER, OBJECTIVE))
    assert paper.adapting_objective() == paper.reptile_objective() == PAPER
    assert relative.adapting_objective() == MATCHING
    assert relative.adapting_objective("relative") == relative.reptile_objective()
    own = replace(MATCHING, alpha=0.5)
    assert Config(4, matching=own).adapting_objective() == own


def test_reptile_trains_with_the_matching_objective_as_well() -> None:
    method = MetaStyle(tiny_encoder(), Config(4, inner=InnerLoop(0), reptile=4, matching=MATCHING))
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
    assert after[-1] < 0.9 * after[0]
