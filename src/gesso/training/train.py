"""The one way to train anything: a recipe made of an encoder, two folders and options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from gesso.disk.hub import local
from gesso.encoders import check_encoder
from gesso.encoders.base import Encoder
from gesso.training.config import TrainConfig, TrainResult
from gesso.training.loop import OnTrained, train
from gesso.training.recipe import Ingredients, Recipe
from gesso.training.source import ImageSource
from gesso.training.state import CHECKPOINT

C = TypeVar("C", bound=TrainConfig)


def train_by(
    make_recipe: Callable[[C, Ingredients], Recipe],
    contents: str | Path,
    styles: str | Path,
    out: str | Path,
    training: C,
    *,
    encoder: str | Path | Encoder,
    start: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
    on_step: OnTrained | None = None,
) -> TrainResult:
    """Train by the recipe that `make_recipe` makes, and write out/weights.safetensors.

    The seed, the pictures and the options determine every number on the CPU.

    Args:
        contents, styles: folders of pictures, .tar shards, or both.
        start: weights to go on from; by default random ones.
        resume, log_dir, on_step: as for `gesso.training.loop.train`.

    Raises:
        GessoError: as `gesso.training.loop.train` does; pictures or weights that cannot be used.
    """
    if not isinstance(encoder, Encoder):
        check_encoder(encoder)  # a mistake is known before folders are listed
    torch.manual_seed(training.seed)
    found = Ingredients(
        *(ImageSource(contents), ImageSource(styles), encoder, torch.device(training.device)),
        start=local(start),
        resumed=resume and (Path(out) / CHECKPOINT).is_file(),
    )
    recipe = _completed(make_recipe(training, found), found)
    config = training.plain()
    return train(recipe, config, out, resume=resume, log_dir=log_dir, on_step=on_step)


def _completed(recipe: Recipe, found: Ingredients) -> Recipe:
    """The recipe in the fast dtype; its settings name the pictures."""

    def losses(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        with found.fast():
            return recipe.losses(batch, step)

    def sample(batch: dict[str, Tensor]) -> Tensor:
        assert recipe.sample is not None
        with found.fast():
            return recipe.sample({n: t.to(found.device) for n, t in batch.items()})

    pictures = {"contents": found.contents.fingerprint(), "styles": found.styles.fingerprint()}
    return replace(
        recipe,
        losses=losses,
        settings={**recipe.settings, **pictures},
        sample=None if recipe.sample is None else sample,
    )
