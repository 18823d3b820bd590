"""MetaStyle's bilevel step (Zhang et al. 2019, Algorithm 1), exact to second order.

    min_θ E ℓ(query, s, M(·; w_s)),   w_s = θ − δ ∇ E ℓ(support, s, M(·; θ))   (T inner steps)

Only instance norm's γ and β move in the inner loop (supplement, section 2), so all styles of an
iteration run in one batch, each with its own row of γ, β.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gesso.encoders.base import Encoder
from gesso.fitting.network import style_target
from gesso.losses.matched import ForNetworks
from gesso.losses.objectives import check_weights
from gesso.losses.terms import total
from gesso.nn.transfer import affine_parameters, is_affine

Fast = dict[str, Tensor]
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class InnerLoop:
    """T SGD steps on γ and β. `first_order` drops the second derivatives; `style_chunk` > 0 takes
    that many styles at a time, which trades speed for memory and changes no number.

    `logarithm` takes log ℓ for ℓ in both loops. Where ℓ is relative to the style it is a hundred
    times as large for a dark or flat style as for others: one rate δ then explodes for those or
    does nothing for the rest. Gradients of log ℓ are alike (0.7 to 6 over random styles), so that
    a step of δ = 0.1 suits all, and every style weighs the same in the start.

    `before_weight` adds that much of the inner losses, those before each step, to the outer loss
    (Antoniou et al. 2019, "How to train your MAML", section 4, their multi-step loss): nothing
    else asks how high the start stands before its step."""

    steps: int = 1
    lr: float = 1e-5
    lr_decay: float = 0.0  # k in lr / (1 + k·t), t the iteration
    first_order: bool = False
    style_chunk: int = 0
    logarithm: bool = False
    before_weight: float = 0.0

    def __post_init__(self) -> None:
        check_weights(self)

    def lr_at(self, iteration: int) -> float:
        """The inner learning rate of an iteration, counted from 0."""
        return self.lr / (1 + self.lr_decay * iteration)

    def first_steps(self, iteration: int) -> InnerSteps | None:
        """The loop's steps as the first of an adaptation, at the rate of an iteration of the
        training; None where the loop takes none."""
        rate = self.lr_at(iteration)
        return InnerSteps(self.steps, rate, self.logarithm) if self.steps and rate > 0 else None


@dataclass(frozen=True)
class InnerSteps:
    """Meta-learned first steps of a fit: plain SGD on γ and β (`gesso.fitting.network.FirstSteps`).

    Attributes:
        count: their number, T.
        lr: their learning rate, δ.
        logarithm: whether they descend on the logarithm of the objective.
    """

    count: int
    lr: float
    logarithm: bool = False

    def descended(self, losses: Tensor) -> Tensor:
        """What they descend on, (B,), from the objective (B,) of the crops."""
        return losses.log() if self.logarithm else losses

    @torch.no_grad()
    def update(self, named: Sequence[tuple[str, nn.Parameter]]) -> None:
        """One step of γ and β along their gradients."""
        for name, p in named:
            if is_affine(name) and p.grad is not None:
                p.sub_(self.lr * p.grad)


def bilevel_losses(
    net: nn.Module,
    encoder: Encoder,
    objective: ForNetworks,
    batch: Mapping[str, Tensor],
    loop: InnerLoop,
    iteration: int = 0,
) -> Terms:
    """Mean outer loss terms over styles and query contents, differentiable in net's parameters.

    batch: "contents_support", "contents_query" (C, 3, h, w), "styles" (S, 3, H, W). The inner
    losses are reported as "_inner_first" (before the inner loop) for the log.
    """
    styles = batch["styles"]
    chunk = loop.style_chunk or len(styles)
    if chunk >= len(styles):
        return _chunk_losses(net, encoder, objective, batch, loop, iteration)
    parts = [
        (len(part) / len(styles), {**batch, "styles": part}) for part in torch.split(styles, chunk)
    ]
    return _accumulated(
        net,
        [
            (share, partial(_chunk_losses, net, encoder, objective, part, loop, iteration))
            for share, part in parts
        ],
    )


def adapted_images(
    net: nn.Module,
    encoder: Encoder,
    objective: ForNetworks,
    batch: Mapping[str, Tensor],
    loop: InnerLoop,
    iteration: int = 0,
) -> Tensor:
    """Pictures (S, C, 3, h, w) that the inner loop makes of every style and query content, without
    gradients."""
    evaluate = _Evaluation(net, encoder, objective, batch["styles"])
    fast, _ = _inner_loop(evaluate, batch["contents_support"], loop, iteration)
    contents = batch["contents_query"]
    with torch.no_grad():
        images = evaluate.images(fast, contents)
    return images.view(evaluate.styles, len(contents), *images.shape[1:])


def _chunk_losses(
    net: nn.Module,
    encoder: Encoder,
    objective: ForNetworks,
    batch: Mapping[str, Tensor],
    loop: InnerLoop,
    iteration: int,
) -> Terms:
    evaluate = _Evaluation(net, encoder, objective, batch["styles"])
    fast, terms = _inner_loop(evaluate, batch["contents_support"], loop, iteration)
    outer = evaluate(fast, *evaluate.prepare(batch["contents_query"]))
    means = {name: value.mean() for name, value in outer.items()}
    if not loop.logarithm:
        return terms | means
    terms |= {f"_{name}": value.detach() for name, value in means.items()}
    return terms | {"log": total(outer).log().mean()}


def _inner_loop(
    evaluate: _Evaluation, contents: Tensor, loop: InnerLoop, iteration: int
) -> tuple[Fast, Terms]:
    fast: Fast = {
        name: p.unsqueeze(0).expand(evaluate.styles, -1)
        for name, p in affine_parameters(evaluate.net).items()
    }
    terms: Terms = {}
    prepared = evaluate.prepare(contents) if loop.steps else None
    for i in range(loop.steps):
        assert prepared is not None
        losses = total(evaluate(fast, *prepared))
        if i == 0:
            terms["_inner_first"] = losses.mean().detach()
        losses = losses.log() if loop.logarithm else losses
        if loop.before_weight:
            terms["before"] = terms.get("before", 0) + loop.before_weight * losses.mean()
        fast = _sgd_step(fast, losses, len(contents), loop, iteration)
    return fast, terms


def _sgd_step(fast: Fast, losses: Tensor, contents: int, loop: InnerLoop, iteration: int) -> Fast:
    # Each style's loss is a mean over its contents; styles do not mix, so the sum over styles
    # gives every row of γ, β its own gradient.
    create_graph = not loop.first_order
    grads = torch.autograd.grad(
        losses.sum() / contents, tuple(fast.values()), create_graph=create_graph
    )
    lr = loop.lr_at(iteration)
    return {name: p - lr * g for (name, p), g in zip(fast.items(), grads, strict=True)}


class _Evaluation:
    """The objective of every (style, content) pair, styles varying slowest."""

    def __init__(
        self, net: nn.Module, encoder: Encoder, objective: ForNetworks, styles: Tensor
    ) -> None:
        self.net, self.encoder, self.objective = net, encoder, objective
        self.styles = len(styles)
        self.style = style_target(encoder, objective, styles)

    @torch.no_grad()
    def prepare(self, contents: Tensor) -> tuple[Tensor, Tensor, Fast]:
        """The contents, and for every pair what the objective wants and compares with."""
        read = self.objective.read(self.encoder, contents)
        styles = {k: v.repeat_interleave(len(contents), 0) for k, v in self.style.items()}
        repeated = read.repeat(self.styles, *[1] * (read.dim() - 1))
        return contents, self.objective.wanted(repeated, styles, contents), styles

    def images(self, fast: Fast, contents: Tensor, raw: bool = False) -> Tensor:
        repeated = contents.repeat(self.styles, 1, 1, 1)
        out: Tensor = functional_call(self.net, fast, (repeated,), {"raw": raw})
        return out

    def __call__(self, fast: Fast, contents: Tensor, target: Tensor, style: Fast) -> Terms:
        raw = self.images(fast, contents, raw=True)
        photos = contents.repeat(self.styles, 1, 1, 1)
        return self.objective.of_network(raw, self.encoder, target, style, photos)


def _accumulated(net: nn.Module, parts: list[tuple[float, Callable[[], Terms]]]) -> Terms:
    """Σ share·terms, whose backward hands out gradients computed part by part, so that only one
    part's graph is alive at a time."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    sums: Terms = {}
    gradients = [torch.zeros_like(p) for p in parameters]
    for share, part in parts:
        terms = part()
        loss = sum(v for k, v in terms.items() if not k.startswith("_"))
        grads = torch.autograd.grad(share * loss, parameters)  # type: ignore[arg-type]
        for gradient, g in zip(gradients, grads, strict=True):
            gradient += g
        for name, value in terms.items():
            sums[name] = sums.get(name, torch.zeros(())) + share * value.detach()
    carrier = sum((g * (p - p.detach())).sum() for g, p in zip(gradients, parameters, strict=True))
    first = next(name for name in sums if not name.startswith("_"))
    sums[first] = sums[first] + carrier
    return sums
