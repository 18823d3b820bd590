"""`gesso train adain`: the decoder, on pairs of contents and styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.encoders import load_encoder
from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder
from gesso.errors import GessoError
from gesso.methods.adain.layer import Config, adain, style_levels
from gesso.methods.adain.method import AdaIN
from gesso.nn.checkpoint import load_file
from gesso.nn.precision import compute_in, fast_dtype
from gesso.training.batches import Batches, ImageSource, style_batches
from gesso.training.loop import TrainConfig, TrainResult, train
from gesso.training.state import CHECKPOINT

MEASURED_CONTENTS = 64  # on which the scale of the features is measured
STYLE_STREAM = 2  # as in MetaStyle's draws


@dataclass(frozen=True)
class PairBatch:
    """Shape of one step: pairs of a content and a style. The paper's: 8 pairs, both resized to 512
    px and cropped to 256. The shorter side becomes a random one from the crop to `resize_max`."""

    pairs: int = 8
    crop: int = 256
    resize_max: int = 512


def train_adain(
    contents: str | Path,
    styles: str | Path,
    out_dir: str | Path,
    config: Config,
    training: TrainConfig,
    batch: PairBatch,
    *,
    encoder: str | Path = "compact",
    start: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
) -> TrainResult:
    """Train a decoder and write it to out_dir/weights.safetensors.

    `start` continues from another run's weights instead of random ones; skips that it lacks begin
    at zero, which changes no picture. What `config` says of the encoder is set from the encoder
    itself, and the levels of the style where it names none. The seed, the pictures and the settings
    determine every number on the CPU. Raises GessoError as `gesso.train.train` does, and for a
    level that the encoder does not have.
    """
    objective = config.objective
    if not (objective.content_weight or objective.style_weight or config.identity_weight):
        raise GessoError("weights of content, style and identity are all 0: nothing to train for")
    torch.manual_seed(training.seed)
    judge = load_encoder(encoder, config.level).to(training.device)
    config = _completed(config, judge)
    method = AdaIN(judge, config).to(training.device)
    decoder = method.network
    sources = ImageSource(contents), ImageSource(styles)
    draws = (
        _draws(sources[0], batch, training.seed, 0),
        _draws(sources[1], batch, training.seed, STYLE_STREAM),
    )
    make_batch = style_batches(*draws, repeats=1)
    dtype = fast_dtype(training.device)
    if start is not None or not (resume and (Path(out_dir) / CHECKPOINT).is_file()):
        with compute_in(dtype):
            decoder.measure(_measured(judge, config.levels, draws[0], training.device))
    if start is not None:
        _go_on(decoder, start)

    def loss_fn(tensors: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        with compute_in(dtype):
            return method.losses(tensors, step)

    return train(
        decoder,
        loss_fn,
        make_batch,
        training,
        out_dir,
        resume=resume,
        log_dir=log_dir,
        header={"kind": "weights", "method": method.name, "config": config.as_header()},
        settings=_settings(config, batch, sources),
        sample_fn=lambda step: _sample_grid(method, make_batch(step, 0, 1)),
    )


def _go_on(decoder: Decoder, start: str | Path) -> None:
    """Load another run's weights. Raises GessoError for a file of another decoder."""
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


def _completed(config: Config, encoder: Encoder) -> Config:
    """`config` for that encoder, with its levels of the style where none are named."""
    levels = config.objective.levels or style_levels(encoder)
    return replace(config, objective=replace(config.objective, levels=levels)).of_encoder(encoder)


def _draws(source: ImageSource, batch: PairBatch, seed: int, stream: int) -> Batches:
    return Batches(
        source,
        batch.pairs,
        crop=batch.crop,
        resize_max=max(batch.crop, batch.resize_max),
        seed=seed,
        stream=stream,
    )


@torch.no_grad()
def _measured(
    encoder: Encoder, levels: Sequence[str], contents: Batches, device: str
) -> dict[str, Tensor]:
    """Features (N, C, h, w) by level of the first contents of the run."""
    steps = -(-MEASURED_CONTENTS // contents.batch_size)
    parts = [encoder(contents.batch(step).to(device), levels) for step in range(steps)]
    return {level: torch.cat([part[level] for part in parts]) for level in levels}


def _settings(
    config: Config, batch: PairBatch, sources: tuple[ImageSource, ImageSource]
) -> dict[str, Any]:
    return {
        "config": config.as_header(),
        "batch": batch.__dict__,
        "contents": sources[0].fingerprint(),
        "styles": sources[1].fingerprint(),
    }


@torch.no_grad()
def _sample_grid(method: AdaIN, batch: dict[str, Tensor]) -> Tensor:
    """Pairs from left to right: content, style, result, and the content decoded as it is."""
    place = next(method.network.parameters()).device
    contents, styles = (batch[name][:4].to(place) for name in ("contents", "styles"))
    side = contents.shape[-1]
    content = method.encode(contents)
    own, style = method.statistics(content), method.statistics(method.encode(styles))
    aligned = {level: adain(x, *style[level], own=own[level]) for level, x in content.items()}
    results = [method.decode(features, side, side) for features in (aligned, content)]
    grid = torch.stack([contents, styles, *results])  # (4, N, 3, h, w)
    return grid.permute(2, 0, 3, 1, 4).reshape(3, len(grid) * side, -1).cpu()
