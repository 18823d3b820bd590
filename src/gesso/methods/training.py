"""Train a method by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.errors import GessoError
from gesso.methods.registry import about, part
from gesso.options import changed
from gesso.training.config import TrainConfig, TrainResult

if TYPE_CHECKING:
    from gesso.encoders.base import Encoder
    from gesso.training.loop import OnTrained


def train(
    name: str,
    contents: str | Path,
    styles: str | Path,
    out: str | Path,
    training: TrainConfig | None = None,
    *,
    encoder: str | Path | Encoder = "compact",
    start: str | Path | None = None,
    resume: bool = False,
    log_dir: str | Path | None = None,
    on_step: OnTrained | None = None,
    **changes: Any,
) -> TrainResult:
    """Train a method and write out/weights.safetensors.

    The seed, the pictures and the options determine every number on the CPU.

    Args:
        contents, styles: photos and paintings: folders of pictures, .tar shards, or both.
        training: the method's own options (`about(name).training`); by default its defaults.
        encoder: what the losses see: compact, vgg16, vgg19, a file, or an encoder.
        start: weights to go on from; by default random ones.
        resume, log_dir, on_step: as for `gesso.training.loop.train`.
        changes: single options by name.

    Raises:
        GessoError: a method that is not trained, options that make no sense, pictures or weights
            that cannot be used, and as `gesso.training.loop.train` does.
    """
    kind = about(name).training
    if kind is None:
        raise GessoError(f"method {name}: has nothing to train")
    chosen = changed(training or kind(), changes)
    from gesso.training.train import train_by

    return train_by(
        *(part(name, "training").recipe, contents, styles, out, chosen),
        encoder=encoder,
        start=start,
        resume=resume,
        log_dir=log_dir,
        on_step=on_step,
    )
