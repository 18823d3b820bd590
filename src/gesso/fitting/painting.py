"""Paint a photo anew with a style's features, coarse to fine (Kolkin et al. 2022, "Neural Neighbor
Style Transfer").

At every scale each feature vector of a query, a mixture of the photo and of what the coarser scale
made, is replaced by its nearest one in the style, once; the picture then descends until its own
vectors point the same way. A last pass matches every level by itself and anew at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.fitting.pyramid import bands, descend, resized, summed
from gesso.losses.matching import cosine_distance, nearest

CELL_PX = 4  # side of the picture that one hypercolumn stands for (the paper's, section 3.1)
SMALLEST_PX = 16
BLURRED_BANDS = 2  # of the photo, which the coarsest scale begins without

OnPaint = Callable[[int, int, float], None]


@dataclass(frozen=True)
class StyleVectors:
    """What is matched of a style.

    Attributes:
        scales: hypercolumns (N, C) by the longer side in px at which the style was seen.
        levels: the encoder's own vectors (M, C) by level, at the finest scale.
        means: the mean (C,) of all vectors of the level, of which `levels` may hold a part.
    """

    scales: dict[int, Tensor]
    levels: dict[str, Tensor]
    means: dict[str, Tensor]


@dataclass(frozen=True)
class Painting:
    """How to paint.

    Attributes:
        alpha: the photo's share in the query, from 0 to 1: what is left of its drawing.
        scales: longer sides in px, coarse to fine, as shares of the picture's own where that is
            smaller than the last.
        steps: of Adam at each scale.
        final: steps of the last pass.
        lr: Adam's rate on the bands.
    """

    alpha: float = 0.75
    scales: tuple[int, ...] = (64, 128, 256, 512)
    steps: tuple[int, ...] = (60, 60, 60, 40)
    final: int = 25
    lr: float = 4e-3
    samples: int = 1024
    seed: int = 0


def hypercolumns(features: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    """(height·width, ΣC): all levels at every cell, each divided by √C so that they weigh alike."""
    parts = [
        F.interpolate(f.float(), (height, width), mode="bilinear") / math.sqrt(f.shape[1])
        for f in features.values()
    ]
    return torch.cat(parts, 1)[0].flatten(1).T


def cells(image: Tensor) -> tuple[int, int]:
    """Rows and columns of hypercolumns of a picture."""
    return tuple(max(4, n // CELL_PX) for n in image.shape[-2:])  # type: ignore[return-value]


@torch.no_grad()
def style_vectors(
    encoder: Encoder, pictures: Mapping[int, Tensor], levels: Sequence[str] = LEVELS
) -> StyleVectors:
    """All vectors of a style, given as pictures (1, 3, h, w) by their longer side."""
    scales = {}
    for size, picture in pictures.items():
        features = encoder(picture, levels)
        scales[size] = hypercolumns(features, *cells(picture))
    rows = {level: f.float()[0].flatten(1).T for level, f in features.items()}
    return StyleVectors(scales, rows, {level: v.mean(0) for level, v in rows.items()})


def paint(
    photo: Tensor,
    style: StyleVectors,
    encoder: Encoder,
    how: Painting,
    levels: Sequence[str] = LEVELS,
    on_step: OnPaint | None = None,
) -> Tensor:
    """The photo (1, 3, H, W), painted: (1, 3, H, W) in [0, 1]."""
    picture: Tensor | None = None
    total, before = sum(how.steps) + how.final, 0
    scales = list(style.scales)

    def heard(step: int, value: float) -> None:
        if on_step is not None:
            on_step(before + step, total, value)

    for size, steps in zip(scales, how.steps, strict=True):
        content = _at(photo, size)
        query, picture = _begin(content, picture, how.alpha)
        vectors = style.scales[size]
        grid = cells(content)
        with torch.no_grad():
            found = nearest(hypercolumns(encoder(query, levels), *grid), vectors, torch.bfloat16)
        target = vectors[found]

        def matched(image: Tensor, step: int, grid=grid, target=target) -> Tensor:  # type: ignore[no-untyped-def]
            return cosine_distance(hypercolumns(encoder(image, levels), *grid), target)

        picture = descend(picture, matched, steps, how.lr, on_step=heard)
        before += steps
    assert picture is not None
    return descend(
        picture, _Apart(style, encoder, how, levels), how.final, how.lr, on_step=heard
    ).clamp(0, 1)


def _at(photo: Tensor, size: int) -> Tensor:
    share = size / max(photo.shape[-2:])
    height, width = (max(SMALLEST_PX, round(n * share)) for n in photo.shape[-2:])
    return resized(photo, height, width)


@torch.no_grad()
def _begin(content: Tensor, coarser: Tensor | None, alpha: float) -> tuple[Tensor, Tensor]:
    """The query of a scale, and the picture to begin with."""
    if coarser is None:
        parts = bands(content, BLURRED_BANDS)
        return content, summed([*(torch.zeros_like(band) for band in parts[:-1]), parts[-1]])
    begun = resized(coarser, *content.shape[-2:])
    query = torch.lerp(begun + bands(content, 1)[0], content, alpha)
    return query.clamp(0, 1), begun


class _Apart:
    """The last pass: every level by itself at its own resolution, matched anew at every step at
    random places."""

    def __init__(
        self, style: StyleVectors, encoder: Encoder, how: Painting, levels: Sequence[str]
    ) -> None:
        self.style, self.encoder, self.how, self.levels = style, encoder, how, levels
        self.random = torch.Generator().manual_seed(how.seed)

    def __call__(self, image: Tensor, step: int) -> Tensor:
        image, self.shift = _shifted(image, self.random)
        terms = []
        for level, features in self.encoder(image, self.levels).items():
            rows = features.float()[0].flatten(1).T
            rows = rows[self._some(len(rows), self.how.samples)]
            style, mean = self.style.levels[level], self.style.means[level]
            style = style[self._some(len(style), 8 * self.how.samples)]
            found = nearest(rows.detach(), style, torch.bfloat16)
            terms.append(cosine_distance(rows - mean, style[found] - mean))
        return torch.stack(terms).sum()

    def _some(self, count: int, most: int) -> Tensor:
        return torch.randint(count, (min(most, count),), generator=self.random)


def _shifted(image: Tensor, random: torch.Generator) -> tuple[Tensor, tuple[int, int]]:
    """The picture moved by up to 8 px, its border reflected, so that the encoder's pooling grid
    leaves no pattern."""
    down, right = (int(n) for n in torch.randint(0, 8, (2,), generator=random))
    return F.pad(image, (right, 0, down, 0), mode="reflect"), (down, right)
