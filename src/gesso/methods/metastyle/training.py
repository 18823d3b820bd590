"""The training of MetaStyle: its Algorithm 1 on folders of contents and styles."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gesso.losses.objectives import PAPER, Objective
from gesso.methods.metastyle.bilevel import InnerLoop, adapted_images
from gesso.methods.metastyle.method import MetaStyle
from gesso.methods.metastyle.start import MATCHING, Config
from gesso.methods.metastyle.training_options import Training
from gesso.nn.checkpoint import load_file
from gesso.training.batches import meta_batches
from gesso.training.recipe import Ingredients, Recipe, grid, weighted


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The transfer network, meta-trained to be a good start."""
    config = _config(training)
    method = MetaStyle(given.encoder(), config)
    if given.start is not None:
        tensors, _ = load_file(given.start, expected=method.net.state_dict())
        method.net.load_state_dict({k: v.float() for k, v in tensors.items()})
    batch = {
        "contents": training.content_batch,
        "styles": training.style_batch,
        "crop": training.crop,
        "style_crop": training.style_crop,
        "resize_max": training.resize_max,
    }
    return Recipe(
        method.net,
        method.losses,
        meta_batches(
            *(given.contents, given.styles),
            content_batch=training.content_batch,
            style_batch=training.style_batch,
            crop=training.crop,
            style_crop=training.style_crop,
            resize_max=max(training.crop, training.resize_max),
            seed=training.seed,
        ),
        header={"kind": "start", "method": "metastyle", "config": config.as_header()},
        settings={"config": config.as_header(), "batch": batch, "encoder": method.encoder.identity},
        sample=lambda pictures: _sample(method, pictures),
    )


def _config(training: Training) -> Config:
    inner = InnerLoop(
        steps=training.inner_steps,
        lr=training.inner_lr,
        lr_decay=training.lr_decay,
        first_order=training.first_order,
        style_chunk=training.style_chunk,
        logarithm=training.logarithm,
        before_weight=training.before_weight,
    )
    if training.objective == "matching":
        matching = replace(MATCHING, rest=weighted(MATCHING.rest, training))
        return Config(training.width, Objective(), inner, training.reptile, matching)
    objective = weighted(PAPER if training.objective == "paper" else Objective(), training)
    return Config(training.width, objective, inner, training.reptile)


def _sample(method: MetaStyle, batch: dict[str, Tensor]) -> Tensor:
    """Query contents above what one inner step on each style makes of them."""
    config = method.config
    inner = replace(config.inner, steps=max(1, config.inner.steps), first_order=True)
    made = adapted_images(method.net, method.encoder, config.training_objective(), batch, inner)
    return grid(torch.cat([batch["contents_query"].unsqueeze(0), made]))  # (1 + S, C, 3, h, w)
