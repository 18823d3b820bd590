"""Starts for gradient steps on one network, that of Meta Networks, and MetaStyle's on its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from session import Session
from torch import Tensor
from trials import Pair, Trial

import gesso
from gesso.cards.card import StyleCard
from gesso.errors import GessoError
from gesso.methods.meta_networks.generated import GeneratedNet, kernel_shapes, output_channels
from gesso.methods.meta_networks.method import MetaNetworks

STEPS = (0, 10, 20, 50, 100, 200)
Begin = Callable[[Tensor], StyleCard]


def refining_trials(session: Session, model: str | None) -> dict[tuple[str, int], Trial]:
    """By start and steps: the generated network, the one that the mean style generates, a random
    one of the same shape, each refined alike; and MetaStyle's start, whose network is another."""
    method = gesso.load("meta_networks", weights=model)
    if not isinstance(method, MetaNetworks) or method.hyper is None:
        raise GessoError("refine: meta_networks has no bundled weights; give --model")
    mean = _mean_style(method)
    starts: dict[str, Begin] = {
        "generated": lambda style: method.adapt(style),
        "mean style": lambda style: _with_hidden(method, style, mean),
        "random": lambda style: _random(method, style, session.args.seed),
    }
    trials = {}
    for steps in session.args.steps or STEPS:
        for name, begin in starts.items():
            trials[name, steps] = _refined(name, method, begin, steps)
        trials["MetaStyle", steps] = session.ours(steps)
    return trials


def _refined(name: str, method: MetaNetworks, begin: Begin, steps: int) -> Trial:
    settings = {"weights": method.base, "adapt": method.adapt_settings(refine=steps)}

    def run(pair: Pair, photo: Tensor, style: Tensor) -> tuple[Tensor, float]:
        began = time.perf_counter()
        card = begin(style)
        if steps:
            card = method.refined(card, style, [photo], steps=steps)
        seconds = time.perf_counter() - began
        return method.stylizer(card)(photo.unsqueeze(0))[0], seconds

    return Trial(f"{name}, {steps} steps", settings, run)


def _mean_style(method: MetaNetworks) -> Tensor:
    """Of the styles that the training saw last."""
    seen = method.network.seen
    return seen[seen.abs().sum(1) > 0].mean(0)


def _with_hidden(method: MetaNetworks, style: Tensor, hidden: Tensor) -> StyleCard:
    return replace(method.adapt(style), tensors={"hidden": hidden.clone()})


@torch.no_grad()
def _random(method: MetaNetworks, style: Tensor, seed: int) -> StyleCard:
    """Kernels with He's variance, the other layers as a new network has them."""
    torch.manual_seed(seed)
    net = GeneratedNet(method.config.width, method.config.upsample)
    for name, shape in kernel_shapes(method.config.width, method.config.upsample).items():
        taps = math.prod(shape) / output_channels(name, shape)
        net.kernels[name].normal_(std=math.sqrt(2 / taps))
    card = method.with_kernels(method.adapt(style))
    return replace(card, tensors={k: v.clone() for k, v in net.state_dict().items()})
