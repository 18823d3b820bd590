"""`gesso train meta_networks`: Algorithm 1 on folders of contents and styles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.encoders import load_encoder
from gesso.encoders.levels import LEVELS
from gesso.methods.inputs import load_exactly
from gesso.methods.meta_networks.factorised import multiplied
from gesso.methods.meta_networks.hypernetwork import style_statistics
from gesso.methods.meta_networks.method import Config, MetaNetworks
from gesso.nn.checkpoint import load_file
from gesso.nn.precision import compute_in, fast_dtype
from gesso.training.batches import Batches, ImageSource, style_batches
from gesso.training.loop import TrainConfig, TrainResult, train
from gesso.training.state import CHECKPOINT

MEASURED_STYLES = 128  # on which the normalisation of the statistics is measured
STYLE_STREAM = 2  # as in MetaStyle's draws


@dataclass(frozen=True)
class StyleBatch:
    """Shape of one step: each of `styles` with `contents` photos, kept for `repeats` steps.

    The paper's: 8 contents of 256 px for one style, 20 steps in a row. Several styles at a time,
    new ones every step, come further in few steps.
    """

    contents: int = 1
    styles: int = 4
    repeats: int = 1
    crop: int = 256
    style_crop: int = 256
    resize_max: int = 480


def train_meta_networks(
    contents: str | Path,
    styles: str | Path,
    out_dir: str | Path,
    config: Config,
    training: TrainConfig,
    batch: StyleBatch,
    *,
    encoder: str | Path = "compact",
    start: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
) -> TrainResult:
    """Train a hypernetwork and write it to out_dir/weights.safetensors.

    `start` continues from another run's weights instead of random ones. What `config` says of the
    encoder is set from the encoder itself. The seed, the pictures and the settings determine every
    number on the CPU. Raises GessoError as `gesso.train.train` does.
    """
    torch.manual_seed(training.seed)
    judge = load_encoder(encoder).to(training.device)
    config = replace(config, encoder=judge.identity, statistics=_count(judge, training.device))
    method = MetaNetworks(judge, config)
    sources = ImageSource(contents), ImageSource(styles)
    draws = _draws(sources, batch, training.seed)
    make_batch = style_batches(*draws, batch.repeats)
    dtype = fast_dtype(training.device)
    if start is not None:
        whole = multiplied(load_file(start)[0], method.network.state_dict())
        load_exactly(method.network, whole, str(start))
    elif not (resume and (Path(out_dir) / CHECKPOINT).is_file()):
        with compute_in(dtype):
            method.network.normalise(_measured(method, draws[1], training.device))

    def loss_fn(tensors: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        with compute_in(dtype):
            return method.losses(tensors, step)

    return train(
        method.network,
        loss_fn,
        make_batch,
        training,
        out_dir,
        resume=resume,
        log_dir=log_dir,
        header={"kind": "weights", "method": method.name, "config": config.as_header()},
        settings=_settings(config, batch, method, sources),
        sample_fn=lambda step: _sample_grid(method, make_batch(step, 0, 1)),
    )


def _draws(
    sources: tuple[ImageSource, ImageSource], batch: StyleBatch, seed: int
) -> tuple[Batches, Batches]:
    """Contents in random sizes, styles as large as they fit."""
    contents = Batches(
        sources[0],
        batch.contents * batch.styles,
        crop=batch.crop,
        resize_max=max(batch.crop, batch.resize_max),
        seed=seed,
    )
    styles = Batches(
        sources[1],
        batch.styles,
        crop=batch.style_crop,
        flip=False,
        seed=seed,
        stream=STYLE_STREAM,
    )
    return contents, styles


@torch.no_grad()
def _statistics(encoder: Any, images: Tensor, device: str) -> Tensor:
    return style_statistics(encoder(images.to(device), LEVELS), LEVELS)


def _count(encoder: Any, device: str) -> int:
    return _statistics(encoder, torch.zeros(1, 3, 32, 32), device).shape[1]


def _measured(method: MetaNetworks, styles: Batches, device: str) -> Tensor:
    """Statistics (N, n) of the first styles of the run."""
    steps = -(-MEASURED_STYLES // styles.batch_size)
    rows = [_statistics(method.encoder, styles.batch(step), device) for step in range(steps)]
    return torch.cat(rows)


def _settings(
    config: Config,
    batch: StyleBatch,
    method: MetaNetworks,
    sources: tuple[ImageSource, ImageSource],
) -> dict[str, Any]:
    return {
        "config": config.as_header(),
        "batch": batch.__dict__,
        "encoder": method.encoder.identity,
        "contents": sources[0].fingerprint(),
        "styles": sources[1].fingerprint(),
    }


@torch.no_grad()
def _sample_grid(method: MetaNetworks, batch: dict[str, Tensor]) -> Tensor:
    """The styles above what their networks make of the first contents of the batch."""
    styles = batch["styles"]
    contents = batch["contents"][: len(styles)]
    side = contents.shape[-1]
    rows = [torch.nn.functional.interpolate(styles, (side, side), mode="area"), contents]
    place = next(method.network.parameters()).device
    hidden = method.network.hidden(_statistics(method.encoder, styles, str(place)))
    for content in contents:
        repeated = content.to(place).expand(len(styles), -1, -1, -1)
        with compute_in(fast_dtype(place)):
            rows.append(method.network.stylized(repeated, hidden).cpu())
    grid = torch.stack([rows[0], *rows[2:]])  # (1 + contents, S, 3, h, w)
    return grid.permute(2, 0, 3, 1, 4).reshape(3, len(grid) * side, -1).clamp(0, 1)
