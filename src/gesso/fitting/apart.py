"""The last pass of `gesso.fitting.painting`: every level matched by itself."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.fitting.terms import Terms, Weights
from gesso.fitting.vectors import StyleVectors, some_of
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.matching import cosine_distance, nearest
from gesso.nn.precision import fast_dtype

PLACES = 1024  # of a level, matched in a step
SHIFT_PX = 8  # the picture is moved by less than this in a step, so that no pooling grid shows


class Apart:
    """The loss: every level at its own resolution, at random places, which are matched anew at
    every step. Of the terms only those of the style act, each beside every level."""

    def __init__(
        self,
        style: StyleVectors,
        encoder: Encoder,
        weights: Weights,
        seed: int,
    ) -> None:
        self.style, self.encoder, self.levels = style, encoder, list(style.levels)
        self.random = torch.Generator().manual_seed(seed)
        finest = list(style.scales.values())[-1]
        self.terms = Terms(weights, finest, style.colors, self.random)

    def __call__(self, image: Tensor) -> Tensor:
        moved, parts = self._shifted(image), []
        found = self.encoder(moved, self.levels)
        for level, features in found.items():
            rows = features.float()[0].flatten(1).T
            rows = rows[some_of(len(rows), PLACES, self.random).to(rows.device)]
            style = self.style.levels[level]
            near = nearest(rows.detach(), style.rows, style.mean, fast_dtype(rows.device))
            parts.append(cosine_distance(rows - style.mean, style.rows[near] - style.mean))
        columns = hypercolumns(found, *cells(moved))[0] if self.terms.see_vectors else None
        return torch.stack(parts).sum() + len(parts) * self.terms(moved, columns)

    def _shifted(self, image: Tensor) -> Tensor:
        """The picture moved by some px, with its border reflected."""
        most = min(SHIFT_PX, *image.shape[-2:])
        down, right = (int(n) for n in torch.randint(0, most, (2,), generator=self.random))
        return F.pad(image, (right, 0, down, 0), mode="reflect")
