"""The training of WCT's decoders, on contents that they give back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.compact import CompactEncoder
from gesso.encoders.decoder import Decoder
from gesso.errors import GessoError, OptionError
from gesso.methods.wct.decoders import PAPER_LEVELS, Config, Decoders, wct_losses
from gesso.methods.wct.training_options import Training
from gesso.nn.checkpoint import load_file
from gesso.training.decoders import drawn, first_features, giving_back
from gesso.training.recipe import Ingredients, Recipe, grid

SKIPS = ("relu3_1", "relu2_1")  # for the compact encoder, which keeps less detail


def recipe(training: Training, given: Ingredients) -> Recipe:
    """All decoders.

    Raises:
        GessoError: a level that the encoder does not have, crops that are too small for the deepest
            one, weights of other decoders.
    """
    encoder = given.encoder(PAPER_LEVELS[0])
    config = _config(training, encoder)
    stride = 2 ** (len(config.blocks) - 1)
    if training.crop < 2 * stride:
        allowed = f"whole numbers from {2 * stride} for {config.levels[0]}"
        raise OptionError("crop", f"{training.crop}; allowed are {allowed}")
    decoders = config.build().to(given.device)
    contents = drawn(training, given)
    if given.start is not None or not given.resumed:
        decoders.measure(first_features(encoder, config.levels, contents, given))
    if given.start is not None:
        go_on(decoders, given.start)

    losses = partial(wct_losses, decoders, encoder)
    sample = partial(_sample, decoders, encoder)
    return giving_back(training, contents, decoders, losses, sample, "wct")


def _config(training: Training, encoder: Encoder) -> Config:
    levels = training.levels or tuple(level for level in PAPER_LEVELS if has(encoder, level))
    usual = SKIPS if isinstance(encoder, CompactEncoder) else ()
    return Config(
        blocks=encoder.widths(levels[0]),
        encoder=encoder.identity,
        levels=levels,
        skips=usual if training.skips is None else training.skips,
        pixel_weight=training.pixel_weight,
        feature_weight=training.feature_weight,
        range_weight=training.range_weight,
    )


def has(encoder: Encoder, level: str) -> bool:
    """Whether the encoder has a level."""
    try:
        encoder.require([level])
    except GessoError:
        return False
    return True


def go_on(decoders: Decoders, start: Path) -> None:
    """Load another run's weights. Of a file of a single decoder each takes the layers that it has,
    too.

    Raises:
        GessoError: a file of other decoders.
    """
    tensors, _ = load_file(start)
    if "layers.0.weight" not in tensors:
        tensors, _ = load_file(start, expected=decoders.state_dict())
        decoders.load_state_dict({name: x.float() for name, x in tensors.items()})
        return
    for level in decoders.levels:
        _take_over(decoders.at(level), level, {name: x.float() for name, x in tensors.items()})


def _take_over(decoder: Decoder, level: str, tensors: dict[str, Tensor]) -> None:
    """Begin with the layers of a deeper decoder that this one has, too. What that one was given of
    `level` through a 1×1 convolution comes first here, and is multiplied into the first layer."""
    own = decoder.state_dict()
    deeper = sum(name.startswith("layers.") for name in tensors) // 2 - len(decoder.layers)
    theirs = {_moved(name, -deeper): x for name, x in tensors.items()}
    same = {n: x for n, x in theirs.items() if n in own and own[n].shape == x.shape}
    if deeper > 0 and f"skips.{level}.weight" in tensors:
        first, skip = same["layers.0.weight"], tensors[f"skips.{level}.weight"][:, :, 0, 0]
        same["layers.0.weight"] = torch.einsum("omyx,mc->ocyx", first, skip)
        shift = torch.einsum("omyx,m->o", first, tensors[f"skips.{level}.bias"])
        same["layers.0.bias"] = same["layers.0.bias"] + shift
    decoder.load_state_dict(same, strict=False)


def _moved(name: str, places: int) -> str:
    """The name of a tensor of layer i as that of layer i + places."""
    part, *rest = name.split(".")
    return ".".join([part, str(int(rest[0]) + places), *rest[1:]]) if part == "layers" else name


@torch.no_grad()
def _sample(decoders: Decoders, encoder: Encoder, contents: Tensor) -> Tensor:
    """From top to bottom: the contents, and each level's decoder's picture of them."""
    features = encoder(contents, decoders.levels)
    return grid(torch.stack([contents, *(decoders.at(n)(features) for n in decoders.levels)]))
