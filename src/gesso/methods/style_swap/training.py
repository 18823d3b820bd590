"""The training of the inverse network, on contents, styles, and contents swapped with styles."""

from __future__ import annotations

from dataclasses import fields
from functools import partial

import torch
from torch import Tensor

from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.methods.style_swap.about import LEVEL
from gesso.methods.style_swap.drawing import drawing_losses
from gesso.methods.style_swap.layer import Config, activations
from gesso.methods.style_swap.method import StyleSwap
from gesso.methods.style_swap.training_options import Training
from gesso.training.batches import style_batches
from gesso.training.decoders import drawn, first_features, go_on
from gesso.training.recipe import Ingredients, LossFn, Recipe, grid


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The inverse network.

    Raises:
        GessoError: an encoder without the level, weights of another network to go on from, or
            nothing to train for.
    """
    encoder = given.encoder(LEVELS[-1] if training.match_weight else LEVEL)
    config = _config(training).of_encoder(encoder, training.depth)
    method = StyleSwap(encoder, config).to(given.device)
    contents, styles = drawn(training, given), drawn(training, given, styles=True)
    if given.start is not None or not given.resumed:
        found = first_features(encoder, [LEVEL], contents, given)
        method.network.measure({method.network.deepest: found[LEVEL]})
    if given.start is not None:
        go_on(method.network, given.start)
    batch = {"pairs": training.batch, "crop": training.crop, "resize_max": training.resize_max}
    return Recipe(
        method.network,
        _losses(method),
        style_batches(contents, styles, repeats=1),
        header={"kind": "weights", "method": "style_swap", "config": config.as_header()},
        settings={"config": config.as_header(), "batch": batch},
        sample=lambda pictures: _sample(method, pictures),
    )


def _losses(method: StyleSwap) -> LossFn:
    if not method.config.match_weight:
        return method.losses
    return partial(drawing_losses, method.network, method.encoder, method.config)


def _config(training: Training) -> Config:
    names = [field.name for field in fields(Config) if field.name not in ("blocks", "encoder")]
    config = Config(**{name: getattr(training, name) for name in names})
    if not (config.feature_weight or config.identity_weight or config.match_weight):
        raise GessoError("weights of features, identity and match are 0: nothing to train for")
    return config


@torch.no_grad()
def _sample(method: StyleSwap, batch: dict[str, Tensor]) -> Tensor:
    """Pairs from left to right: content, style, the content swapped, the content as it is."""
    contents, styles = (batch[name][:4] for name in ("contents", "styles"))
    rows = []
    for content, style in zip(contents, styles, strict=True):
        pair = torch.stack([content, style])
        found = method.encoder(pair, [LEVEL])[LEVEL]
        own, _, swapped = activations(found, method.config.patch_size)
        made = method.network({method.network.deepest: torch.stack([swapped, own])})
        rows.append(torch.cat([pair, made]))
    return grid(torch.stack(rows, 1))  # (4, N, 3, h, w)
