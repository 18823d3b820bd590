"""The Gram matrices of a style that its card may keep, for a descent on the pixels later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class StyleGrams:
    """Gram matrices (C, C), float32, by level, of a style seen by an encoder (its identity)."""

    encoder: str
    matrices: dict[str, Tensor]


def blend_grams(parts: Sequence[StyleGrams | None], shares: Sequence[float]) -> StyleGrams | None:
    """Σ share·grams: the statistics of a mixture, in which each style has that share of the area;
    None where a part has none, or those of another encoder."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    first = known[0]
    shapes = {level: matrix.shape for level, matrix in first.matrices.items()}
    for part in known:
        same = {level: matrix.shape for level, matrix in part.matrices.items()} == shapes
        if part.encoder != first.encoder or not same:
            return None
    pairs = list(zip(known, shares, strict=True))
    blended = {
        level: torch.stack([part.matrices[level] * share for part, share in pairs]).sum(0)
        for level in shapes
    }
    return StyleGrams(first.encoder, blended)
