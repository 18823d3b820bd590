"""A recipe: what is trained, on what, and what is saved. A method's `training.py` makes one of its
ingredients: an encoder, pictures and options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gesso.encoders import load_encoder
from gesso.encoders.base import Encoder
from gesso.nn.precision import compute_in, fast_dtype
from gesso.training.batches import MakeBatch
from gesso.training.source import ImageSource

LossFn = Callable[[dict[str, Tensor], int], dict[str, Tensor]]
T = TypeVar("T")


@dataclass(frozen=True)
class Recipe:
    """A module to train, its losses and its batches.

    Attributes:
        module: its parameters that require gradients are trained (all of one dtype), its state is
            what users load.
        losses: (batch, step) → named scalars; the sum of those whose names do not start with "_" is
            minimised, the others are only logged. Each is a mean over the batch.
        make_batch: (step, rank, world) → the tensors of this process's part of the batch; a pure
            function, called from several threads (`gesso.training.batches`).
        header: header of weights.safetensors: kind, method, config.
        settings: what else defines the run (data, crop, method options; JSON values); a resumed run
            must have the same.
        sample: batch of one step → a picture (3, H, W) in [0, 1] that shows how far it is.
        constants: tensors that are saved with the weights, besides the module's own.
    """

    module: nn.Module
    losses: LossFn
    make_batch: MakeBatch
    header: Mapping[str, Any] = field(default_factory=lambda: {"kind": "weights"})
    settings: Mapping[str, Any] = field(default_factory=dict)
    sample: Callable[[dict[str, Tensor]], Tensor] | None = None
    constants: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Ingredients:
    """Pictures, an encoder and first weights, from which a recipe is made.

    Attributes:
        contents, styles: folders or shards of photos and of paintings.
        source: the encoder: its name, its file, or itself.
        device: where everything is computed.
        start: a file of weights to go on from; None: random ones.
        resumed: whether a checkpoint replaces all weights, so that nothing has to be measured.
    """

    contents: ImageSource
    styles: ImageSource
    source: str | Path | Encoder
    device: torch.device
    start: Path | None = None
    resumed: bool = False

    def encoder(self, deepest: str = "relu4_3") -> Encoder:
        """The encoder on the device, with the levels up to `deepest`."""
        found = self.source
        loaded = found if isinstance(found, Encoder) else load_encoder(found, deepest)
        return loaded.to(self.device)

    def fast(self) -> AbstractContextManager[None]:
        """Convolutions inside run in the dtype that is fast on the device."""
        return compute_in(fast_dtype(self.device))


def weighted(objective: T, training: Any) -> T:
    """`objective` with the content level and the weights that `training` names."""
    names = [f.name for f in fields(objective)]  # type: ignore[arg-type]
    chosen = {n: getattr(training, n, None) for n in names if n.endswith(("_weight", "_level"))}
    given = {name: value for name, value in chosen.items() if value is not None}
    return replace(objective, **given)  # type: ignore[type-var]


def grid(rows: Tensor) -> Tensor:
    """Pictures (R, N, 3, h, w) in R rows of N, as one picture (3, R·h, N·w) in [0, 1]."""
    count, _, _, height, _ = rows.shape
    return rows.permute(2, 0, 3, 1, 4).reshape(3, count * height, -1).clamp(0, 1).cpu()
