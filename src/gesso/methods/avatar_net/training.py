"""The training of Avatar-Net's hourglass, on contents that it gives back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.compact import CompactEncoder
from gesso.methods.avatar_net.hourglass import (
    PAPER_LEVELS,
    Config,
    Hourglass,
    avatar_losses,
    faded,
)
from gesso.methods.avatar_net.training_options import Training
from gesso.nn.checkpoint import load_file
from gesso.training.decoders import drawn, first_features, giving_back, go_on
from gesso.training.recipe import Ingredients, Recipe, grid


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The hourglass.

    Raises:
        GessoError: a level that the encoder does not have, weights of another network.
    """
    encoder = given.encoder(PAPER_LEVELS[0])
    config = _config(training, encoder)
    network = config.build().to(given.device)
    contents = drawn(training, given)
    if given.start is not None or not given.resumed:
        network.measure(first_features(encoder, config.levels, contents, given))
    if given.start is not None:
        begin(network, given.start)

    losses = partial(avatar_losses, network, encoder)
    sample = partial(_sample, network, encoder)
    return giving_back(training, contents, network, losses, sample, "avatar_net")


def _config(training: Training, encoder: Encoder) -> Config:
    compact = isinstance(encoder, CompactEncoder)
    decorated = training.decorated or PAPER_LEVELS[: 2 if compact else 1]
    others = tuple(level for level in PAPER_LEVELS if level < min(decorated))
    return Config(
        blocks=encoder.widths(decorated[0]),
        encoder=encoder.identity,
        decorated=decorated,
        aligned=others if training.aligned is None else training.aligned,
        pixel_weight=training.pixel_weight,
        feature_weight=training.feature_weight,
        tv_weight=training.tv_weight,
        range_weight=training.range_weight,
    )


def begin(network: Hourglass, start: Path) -> None:
    """Load another run's weights, or those of a decoder.

    Raises:
        GessoError: a file of another network.
    """
    tensors, _ = load_file(start)
    if "layers.0.weight" in tensors:
        go_on(network.decoder, start)
        return
    tensors, _ = load_file(start, expected=network.state_dict())
    network.load_state_dict({name: x.float() for name, x in tensors.items()})


@torch.no_grad()
def _sample(network: Hourglass, encoder: Encoder, contents: Tensor) -> Tensor:
    """From top to bottom: the contents, and given back with all, half and nothing of the detail."""
    features, aligned = encoder(contents, network.config.levels), network.config.aligned
    rows = [contents]
    for part in (1.0, 0.5, 0.0):
        share = torch.full_like(contents[:, 0, 0, 0], part)
        given = {n: faded(x, share) if n in aligned else x for n, x in features.items()}
        rows.append(network.decoder(given))
    return grid(torch.stack(rows))
