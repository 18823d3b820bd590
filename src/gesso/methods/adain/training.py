"""The training of AdaIN's decoder, on pairs of contents and styles."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.methods.adain.layer import (
    LEVEL,
    OBJECTIVE,
    PAPER_OBJECTIVE,
    SKIPS,
    Config,
    adain,
    style_levels,
)
from gesso.methods.adain.method import AdaIN
from gesso.methods.adain.training_options import Training
from gesso.training.batches import style_batches
from gesso.training.decoders import drawn, first_features, go_on
from gesso.training.recipe import Ingredients, Recipe, grid, weighted


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The decoder.

    Raises:
        GessoError: a level that the encoder does not have, or nothing to train for.
    """
    encoder = given.encoder(max(training.level, LEVEL))  # the method runs with LEVEL loaded
    config = _config(training, given.source, encoder)
    method = AdaIN(encoder, config).to(given.device)
    contents, styles = drawn(training, given), drawn(training, given, styles=True)
    if given.start is not None or not given.resumed:
        method.network.measure(first_features(encoder, config.levels, contents, given))
    if given.start is not None:
        go_on(method.network, given.start)
    batch = {"pairs": training.batch, "crop": training.crop, "resize_max": training.resize_max}
    return Recipe(
        method.network,
        method.losses,
        style_batches(contents, styles, repeats=1),
        header={"kind": "weights", "method": "adain", "config": config.as_header()},
        settings={"config": config.as_header(), "batch": batch},
        sample=lambda pictures: _sample(method, pictures),
    )


def _config(training: Training, source: object, encoder: Encoder) -> Config:
    """What the decoder is made of: its encoder decides on the levels of the style."""
    base = PAPER_OBJECTIVE if training.objective == "paper" else OBJECTIVE
    levels = style_levels(encoder)
    objective = replace(weighted(base, training), content_level=training.level, levels=levels)
    if not (objective.content_weight or objective.style_weight or training.identity_weight):
        raise GessoError("weights of content, style and identity are all 0: nothing to train for")
    usual = SKIPS if str(source) == "compact" else ()
    config = Config(
        objective=objective,
        identity_weight=training.identity_weight,
        skips=usual if training.skips is None else training.skips,
    )
    return config.of_encoder(encoder)


@torch.no_grad()
def _sample(method: AdaIN, batch: dict[str, Tensor]) -> Tensor:
    """Pairs from left to right: content, style, result, and the content decoded as it is."""
    contents, styles = (batch[name][:4] for name in ("contents", "styles"))
    side = contents.shape[-1]
    content = method.encode(contents)
    own, style = method.statistics(content), method.statistics(method.encode(styles))
    aligned = {level: adain(x, *style[level], own=own[level]) for level, x in content.items()}
    results = [method.decode(features, side, side) for features in (aligned, content)]
    return grid(torch.stack([contents, styles, *results]))  # (4, N, 3, h, w)
