"""Starts for gradient steps on one network, that of Meta Networks, and MetaStyle's on its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from study import Study, contestant
from torch import Tensor

import gesso
from gesso.bench.contestants import Contestant
from gesso.cards.card import StyleCard
from gesso.errors import GessoError
from gesso.methods.base import OnStep
from gesso.methods.meta_networks.generated import GeneratedNet, kernel_shapes, output_channels
from gesso.methods.meta_networks.method import MetaNetworks

STEPS = (0, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Refined(Contestant):
    """A generated network, refined from another start than the style's own."""

    begin: Callable[[StyleCard], StyleCard] = lambda card: card

    def adapt(
        self,
        style: Tensor,
        photo: Tensor,
        steps: int | None = None,
        on_step: OnStep | None = None,
    ) -> StyleCard:
        """The card of a style after the entry's steps of `refine`."""
        assert isinstance(self.method, MetaNetworks)
        card = self.begin(self.method.adapt(style))
        refine = self.entry.options["refine"]
        return self.method.refined(card, style, [photo], refine=refine) if refine else card


def refining(study: Study) -> dict[tuple[str, int], Contestant]:
    """By start and steps: the generated network, the one that the mean style generates, a random
    one of the same shape, each refined alike; and MetaStyle's start, whose network is another."""
    method = gesso.load("meta_networks", weights=study.args.model)
    assert isinstance(method, MetaNetworks)
    seen = method.network.seen
    mean = seen[seen.abs().sum(1) > 0].mean(0)  # of the styles that the training saw last
    if not bool(mean.isfinite().all()):
        raise GessoError("refine: these weights have seen no styles; give others with --model")
    starts: dict[str, Callable[[StyleCard], StyleCard]] = {
        "generated": lambda card: card,
        "mean style": lambda card: replace(card, tensors={"hidden": mean.clone()}),
        "random": lambda card: _random(method, card, study.args.seed),
    }
    found: dict[tuple[str, int], Contestant] = {}
    for steps in study.args.steps or STEPS:
        for name, begin in starts.items():
            plain = contestant(f"{name}, {steps} steps", method, {"refine": steps})
            found[name, steps] = Refined(plain.entry, method, on_photo=True, begin=begin)
        found["MetaStyle", steps] = study.ours(steps)
    return found


@torch.no_grad()
def _random(method: MetaNetworks, card: StyleCard, seed: int) -> StyleCard:
    """Kernels with He's variance, the other layers as a new network has them."""
    torch.manual_seed(seed)
    net = GeneratedNet(method.config.width, method.config.upsample)
    for name, shape in kernel_shapes(method.config.width, method.config.upsample).items():
        taps = math.prod(shape) / output_channels(name, shape)
        net.kernels[name].normal_(std=math.sqrt(2 / taps))
    tensors = {name: value.clone() for name, value in net.state_dict().items()}
    return replace(method.with_kernels(card), tensors=tensors)
