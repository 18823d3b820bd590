"""The training of AdaIN's decoder, on pairs of contents and styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder
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
from gesso.nn.checkpoint import load_file
from gesso.training.batches import STYLE_STREAM, Batches, style_batches
from gesso.training.recipe import Ingredients, Recipe, grid, weighted

MEASURED_CONTENTS = 64  # on which the scale of the features is measured


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The decoder.

    Raises:
        GessoError: a level that the encoder does not have, or nothing to train for.
    """
    encoder = given.encoder(max(training.level, LEVEL))  # the method runs with LEVEL loaded
    config = _config(training, given.source, encoder)
    method = AdaIN(encoder, config).to(given.device)
    contents, styles = (_draw(training, given, stream) for stream in (0, STYLE_STREAM))
    if given.start is not None or not given.resumed:
        with given.fast():
            features = _measured(encoder, config.levels, contents, given.device)
            method.network.measure(features)
    if given.start is not None:
        _go_on(method.network, given.start)
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


def _draw(training: Training, given: Ingredients, stream: int) -> Batches:
    return Batches(
        given.styles if stream else given.contents,
        training.batch,
        crop=training.crop,
        resize_max=max(training.crop, training.resize_max),
        seed=training.seed,
        stream=stream,
    )


@torch.no_grad()
def _measured(
    encoder: Encoder, levels: Sequence[str], contents: Batches, device: torch.device
) -> dict[str, Tensor]:
    """Features (N, C, h, w) by level of the first contents of the run."""
    steps = -(-MEASURED_CONTENTS // contents.batch_size)
    parts = [encoder(contents.batch(step).to(device), levels) for step in range(steps)]
    return {level: torch.cat([part[level] for part in parts]) for level in levels}


def _go_on(decoder: Decoder, start: Path) -> None:
    """Load another run's weights; skips that it lacks begin at zero, which changes no picture.

    Raises:
        GessoError: a file of another decoder.
    """
    tensors, _ = load_file(start)
    lacking = [level for level in decoder.skips if f"skips.{level}.weight" not in tensors]
    new = {f"{part}{level}" for level in lacking for part in ("skips.", "scale_")}
    own = decoder.state_dict().items()
    expected = {name: x for name, x in own if not {name, name.rpartition(".")[0]} & new}
    tensors, _ = load_file(start, expected=expected)
    for level in lacking:
        for parameter in decoder.skips[level].parameters():
            torch.nn.init.zeros_(parameter)
    decoder.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=False)


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
