"""The picture whose features are given ones (Mahendran & Vedaldi 2015), by a descent on pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.pyramid import descend
from gesso.losses.terms import beyond_range, relative_squared_error, total_variation
from gesso.nn.precision import compute_in, fast_dtype

BORDER_CELLS = 3  # of reflection, which keep the encoder's zero padding out of sight
RANGE_WEIGHT = 1.0


@dataclass(frozen=True)
class Inversion:
    """How to descend: steps of Adam on the picture's bands, its rate, and the weight of the total
    variation beside the features' relative error."""

    steps: int = 100
    lr: float = 0.02
    tv_weight: float = 2.0


def inverted(
    start: Tensor,
    target: Tensor,
    encoder: Encoder,
    level: str,
    how: Inversion,
    on_step: Callable[[int, float], None] | None = None,
) -> Tensor:
    """A picture whose features at `level` come near to the target's.

    Args:
        start: (1, 3, h·s, w·s) in [0, 1], what to begin with; s px are one place of the level.
        target: (1, C, h, w).
        on_step: is given the steps done and the loss before the last of them.

    Returns:
        A picture of the shape of `start`, in [0, 1].
    """
    px = start.shape[-1] // target.shape[-1]
    cells = min(BORDER_CELLS, (min(start.shape[-2:]) - 1) // px)

    def loss(image: Tensor) -> Tensor:
        around = F.pad(image, (cells * px,) * 4, mode="reflect")
        found = encoder(around, [level])[level]
        height, width = (n - cells for n in found.shape[-2:])
        error = relative_squared_error(found[..., cells:height, cells:width], target)
        beyond = RANGE_WEIGHT * beyond_range(image)
        return (error + how.tv_weight * total_variation(image) + beyond).sum()

    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        compute_in(fast_dtype(start.device)),
    ):
        target = target.detach().clone()
        return descend(start.clone(), loss, how.steps, how.lr, on_step).clamp(0, 1)
