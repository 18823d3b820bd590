"""Paint a photo anew with a style's features, coarse to fine (Kolkin et al. 2022, "Neural Neighbor
Style Transfer").

At every scale each feature vector of a query, a mixture of the photo and of what the coarser scale
made, is replaced by its nearest one in the style, once; the picture then descends until its own
vectors point the same way. A last pass matches every level by itself, and anew at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.fitting.pyramid import bands, descend, resized, summed
from gesso.losses.matching import cosine_distance, nearest
from gesso.nn.precision import fast_dtype

CELL_PX = 4  # side of what one hypercolumn stands for (the paper's)
COARSEST_PX = 64  # longer side of the coarsest scale (the paper's)
SMALLEST_PX = 16
BLURRED_BANDS = 2  # of the photo, which the coarsest scale begins without
PLACES = 1024  # of a level, matched in a step of the last pass
SHIFT_PX = 8  # the picture is moved by less than this in a step, so that no pooling grid shows

OnPaint = Callable[[int, int, float], None]
"""Is given the steps done, the steps in all and the loss."""


@dataclass(frozen=True)
class Vectors:
    """Vectors (N, C) of a style, and the mean (C,) of all that it has."""

    rows: Tensor
    mean: Tensor


@dataclass(frozen=True)
class StyleVectors:
    """What is matched of a style: hypercolumns by scale (the longer side in px at which the style
    was seen, coarse to fine), and the encoder's own vectors by level, at the finest scale."""

    scales: Mapping[int, Vectors]
    levels: Mapping[str, Vectors]


@dataclass(frozen=True)
class Painting:
    """How to paint.

    Attributes:
        alpha: the photo's share in the query, from 0 to 1: how much of its drawing stays.
        steps, fine_steps, final_steps: of Adam at every scale but the finest, at that one, and in
            the last pass.
        lr: Adam's rate on the picture's bands.
        paint_size: the longer side in px up to which a picture is painted; None: no limit.
        seed: of the places and shifts of the last pass.
    """

    alpha: float = 0.6
    steps: int = 70
    fine_steps: int = 6
    final_steps: int = 10
    lr: float = 4e-3
    paint_size: int | None = None
    seed: int = 0


def scales(longest: int) -> list[int]:
    """The longer sides in px at which a picture of `longest` px is painted: 64, 128, …, its own."""
    found = [max(longest, SMALLEST_PX)]
    while found[0] > 1.5 * COARSEST_PX:
        found.insert(0, -(-found[0] // 2))
    return found


def hypercolumns(features: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    """(height·width, ΣC): all levels at every cell, each divided by √C so that they weigh alike."""
    parts = [
        F.interpolate(f.float(), (height, width), mode="bilinear") / math.sqrt(f.shape[1])
        for f in features.values()
    ]
    return torch.cat(parts, 1)[0].flatten(1).T


def cells(image: Tensor) -> tuple[int, int]:
    """Rows and columns of a picture's hypercolumns."""
    height, width = (max(2, n // CELL_PX) for n in image.shape[-2:])
    return height, width


def paint(
    photo: Tensor,
    style: StyleVectors,
    encoder: Encoder,
    how: Painting,
    levels: Sequence[str] = LEVELS,
    on_step: OnPaint | None = None,
) -> Tensor:
    """The photo (1, 3, H, W) in [0, 1], painted: a picture of the same shape."""
    sizes = scales(max(photo.shape[-2:]))
    counts = [how.steps] * (len(sizes) - 1) + [how.fine_steps]
    total = sum(counts) + how.final_steps
    picture: Tensor | None = None
    random = torch.Generator().manual_seed(how.seed)
    done = 0

    def heard(before: int, step: int, value: float) -> None:
        if on_step is not None:
            on_step(before + step, total, value)

    for size, count in zip(sizes, counts, strict=True):
        content = _at(photo, size)
        query, picture = _begin(content, picture, how.alpha)
        goal = _matched(query, _seen_at(style, size), encoder, random, levels)
        picture = descend(picture, goal, count, how.lr, partial(heard, done))
        done += count
    assert picture is not None  # there is always a scale
    goal = _Apart(style, encoder, how.seed, levels)
    picture = descend(picture, goal, how.final_steps, how.lr, partial(heard, done))
    return resized(picture, *photo.shape[-2:]).clamp(0, 1)


def _seen_at(style: StyleVectors, size: int) -> Vectors:
    """The style's vectors that a scale is matched with: strokes keep their size in px, and a
    picture larger than the style was seen takes its finest ones."""
    known = list(style.scales)
    return style.scales[min(known, key=lambda seen: abs(math.log(seen / size)))]


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


def _matched(
    query: Tensor, style: Vectors, encoder: Encoder, random: torch.Generator, levels: Sequence[str]
) -> Callable[[Tensor], Tensor]:
    """A scale's loss: the distance to the style's vectors that the query's are nearest to. The
    picture is moved by no or one cell in each step, so that no pooling grid shows."""
    height, width = cells(query)
    with torch.no_grad():
        columns = hypercolumns(encoder(query, levels), height, width)
        found = nearest(columns, style.rows, style.mean, fast_dtype(columns.device))
        target = style.rows[found]

    def loss(image: Tensor) -> Tensor:
        down, right = (int(n) for n in torch.randint(0, 2, (2,), generator=random))
        moved = F.pad(image, (right * CELL_PX, 0, down * CELL_PX, 0), mode="reflect")
        columns = hypercolumns(encoder(moved, levels), height + down, width + right)
        columns = columns.view(height + down, width + right, -1)[down:, right:]
        return cosine_distance(columns.flatten(0, 1), target)

    return loss


class _Apart:
    """The last pass's loss: every level by itself, at its own resolution, at random places, which
    are matched anew at every step."""

    def __init__(
        self, style: StyleVectors, encoder: Encoder, seed: int, levels: Sequence[str]
    ) -> None:
        self.style, self.encoder, self.levels = style, encoder, levels
        self.random = torch.Generator().manual_seed(seed)

    def __call__(self, image: Tensor) -> Tensor:
        terms = []
        for level, features in self.encoder(self._shifted(image), self.levels).items():
            rows = features.float()[0].flatten(1).T
            some = torch.randint(len(rows), (min(PLACES, len(rows)),), generator=self.random)
            rows, style = rows[some.to(rows.device)], self.style.levels[level]
            found = nearest(rows.detach(), style.rows, style.mean, fast_dtype(rows.device))
            terms.append(cosine_distance(rows - style.mean, style.rows[found] - style.mean))
        return torch.stack(terms).sum()

    def _shifted(self, image: Tensor) -> Tensor:
        """The picture moved by some px, with its border reflected."""
        most = min(SHIFT_PX, *image.shape[-2:])
        down, right = (int(n) for n in torch.randint(0, most, (2,), generator=self.random))
        return F.pad(image, (right, 0, down, 0), mode="reflect")
