"""An encoder whose levels are projections of another's: fewer numbers a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gesso.encoders.base import Encoder


class Projected(Encoder):
    """`encoder` with each level (C channels) projected by a basis (C, k)."""

    def __init__(self, encoder: Encoder, bases: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.name, self.identity = encoder.name, encoder.identity
        self.levels = tuple(level for level in encoder.levels if level in bases)
        self.bases = dict(bases)
        self._whole = (encoder,)  # in a tuple: its weights stay its own

    def forward(self, image: Tensor, levels: Sequence[str] | None = None) -> dict[str, Tensor]:
        wanted, _ = self.wanted(levels)
        found = self._whole[0](image, [level for level in self.levels if level in wanted])
        return {
            level: torch.einsum("bchw,ck->bkhw", features.float(), self.bases[level])
            for level, features in found.items()
        }

    def layers(self, level: str) -> tuple[tuple[int, ...], ...]:
        return self._whole[0].layers(level)

    def grid(self, level: str, height: int, width: int) -> tuple[int, int]:
        return self._whole[0].grid(level, height, width)


@torch.no_grad()
def principal_directions(
    encoder: Encoder, images: Sequence[Tensor], widths: Mapping[str, int]
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """By level, the leading principal directions (C, k) of the uncentred second moment over these
    images (1, 3, h, w), which weigh alike, with k from `widths`; and what to scale the level by, so
    that its mean square over a place's k numbers is 1, and levels of any magnitude weigh alike."""
    moments: dict[str, Tensor] = {}
    for image in images:
        for level, features in encoder(image, list(widths)).items():
            rows = features.float()[0].flatten(1).T
            moment = rows.T @ rows / (len(rows) * len(images))
            moments[level] = moments[level] + moment if level in moments else moment
    directions, scales = {}, {}
    for level, moment in moments.items():
        values, vectors = torch.linalg.eigh(moment.cpu().double())
        k = min(widths[level], len(values))
        directions[level] = vectors[:, -k:].flip(1).float().contiguous()
        scales[level] = (k / max(float(values.sum()), 1e-12)) ** 0.5
    return directions, scales
