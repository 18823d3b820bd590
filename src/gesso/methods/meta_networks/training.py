"""The training of Meta Networks: Algorithm 1 on folders of contents and styles."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.losses.objectives import PAPER_STATISTICS, StatisticsObjective
from gesso.methods.inputs import load_exactly
from gesso.methods.meta_networks.factorised import multiplied
from gesso.methods.meta_networks.hypernetwork import Config, style_statistics
from gesso.methods.meta_networks.method import MetaNetworks
from gesso.methods.meta_networks.training_options import Training
from gesso.nn.checkpoint import load_file
from gesso.training.batches import STYLE_STREAM, Batches, style_batches
from gesso.training.recipe import Ingredients, Recipe, grid, weighted

MEASURED_STYLES = 128  # on which the normalisation of the statistics is measured


def recipe(training: Training, given: Ingredients) -> Recipe:
    """The hypernetwork."""
    encoder = given.encoder()
    config = _config(training, encoder)
    method = MetaNetworks(encoder, config).to(given.device)
    contents, styles = _draws(training, given)
    if given.start is not None:
        whole = multiplied(load_file(given.start)[0], method.network.state_dict())
        load_exactly(method.network, whole, str(given.start))
    elif not given.resumed:
        with given.fast():
            method.network.normalise(_measured(encoder, styles, given.device))
    batch = {
        "contents": training.content_batch,
        "styles": training.style_batch,
        "repeats": training.repeats,
        "crop": training.crop,
        "style_crop": training.style_crop,
        "resize_max": training.resize_max,
    }
    return Recipe(
        method.network,
        method.losses,
        style_batches(contents, styles, training.repeats),
        header={"kind": "weights", "method": "meta_networks", "config": config.as_header()},
        settings={"config": config.as_header(), "batch": batch, "encoder": encoder.identity},
        sample=lambda pictures: _sample(method, pictures),
    )


def _config(training: Training, encoder: Encoder) -> Config:
    paper = training.objective == "paper"
    blank = torch.zeros(1, 3, 32, 32)
    return Config(
        width=training.width,
        hidden=training.hidden,
        upsample=training.upsample,
        statistics=_statistics(encoder, blank, next(encoder.parameters()).device).shape[1],
        encoder=encoder.identity,
        objective=weighted(PAPER_STATISTICS if paper else StatisticsObjective(), training),
        spike_weight=training.spike_weight,
        match_weight=training.match_weight,
    )


def _draws(training: Training, given: Ingredients) -> tuple[Batches, Batches]:
    """Contents in random sizes, styles as large as they fit."""
    contents = Batches(
        given.contents,
        training.content_batch * training.style_batch,
        crop=training.crop,
        resize_max=max(training.crop, training.resize_max),
        seed=training.seed,
    )
    styles = Batches(
        given.styles,
        training.style_batch,
        crop=training.style_crop,
        flip=False,
        seed=training.seed,
        stream=STYLE_STREAM,
    )
    return contents, styles


@torch.no_grad()
def _statistics(encoder: Encoder, images: Tensor, device: torch.device) -> Tensor:
    return style_statistics(encoder(images.to(device), LEVELS), LEVELS)


def _measured(encoder: Encoder, styles: Batches, device: torch.device) -> Tensor:
    """Statistics (N, n) of the first styles of the run."""
    steps = -(-MEASURED_STYLES // styles.batch_size)
    return torch.cat([_statistics(encoder, styles.batch(step), device) for step in range(steps)])


@torch.no_grad()
def _sample(method: MetaNetworks, batch: dict[str, Tensor]) -> Tensor:
    """The styles above what their networks make of the first contents of the batch."""
    styles = batch["styles"]
    contents = batch["contents"][: len(styles)]
    side = contents.shape[-1]
    hidden = method.network.hidden(_statistics(method.encoder, styles, styles.device))
    made = [
        method.network.stylized(content.expand(len(styles), -1, -1, -1), hidden)
        for content in contents
    ]
    return grid(torch.stack([F.interpolate(styles, (side, side), mode="area"), *made]))
