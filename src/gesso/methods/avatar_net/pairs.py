"""What Avatar-Net's hourglass learns of pairs of a content and a style, besides giving pictures
back: that decorated features become a picture in that style. This is ours, not the paper's."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.losses.matched import matched_pairs
from gesso.losses.objectives import StatisticsObjective
from gesso.losses.terms import Features
from gesso.methods.adain.layer import adain, mean_and_deviation
from gesso.methods.avatar_net.decorator import decorator_of, kept_of
from gesso.methods.avatar_net.hourglass import Hourglass

PATCH_SIZES = (3, 5)  # one of them is drawn for every step
LEAST_DETAIL = 0.3  # the aligned levels keep this share of the style's deviation, or more


def pair_losses(
    network: Hourglass, encoder: Encoder, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The terms of what is decoded for contents (B, 3, H, W) in as many styles, means over the
    batch: the distance from the decorated features, from the style's means and deviations, and from
    its most similar feature vectors (`gesso.losses.matched.matched_pairs`)."""
    contents, styles, config = batch["contents"], batch["styles"], network.config
    objective = StatisticsObjective(
        content_level=config.decorated[0],
        style_weight=config.style_weight,
        range_weight=config.range_weight,
    )
    with torch.no_grad():
        levels = sorted({*config.levels, *objective.style_levels})
        style = encoder(styles, levels)
        made = decorated(network, encoder(contents, config.levels), style)
    out = network.decoder(made)
    terms = objective.of_network(out, encoder, made[config.decorated[0]], objective.targets(style))
    terms |= matched_pairs(out, encoder, contents, styles, config.match_weight)
    return {f"pair_{name}": value.mean() for name, value in terms.items()}


@torch.no_grad()
def decorated(network: Hourglass, content: Features, style: Features) -> dict[str, Tensor]:
    """Features (B, C, h, w) by level of contents in as many styles, with a patch size and detail
    that are drawn."""
    config = network.config
    size = PATCH_SIZES[int(torch.randint(len(PATCH_SIZES), ()))]
    made = {level: _painted(network, level, content, style, size) for level in config.decorated}
    for level in config.aligned:
        mean, deviation = mean_and_deviation(style[level])
        detail = LEAST_DETAIL + (1 - LEAST_DETAIL) * torch.rand(len(mean), 1).to(mean)
        made[level] = adain(content[level], mean, detail * deviation)
    return made


def _painted(
    network: Hourglass, level: str, content: Features, style: Features, size: int
) -> Tensor:
    channels, found = network.channels(level), []
    for x, y in zip(torch.split(content[level], 1), torch.split(style[level], 1), strict=True):
        on = torch.ones(y.shape[2:], dtype=torch.bool, device=y.device)
        kept = kept_of(channels, y, channels.moments(y), on)
        decorator = decorator_of(channels, kept, size, stride=1)
        choice = decorator.choice(x, channels.moments(x))
        rows, columns = (slice(0, n) for n in x.shape[2:])
        found.append(decorator.decorated(x, choice, rows, columns))
    return torch.cat(found)
