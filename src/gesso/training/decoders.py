"""What the training of decoders has in common, whatever is done to the features before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder
from gesso.nn.checkpoint import load_file
from gesso.training.batches import STYLE_STREAM, Batches
from gesso.training.recipe import Ingredients, Recipe

Losses = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
Sample = Callable[[Tensor], Tensor]

MEASURED_CONTENTS = 64  # on which the scale of the features is measured


def drawn(training: Any, given: Ingredients, styles: bool = False) -> Batches:
    """The contents of a run, or its styles: `batch`, `crop`, `resize_max` and `seed` of its
    options."""
    return Batches(
        given.styles if styles else given.contents,
        training.batch,
        crop=training.crop,
        resize_max=max(training.crop, training.resize_max),
        seed=training.seed,
        stream=STYLE_STREAM if styles else 0,
    )


@torch.no_grad()
def first_features(
    encoder: Encoder, levels: Sequence[str], contents: Batches, given: Ingredients
) -> dict[str, Tensor]:
    """Features (N, C, h, w) by level of the first contents of the run, for `Decoder.measure`."""
    steps = -(-MEASURED_CONTENTS // contents.batch_size)
    with given.fast():
        parts = [encoder(contents.batch(step).to(given.device), levels) for step in range(steps)]
    return {level: torch.cat([part[level] for part in parts]) for level in levels}


def giving_back(
    training: Any, contents: Batches, network: Any, losses: Losses, sample: Sample, method: str
) -> Recipe:
    """The recipe of a network with a `config` that gives contents back.

    Args:
        losses: the terms of a batch {"contents": (B, 3, H, W)}.
        sample: a picture of what the network makes of contents (up to 4, 3, H, W).
    """

    def make(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        return {"contents": contents.batch(step, rank, world)}

    config = network.config.as_header()
    batch = {"batch": training.batch, "crop": training.crop, "resize_max": training.resize_max}
    return Recipe(
        network,
        lambda batch, step: losses(batch),
        make,
        header={"kind": "weights", "method": method, "config": config},
        settings={"config": config, "batch": batch},
        sample=lambda pictures: sample(pictures["contents"][:4]),
    )


def go_on(decoder: Decoder, start: Path) -> None:
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
