"""The losses of an inverse network that draws: what it makes of a photo's features, swapped with a
painting's, is to look like the painting, and no longer to have just these features.

Means of overlapping patches have lost what strokes are made of, and a network that inverts them
draws softly. Here it is asked for pictures whose own vectors are the painting's (Kolkin et al.
2022), as a descent on the pixels is; it then draws in one pass much of what steps would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder
from gesso.encoders.levels import LEVELS
from gesso.fitting.apart import Apart
from gesso.fitting.pyramid import blurred
from gesso.fitting.settings import Painting
from gesso.fitting.vectors import StyleVectors, Vectors
from gesso.graphs.drawing import STRIDE
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.lattice import lattice
from gesso.losses.terms import beyond_range, relative_squared_error, total_variation
from gesso.methods.style_swap.about import LEVEL
from gesso.methods.style_swap.layer import Config
from gesso.nn.colors import Colors
from gesso.nn.patches import Bank, patches_of

TERMS = replace(Painting().weights, structure=0.0)  # its last pass's, of the style
LEAK = 0.01  # of the gradient of values outside [0, 1], which no encoder sees


def drawing_losses(
    network: Decoder, encoder: Encoder, config: Config, batch: Mapping[str, Tensor], step: int
) -> dict[str, Tensor]:
    """Means over every content drawn in every style: the loss of matching's last pass, without what
    it asks of the photo, which the network does not see; the features' error; and the weighted
    terms of the pictures alone."""
    random = torch.Generator().manual_seed(step)
    contents, styles = (torch.split(batch[name], 1) for name in ("contents", "styles"))
    given = [_given(encoder, config, *pair, random) for pair in product(contents, styles)]
    wanted = torch.cat(given)
    drawn = network({network.deepest: wanted})
    inside = drawn.clamp(0, 1)
    seen = inside + LEAK * (drawn - inside)
    vectors = [vectors_of(encoder, style) for style in styles]
    matched = [
        Apart(style, encoder, TERMS, len(given) * step + n, picture.detach())(picture)
        for n, (style, picture) in enumerate(
            zip(vectors * len(contents), seen.split(1), strict=True)
        )
    ]
    terms = {"matched": config.match_weight * torch.stack(matched).mean()}
    if config.feature_weight:
        again = encoder(seen, [LEVEL])[LEVEL]
        terms["features"] = config.feature_weight * relative_squared_error(again, wanted).mean()
    return terms | _of_pictures(config, drawn, network.stride)


def _of_pictures(config: Config, drawn: Tensor, stride: int) -> dict[str, Tensor]:
    found = {}
    if config.tv_weight:
        found["tv"] = config.tv_weight * total_variation(drawn).mean()
    if config.lattice_weight:
        found["lattice"] = config.lattice_weight * lattice(drawn, stride).mean()
    if config.range_weight:
        found["range"] = config.range_weight * beyond_range(drawn).mean()
    return found


@torch.no_grad()
def _given(
    encoder: Encoder, config: Config, content: Tensor, style: Tensor, random: torch.Generator
) -> Tensor:
    """Features (1, C, h, w) of a content, some of the way to the style's colours, swapped with
    patches that are looked for by a more or less blurred style."""
    share, way = torch.rand(2, generator=random).tolist()
    photo = Colors.of(content[0]).nearer(content, Colors.of(style[0]), way)
    blur = config.key_blur**share
    keys = blurred(style, blur).clamp(0, 1)
    own, features, compared = (encoder(x, [LEVEL])[LEVEL][0] for x in (photo, style, keys))
    bank = Bank([patches_of(features, config.patch_size, STRIDE, keys=compared)])
    return bank.swapped(own)[None]


@torch.no_grad()
def vectors_of(encoder: Encoder, style: Tensor) -> StyleVectors:
    """All vectors of a style (1, 3, h, w), of the LEVELS."""
    features, size = encoder(style, list(LEVELS)), cells(style)
    levels = {name: x[0].flatten(1).T.float() for name, x in features.items()}
    columns = hypercolumns(features, *size)[0].float()
    widths = [rows.shape[1] for rows in levels.values()]
    scales = {max(style.shape[-2:]): Vectors.of_columns(_mixed(columns), columns.mean(0), widths)}
    return StyleVectors(scales, {n: Vectors(_mixed(x), x.mean(0)) for n, x in levels.items()})


def _mixed(rows: Tensor) -> Tensor:
    """In any order: the first half then stands for all."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return rows[order.to(rows.device)]
