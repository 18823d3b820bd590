"""A style's vectors and colours as named tensors, as cards keep them: made, and read with a check.

`level.L` (N, C) and `mean.level.L` (C,) are an encoder's own vectors of a level, `scale.S` and
`mean.scale.S` hypercolumns; `colors.…` are the fields of `StyleColors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.recolor import StyleColors
from gesso.fitting.vectors import Vectors
from gesso.graphs.drawing import PIXELS
from gesso.losses.matching import representatives
from gesso.nn.precision import compute_in, fast_dtype

# Vectors kept for polish, by level.
FOR_POLISH = {"relu1_2": 1024, "relu2_2": 512, "relu3_3": 160, "relu4_3": 96}

Tensors = Mapping[str, Tensor]
_COLORS = {"pixels": None, "mean": (3,), "products": (3, 3), "least": (3,), "most": (3,)}


@torch.no_grad()
def kept_rows(name: str, rows: Tensor, most: int, seed: int) -> dict[str, Tensor]:
    """Up to `most` representatives of vectors (N, C), and the mean of all."""
    kept = representatives(rows, most, seed)
    return {name: kept.cpu(), f"mean.{name}": rows.mean(0).cpu()}


@torch.no_grad()
def kept_levels(features: Tensors, counts: Mapping[str, int], seed: int) -> dict[str, Tensor]:
    """Of features (1, C, h, w) by level as many vectors as `counts` says."""
    found: dict[str, Tensor] = {}
    for level, count in counts.items():
        rows = features[level].float()[0].flatten(1).T
        found |= kept_rows(f"level.{level}", rows, count, seed)
    return found


def kept_colors(image: Tensor, seed: int) -> dict[str, Tensor]:
    """The colours of a style (3, h, w), or of its places (3, 1, n)."""
    colors = StyleColors.of(image, PIXELS, seed)
    return {f"colors.{name}": part.cpu() for name, part in vars(colors).items()}


def kept_for_polish(features: Tensors, pixels: Tensor) -> dict[str, Tensor]:
    """What polish needs of a style with features (1, C, h, w) by level and `pixels` (3, h, w)."""
    return kept_levels(features, FOR_POLISH, seed=0) | kept_colors(pixels, seed=0)


def read_rows(tensors: Tensors, name: str, channels: int, place: torch.device) -> Vectors:
    """The vectors kept under a name.

    Raises:
        GessoError: none, or of other channels.
    """
    rows, mean = tensors.get(name), tensors.get(f"mean.{name}")
    if rows is None or rows.dim() != 2 or not len(rows) or rows.shape[1] != channels:
        raise GessoError(f"a card without vectors {name} of {channels} channels")
    if mean is None or mean.shape != (channels,):
        raise GessoError(f"a card without the mean of {name}")
    return Vectors(rows.to(place), mean.to(place))


def read_colors(tensors: Tensors, place: torch.device) -> StyleColors | None:
    """The colours kept; None where none are. Raises GessoError for malformed ones."""
    found = {name: tensors.get(f"colors.{name}") for name in _COLORS}
    if all(value is None for value in found.values()):
        return None
    known: dict[str, Tensor] = {}
    for name, shape in _COLORS.items():
        value = found[name]
        fits = value is not None and (
            value.shape == shape
            if shape
            else value.dim() == 2 and len(value) and value.shape[1] == 3
        )
        if value is None or not fits:
            raise GessoError(f"a card with damaged colours: colors.{name}")
        known[name] = value.to(place)
    return StyleColors(**known)


@torch.no_grad()
def widths(encoder: Encoder, levels: Sequence[str], place: torch.device) -> dict[str, int]:
    """The channels of an encoder's levels."""
    with compute_in(fast_dtype(place)):
        blank = torch.zeros(1, 3, 32, 32, device=place)
        return {level: f.shape[1] for level, f in encoder(blank, levels).items()}
