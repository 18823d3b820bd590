"""The bilevel step against finite differences and against a plain rendering of Algorithm 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.losses.matched import ForNetworks, MatchingObjective
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.metastyle.bilevel import (
    InnerLoop,
    InnerSteps,
    adapted_images,
    bilevel_losses,
)
from gesso.methods.metastyle.method import MetaStyle
from gesso.methods.metastyle.start import Config
from gesso.nn.checkpoint import save_file
from gesso.nn.transfer import TransferNet, is_affine
from tiny import pictures, tiny_encoder, tiny_net

DOUBLE = torch.float64
RELATIVE = Objective(tv_weight=0.5)
MATCHED = MatchingObjective(match_weight=20.0)
Batch = dict[str, Tensor]
Weights = dict[str, Tensor]


def make_batch(styles: int = 3, contents: int = 2) -> Batch:
    return {
        "contents_support": pictures(contents, seed=1, dtype=DOUBLE),
        "contents_query": pictures(contents, seed=2, dtype=DOUBLE),
        "styles": pictures(styles, seed=3, dtype=DOUBLE),
    }


def outer_loss(net: nn.Module, loop: InnerLoop, batch: Batch, objective: ForNetworks) -> Tensor:
    terms = bilevel_losses(net, tiny_encoder(dtype=DOUBLE), objective, batch, loop)
    return torch.stack([v for name, v in terms.items() if not name.startswith("_")]).sum()


def meta_gradient(
    net: nn.Module, loop: InnerLoop, batch: Batch, objective: ForNetworks = RELATIVE
) -> Weights:
    loss = outer_loss(net, loop, batch, objective)
    named = dict(net.named_parameters())
    return dict(zip(named, torch.autograd.grad(loss, tuple(named.values())), strict=True))


def distance(a: Weights, b: Weights) -> float:
    """‖a − b‖ / ‖b‖ over all weights together."""
    error = torch.stack([(a[name] - b[name]).norm() for name in b]).norm()
    return float(error / torch.stack([g.norm() for g in b.values()]).norm())


# --- Algorithm 1, plainly: one style at a time, torch's own operators, contiguous memory


def plain_net(w: Weights, image: Tensor) -> Tensor:
    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = w[f"{name}.weight"]
        x = F.pad(x, (weight.shape[-1] // 2,) * 4, mode="reflect")
        return F.conv2d(x, weight, w[f"{name}.bias"], stride=stride)

    def block(name: str, x: Tensor, stride: int = 1) -> Tensor:
        x = conv(f"{name}.conv", x, stride)
        return F.instance_norm(x, weight=w[f"{name}.norm.gamma"], bias=w[f"{name}.norm.beta"])

    x = image
    for i, stride in enumerate((1, 2, 2)):
        x = block(f"down.{i}", x, stride).relu()
    for i in range(5):
        x = x + block(f"residual.{i}.second", block(f"residual.{i}.first", x).relu())
    for i in range(2):
        x = block(f"up.{i}", F.interpolate(x, scale_factor=2.0, mode="nearest")).relu()
    return conv("out", x).sigmoid()


def plain_features(w: Weights, image: Tensor) -> Weights:
    x, features = (image - 0.45) * 4, {}
    for i, level in enumerate(LEVELS):
        x = F.max_pool2d(x, 2) if i else x
        x = F.conv2d(x, w[f"blocks.{i}.0.weight"], w[f"blocks.{i}.0.bias"], padding=1).relu()
        features[level] = F.conv2d(x, w[f"heads.{i}.weight"], w[f"heads.{i}.bias"])
    return features


def plain_loss(encoder: Weights, objective: Objective, image: Tensor, content: Tensor, style: Tensor) -> Tensor:  # fmt: skip  # noqa: E501
    """ℓ(I_c, I_s, I_x) of one picture each, (3, H, W)."""

    def error(a: Tensor, b: Tensor) -> Tensor:
        squared = (a - b).square()
        return squared.sum() / b.square().sum() if objective.relative else squared.mean()

    def gram(f: Tensor) -> Tensor:
        f = f[0].flatten(1)
        return f @ f.T / f.numel()

    ours, wanted, other = (plain_features(encoder, p[None]) for p in (image, content, style))
    level = objective.content_level
    loss = objective.content_weight * error(ours[level], wanted[level])
    for level in LEVELS:
        loss = loss + objective.style_weight * error(gram(ours[level]), gram(other[level]))
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    return loss + objective.tv_weight * (down.square().mean() + right.square().mean())


def plain_algorithm_1(
    net: TransferNet, loop: InnerLoop, batch: Batch, objective: Objective
) -> tuple[Tensor, Weights]:
    """The outer loss and its gradient, summed over styles by hand."""
    encoder = tiny_encoder(dtype=DOUBLE).state_dict()
    theta = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}

    def expected(w: Weights, contents: Tensor, style: Tensor) -> Tensor:
        losses = [
            plain_loss(encoder, objective, plain_net(w, content[None])[0], content, style)
            for content in contents
        ]
        pairs = torch.stack(losses)
        return (pairs.log() if loop.logarithm else pairs).mean()

    outer = torch.zeros((), dtype=DOUBLE)
    for style in batch["styles"]:
        w = dict(theta)
        for _ in range(loop.steps):
            names = [name for name in w if is_affine(name)]
            loss = expected(w, batch["contents_support"], style)
            grads = torch.autograd.grad(loss, [w[name] for name in names], create_graph=True)
            for name, grad in zip(names, grads, strict=True):
                w[name] = w[name] - loop.lr * grad
        outer = outer + expected(w, batch["contents_query"], style) / len(batch["styles"])
    grads = torch.autograd.grad(outer, tuple(theta.values()))
    return outer.detach(), dict(zip(theta, grads, strict=True))


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_step_is_algorithm_1(steps: int, logarithm: bool) -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch()
    loop = InnerLoop(steps=steps, lr=0.05, logarithm=logarithm)
    loss, gradient = plain_algorithm_1(net, loop, batch, RELATIVE)
    torch.testing.assert_close(outer_loss(net, loop, batch, RELATIVE).detach(), loss)
    assert distance(meta_gradient(net, loop, batch), gradient) < 1e-8


def test_so_it_is_with_the_papers_objective() -> None:
    net, batch, loop = tiny_net(dtype=DOUBLE, width=2), make_batch(2), InnerLoop(steps=1, lr=1e-3)
    loss, gradient = plain_algorithm_1(net, loop, batch, PAPER)
    torch.testing.assert_close(outer_loss(net, loop, batch, PAPER).detach(), loss)
    assert distance(meta_gradient(net, loop, batch, PAPER), gradient) < 1e-8


def test_with_the_logarithm_a_style_of_large_losses_weighs_no_more_than_others() -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch()
    loop = InnerLoop(steps=2, lr=0.05, logarithm=True)
    large = Objective(content_weight=100, style_weight=100, tv_weight=50)
    expected = meta_gradient(net, loop, batch, RELATIVE)
    assert distance(meta_gradient(net, loop, batch, large), expected) < 1e-9
    plain = replace(loop, logarithm=False, lr=1e-4)
    assert distance(meta_gradient(net, plain, batch, large), expected) > 10


def test_the_losses_before_the_inner_steps_can_count_too() -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch()
    loop = InnerLoop(steps=1, lr=0.05, before_weight=0.3)
    after = outer_loss(net, replace(loop, before_weight=0.0), batch, RELATIVE)
    support = {**batch, "contents_query": batch["contents_support"]}
    before = outer_loss(net, InnerLoop(steps=0), support, RELATIVE)
    torch.testing.assert_close(outer_loss(net, loop, batch, RELATIVE), after + 0.3 * before)
    with pytest.raises(GessoError, match="before_weight"):
        InnerLoop(before_weight=-1.0)


# --- against finite differences


def slopes(net: nn.Module, direction: Weights, loss: Callable[[], Tensor], step: float) -> float:
    """Central difference of `loss` along `direction` in the network's weights."""
    values = []
    for sign in (1.0, -2.0):  # one step forward, then one back from where we came
        with torch.no_grad():
            for name, p in net.named_parameters():
                p.add_(direction[name], alpha=sign * step)
        values.append(float(loss().detach()))
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.add_(direction[name], alpha=step)
    return (values[0] - values[1]) / (2 * step)


def random_direction(net: nn.Module, seed: int) -> Weights:
    """A unit vector in the space of all weights: a short step crosses no kink of a ReLU."""
    torch.manual_seed(seed)
    direction = {name: torch.randn_like(p) for name, p in net.named_parameters()}
    length = torch.stack([d.norm() for d in direction.values()]).norm()
    return {name: d / length for name, d in direction.items()}


@pytest.mark.parametrize(
    ("steps", "objective"),
    [(1, RELATIVE), (2, RELATIVE), (1, MATCHED)],
    ids=["one step", "two steps", "matching"],
)
def test_second_order_matches_finite_differences_and_first_order_does_not(
    steps: int, objective: ForNetworks
) -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch(2)
    exact = InnerLoop(steps=steps, lr=0.05)
    gradient = meta_gradient(net, exact, batch, objective)
    approximate = meta_gradient(net, replace(exact, first_order=True), batch, objective)
    errors: dict[str, list[float]] = {"second": [], "first": []}
    for seed in range(3):
        direction = random_direction(net, seed)
        slope = slopes(net, direction, lambda: outer_loss(net, exact, batch, objective), 1e-6)
        for order, g in (("second", gradient), ("first", approximate)):
            along = sum(float((g[name] * direction[name]).sum()) for name in g)
            errors[order].append(abs(along - slope) / abs(slope))
    assert max(errors["second"]) < 1e-5
    assert max(errors["first"]) > 0.1 and min(errors["first"]) > 1e-3


@pytest.mark.parametrize(
    "weight", ["down.0.conv.weight", "residual.3.first.norm.gamma", "out.bias"]
)
def test_single_weights_match_finite_differences(weight: str) -> None:
    net, batch, loop = tiny_net(dtype=DOUBLE, width=2), make_batch(2), InnerLoop(steps=1, lr=0.05)
    direction = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    direction[weight].view(-1)[1] = 1.0
    slope = slopes(net, direction, lambda: outer_loss(net, loop, batch, RELATIVE), 1e-6)
    gradient = meta_gradient(net, loop, batch)[weight].reshape(-1)[1]
    assert float(gradient) == pytest.approx(slope, rel=1e-5, abs=1e-10)


def test_first_order_changes_the_gradient_but_not_the_loss() -> None:
    net, batch, loop = tiny_net(dtype=DOUBLE, width=2), make_batch(2), InnerLoop(lr=1e-3)
    cheap = replace(loop, first_order=True)
    torch.testing.assert_close(
        outer_loss(net, loop, batch, RELATIVE), outer_loss(net, cheap, batch, RELATIVE)
    )
    gaps = [
        distance(
            meta_gradient(net, replace(cheap, lr=lr), batch),
            meta_gradient(net, replace(loop, lr=lr), batch),
        )
        for lr in (1e-3, 1e-5)
    ]
    assert gaps[0] > 0.01
    # The second-order term is proportional to the inner learning rate.
    assert gaps[0] / gaps[1] == pytest.approx(100, rel=0.2)


# --- what the inner loop does


class Recorder(nn.Module):
    """Notes which weights each forward pass really used."""

    def __init__(self, net: TransferNet) -> None:
        super().__init__()
        self.net = net
        self.seen: list[Weights] = []

    def forward(self, image: Tensor, raw: bool = False) -> Tensor:
        self.seen.append({name: p.detach().clone() for name, p in self.net.named_parameters()})
        out: Tensor = self.net(image, raw=raw)
        return out


def test_only_gamma_and_beta_move_in_the_inner_loop() -> None:
    recorder, batch = Recorder(tiny_net(dtype=DOUBLE, width=2)), make_batch()
    theta = {name: p.detach().clone() for name, p in recorder.net.named_parameters()}
    outer_loss(recorder, InnerLoop(steps=2, lr=0.05), batch, RELATIVE).backward()
    assert len(recorder.seen) == 3  # two inner steps and the query
    for step, weights in enumerate(recorder.seen):
        for name, value in weights.items():
            if is_affine(name):
                assert value.shape == (3, *theta[name].shape)  # a row for each style
                moved = (value - theta[name]).abs().amax(1)
                dead = name.endswith("second.norm.beta")  # see the tests of the network
                assert bool((moved > 1e-9).all()) == (step > 0 and not dead), name
            else:
                assert torch.equal(value, theta[name])
    for name, p in recorder.net.named_parameters():  # the step itself changes no weight
        assert torch.equal(p.detach(), theta[name])
        assert p.grad is not None


def test_the_inner_loop_descends_on_each_style() -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch()
    batch["contents_query"] = batch["contents_support"]
    for style in batch["styles"].split(1):
        one = {**batch, "styles": style}
        losses = [
            float(outer_loss(net, InnerLoop(steps=steps, lr=0.01), one, RELATIVE).detach())
            for steps in range(4)
        ]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0]


def test_without_inner_steps_it_is_the_plain_average_over_styles() -> None:
    net, batch, loop = tiny_net(dtype=DOUBLE, width=2), make_batch(), InnerLoop(steps=0)
    terms = bilevel_losses(net, tiny_encoder(dtype=DOUBLE), RELATIVE, batch, loop)
    assert "_inner_first" not in terms
    loss, gradient = plain_algorithm_1(net, loop, batch, RELATIVE)
    del batch["contents_support"]  # nothing to support
    batch["contents_support"] = torch.full((1, 3, 16, 16), torch.nan, dtype=DOUBLE)
    torch.testing.assert_close(outer_loss(net, loop, batch, RELATIVE).detach(), loss)
    assert distance(meta_gradient(net, loop, batch), gradient) < 1e-8


@pytest.mark.parametrize("first_order", [False, True])
def test_several_styles_in_one_batch_equal_one_at_a_time(first_order: bool) -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch(3)
    loop = InnerLoop(steps=2, lr=0.05, first_order=first_order)
    together = meta_gradient(net, loop, batch)
    alone = [meta_gradient(net, loop, {**batch, "styles": s}) for s in batch["styles"].split(1)]
    mean = {name: torch.stack([g[name] for g in alone]).mean(0) for name in together}
    assert distance(together, mean) < 1e-9


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_taking_styles_in_chunks_changes_no_number(chunk: int, logarithm: bool) -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch(5, 1)
    encoder, whole = tiny_encoder(dtype=DOUBLE), InnerLoop(1, lr=0.05, logarithm=logarithm)
    split = replace(whole, style_chunk=chunk)
    expected = bilevel_losses(net, encoder, RELATIVE, batch, whole)
    terms = bilevel_losses(net, encoder, RELATIVE, batch, split)
    told = {"_content", "_style", "_tv", "log"} if logarithm else {"content", "style", "tv"}
    assert set(terms) == set(expected) == {*told, "_inner_first"}
    for name, value in expected.items():
        torch.testing.assert_close(terms[name].detach(), value.detach())
    gradient = meta_gradient(net, split, batch)
    assert distance(gradient, meta_gradient(net, whole, batch)) < 1e-9


def test_chunks_work_with_weights_that_are_frozen() -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch(2, 1)
    net.out.weight.requires_grad_(False)
    loop = InnerLoop(steps=1, lr=0.05, style_chunk=1)
    outer_loss(net, loop, batch, RELATIVE).backward()
    assert net.out.weight.grad is None
    assert net.out.bias.grad is not None


def test_the_log_shows_the_loss_before_the_inner_loop() -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch()
    encoder, loop = tiny_encoder(dtype=DOUBLE), InnerLoop(steps=2, lr=0.05)
    logged = bilevel_losses(net, encoder, RELATIVE, batch, loop)["_inner_first"]
    batch["contents_query"] = batch["contents_support"]
    before = outer_loss(net, InnerLoop(steps=0), batch, RELATIVE)
    torch.testing.assert_close(logged, before.detach())
    assert not logged.requires_grad


def test_the_inner_rate_falls_with_the_iteration() -> None:
    loop = InnerLoop(lr=1e-5, lr_decay=2.5e-5)
    assert loop.lr_at(0) == 1e-5
    assert loop.lr_at(40_000) == pytest.approx(0.5e-5)
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch(1)
    encoder = tiny_encoder(dtype=DOUBLE)
    late = bilevel_losses(net, encoder, RELATIVE, batch, InnerLoop(lr=0.04, lr_decay=0.1), 30)
    fixed = bilevel_losses(net, encoder, RELATIVE, batch, InnerLoop(lr=0.01))
    for name, value in fixed.items():
        torch.testing.assert_close(late[name], value)


def test_without_style_it_learns_to_reproduce_the_content() -> None:
    net, batch, encoder = tiny_net(dtype=DOUBLE, width=2), make_batch(2), tiny_encoder(dtype=DOUBLE)
    objective, loop = Objective(style_weight=0.0), InnerLoop(steps=1, lr=0.05)
    terms = bilevel_losses(net, encoder, objective, batch, loop)
    assert set(terms) == {"content", "tv", "_inner_first"}
    styles = torch.full_like(batch["styles"], torch.nan)  # not even looked at
    again = bilevel_losses(net, encoder, objective, {**batch, "styles": styles}, loop)
    torch.testing.assert_close(again["content"], terms["content"])


def test_adapted_images_are_what_the_inner_loop_makes_of_each_style() -> None:
    net, batch = tiny_net(dtype=DOUBLE, width=2), make_batch(3, 2)
    encoder, loop = tiny_encoder(dtype=DOUBLE), InnerLoop(steps=2, lr=0.05)
    images = adapted_images(net, encoder, RELATIVE, batch, loop)
    assert images.shape == (3, 2, 3, 16, 16) and not images.requires_grad
    contents = batch["contents_query"]
    for s, style in enumerate(batch["styles"].split(1)):
        for c, content in enumerate(contents.split(1)):
            one = {**batch, "styles": style, "contents_query": content}
            alone = adapted_images(net, encoder, RELATIVE, one, loop)
            torch.testing.assert_close(images[s, c], alone[0, 0])
    untouched = net(contents).detach()
    assert all(not torch.allclose(row, untouched) for row in images)


def test_adapting_begins_with_the_inner_steps_at_the_rate_training_ended_with(
    tmp_path: Path,
) -> None:
    start = Config(width=4, inner=InnerLoop(3, lr=0.04, lr_decay=1e-3, logarithm=True))
    header = {"kind": "start", "config": start.as_header(), "trained": {"steps": 1000}}
    save_file(tmp_path / "start.safetensors", tiny_net().state_dict(), header)
    method = MetaStyle.load(tiny_encoder(), tmp_path / "start.safetensors")
    style, content = pictures(2, 64)
    inner = start.inner.first_steps(1000)
    assert inner == InnerSteps(3, pytest.approx(0.02), logarithm=True)

    def changed(objective: str) -> set[str]:
        card = method.adapt(style, [content], steps=3, exact=True, objective=objective)
        now = method.net.state_dict()
        return {name for name, value in now.items() if not torch.equal(card.tensors[name], value)}

    own = changed("relative")
    assert own and all(is_affine(name) for name in own)
    assert not all(is_affine(name) for name in changed("matching"))  # they learned another one


def test_a_start_trained_without_inner_steps_has_no_first_steps() -> None:
    assert InnerLoop(steps=0).first_steps(0) is None and InnerLoop(lr=0.0).first_steps(0) is None
