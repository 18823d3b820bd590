"""Reptile (Nichol et al. 2018, "On First-Order Meta-Learning Algorithms"): a start that is good
after many steps of Adam on all weights.

Algorithm 1 differentiates through its inner steps, which bounds their number: it trains a start
for one step of γ and β. Reptile moves the start towards where whole adaptations end, and needs no
derivative of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from gesso.encoders.base import Encoder
from gesso.fitting.config import FitOptions
from gesso.fitting.network import FirstSteps, fit_network, style_target
from gesso.losses.matched import ForNetworks

POOL = 4  # crops of an adaptation: the contents, mirrored or not


def reptile_losses(
    net: nn.Module,
    encoder: Encoder,
    objective: ForNetworks,
    batch: Mapping[str, Tensor],
    options: FitOptions,
    steps: int,
    first: FirstSteps | None = None,
) -> dict[str, Tensor]:
    """One iteration: adapt a copy of the net to each style on the support contents.

    Args:
        batch: "contents_support" (C, 3, h, w), "styles" (S, 3, H, W).
        options: of the adaptations, whose crops are the contents as they are.
        steps, first: as for `fit_network`.

    Returns:
        "after": the mean loss at the end of the adaptations. Its gradient is the mean of θ − W, the
        start less where an adaptation ended, which the paper's section 2 hands to Adam. "_before"
        is the mean loss before the first step.
    """
    contents = list(batch["contents_support"])
    options = replace(options, crop=min(contents[0].shape[-2:]), whole=0.0, pool=POOL)
    styles, parameters = batch["styles"], dict(net.named_parameters())
    back = {name: torch.zeros_like(p) for name, p in parameters.items()}
    before, after = 0.0, 0.0
    for style in styles:
        adapted = deepcopy(net)
        trace: list[float] = []
        target = style_target(encoder, objective, style)
        final = fit_network(
            *(adapted, encoder, objective, target, contents, options, steps),
            first=first,
            on_step=lambda _, terms, trace=trace: trace.append(sum(terms.values())),  # type: ignore[misc]
        )
        for name, p in adapted.named_parameters():
            back[name] += (parameters[name].detach() - p.detach()) / len(styles)
        before += trace[0] / len(styles)
        after += sum(final.values()) / len(styles)
    ways = [((p - p.detach()) * back[name]).sum() for name, p in parameters.items()]
    way = torch.stack(ways).sum()
    return {"after": after + way, "_before": way.new_tensor(before)}
