"""`gesso train metastyle`: Algorithm 1 on folders of contents and styles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.encoders import load_encoder
from gesso.methods.metastyle.method import MetaStyle
from gesso.methods.metastyle.start import Config
from gesso.nn.checkpoint import load_file
from gesso.nn.precision import compute_in, fast_dtype
from gesso.training.batches import ImageSource, meta_batches
from gesso.training.loop import TrainConfig, TrainResult, train


@dataclass(frozen=True)
class MetaBatch:
    """Shape of one iteration: `styles` × `contents` pairs (the paper: 4 × 4 at 256 px)."""

    contents: int = 4
    styles: int = 4
    crop: int = 256
    style_crop: int = 256
    resize_max: int = 288


def train_metastyle(
    contents: str | Path,
    styles: str | Path,
    out_dir: str | Path,
    config: Config,
    training: TrainConfig,
    batch: MetaBatch,
    *,
    encoder: str | Path = "compact",
    start: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
) -> TrainResult:
    """Meta-train a transfer network and write it to out_dir/weights.safetensors.

    `start` continues from another run's weights instead of random ones. The seed, the pictures and
    the settings determine every number on the CPU. Raises GessoError as `gesso.train.train` does.
    """
    torch.manual_seed(training.seed)
    method = MetaStyle(load_encoder(encoder).to(training.device), config)
    if start is not None:
        tensors, _ = load_file(start, expected=method.net.state_dict())
        method.net.load_state_dict({k: v.float() for k, v in tensors.items()})
    sources = ImageSource(contents), ImageSource(styles)
    make_batch = meta_batches(
        *sources,
        content_batch=batch.contents,
        style_batch=batch.styles,
        crop=batch.crop,
        style_crop=batch.style_crop,
        resize_max=max(batch.crop, batch.resize_max),
        seed=training.seed,
    )
    dtype = fast_dtype(training.device)

    def loss_fn(tensors: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        with compute_in(dtype):
            return method.losses(tensors, step)

    def sample(step: int) -> Tensor:
        return _sample_grid(method, make_batch(step, 0, 1))

    return train(
        method.net,
        loss_fn,
        make_batch,
        training,
        out_dir,
        resume=resume,
        log_dir=log_dir,
        header={"kind": "start", "method": "metastyle", "config": config.as_header()},
        settings=_settings(config, batch, method, sources),
        sample_fn=sample,
    )


def _settings(
    config: Config, batch: MetaBatch, method: MetaStyle, sources: tuple[ImageSource, ImageSource]
) -> dict[str, Any]:
    return {
        "config": config.as_header(),
        "batch": batch.__dict__,
        "encoder": method.encoder.identity,
        "contents": sources[0].fingerprint(),
        "styles": sources[1].fingerprint(),
    }


def _sample_grid(method: MetaStyle, batch: dict[str, Tensor]) -> Tensor:
    """Query contents above what one inner step on each style makes of them."""
    from gesso.methods.metastyle.bilevel import adapted_images

    inner = replace(method.config.inner, steps=max(1, method.config.inner.steps), first_order=True)
    rows = adapted_images(
        method.net, method.encoder, method.config.objective, batch, inner
    )  # (S, C, 3, h, w)
    contents = batch["contents_query"]
    grid = torch.cat([contents.unsqueeze(0), rows.cpu()])
    return grid.permute(2, 0, 3, 1, 4).reshape(3, len(grid) * contents.shape[2], -1).clamp(0, 1)
