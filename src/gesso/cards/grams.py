"""The Gram matrices of a style that its card may keep, for a descent on the pixels later."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gesso.cards.numbers import Grams

StyleGrams = Grams[Tensor]


def blend_grams(parts: Sequence[StyleGrams | None], shares: Sequence[float]) -> StyleGrams | None:
    """Σ share·grams: the statistics of a mixture, in which each style has that share of the area;
    None where a part has none, or those of another encoder."""
    known = [part for part in parts if part is not None]
    kinds = {(part.encoder, *((k, m.shape) for k, m in part.matrices.items())) for part in known}
    if len(known) < len(parts) or len(kinds) != 1:
        return None
    pairs = list(zip(known, shares, strict=True))
    blended = {
        level: torch.stack([part.matrices[level] * share for part, share in pairs]).sum(0)
        for level in known[0].matrices
    }
    return StyleGrams(known[0].encoder, blended)
