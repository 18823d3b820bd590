"""What a generator is trained by: pictures of photos and noise, textures of noise, and how far
those of different noise are from each other."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.network import OfPhotos, OnFit, descend
from gesso.losses.diversity import nearness
from gesso.losses.matched import ForNetworks
from gesso.methods.texture_nets.about import Options
from gesso.methods.texture_nets.generator import Generator

Terms = dict[str, Tensor]


def fit(
    net: Generator,
    encoder: Encoder,
    objective: ForNetworks,
    target: Mapping[str, Tensor],
    contents: Sequence[Tensor],
    options: Options,
    on_step: OnFit | None = None,
) -> dict[str, float]:
    """Train `net` in place; returns the mean terms of the last tenth of the steps.

    Args:
        target: what the objective compares with, as its `of_style` gave it.
        contents: pictures (3, h, w) in [0, 1]; of no use for textures only.
        on_step: called before the first step and after each.
    """
    drawn = random.Random(options.seed)

    def fresh(count: int) -> list[int]:
        return [drawn.getrandbits(32) for _ in range(count)]

    def stylized(images: Tensor, raw: bool) -> Tensor:
        made: Tensor = net(images, raw, fresh(len(images)))
        return made

    def textures(step: int) -> tuple[Terms, Tensor]:
        raw = net.texture(options.crop, options.crop, fresh(options.copies), raw=True)
        found = objective.of_texture(raw, encoder, target)
        return {f"texture {name}": term for name, term in found.items()}, raw

    parts: list[Callable[[int], tuple[Terms, Tensor]]] = []
    if options.purpose != "textures":
        given = (encoder, objective, target, contents, options, options.steps, options.copies)
        parts.append(OfPhotos(stylized, *given))
    if options.purpose != "photos":
        parts.append(textures)
    return descend(
        *(net, lambda step: _means([part(step) for part in parts], options), options),
        options.steps,
        on_step=on_step,
    )


def _means(parts: Sequence[tuple[Terms, Tensor]], options: Options) -> Terms:
    """The mean of every term, (1,), and how near the pictures of each part are to each other."""
    found: Terms = {}
    spread = []
    for terms, raw in parts:
        found |= {name: term.mean(0, keepdim=True) for name, term in terms.items()}
        if options.diversity and options.copies > 1:
            spread.append(nearness(torch.sigmoid(raw), options.copies).mean(0, keepdim=True))
    if spread:
        found["nearness"] = options.diversity * torch.stack(spread).sum(0)
    return found
