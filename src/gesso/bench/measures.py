"""How good a stylized picture is, as an encoder sees it. benchmarks/README.md has the definitions.

Everything is measured in float32 on whole pictures, whatever encoder a picture was made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.bench.likeness import ASKED, Columns, columns, structure_moved, style_match
from gesso.bench.patches import Slices, sliced_distances, slices
from gesso.bench.ssim import ssim
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.graphs.drawing import SMALLEST_PX
from gesso.losses.objectives import Objective
from gesso.losses.terms import grams, relative_squared_error

Features = dict[str, Tensor]
DISTORTION_LEVEL = "relu4_1"
OBJECTIVE = Objective()  # the scale-free one: content + style, no total variation
VERSION = 2  # of these measures; what was judged by an earlier one is judged anew


def distortion_level(judge: Encoder) -> str:
    """Where content distortion is measured: relu4_1 of VGG, and the deepest level, relu4_3, of the
    compact encoder, which has no relu4_1."""
    return DISTORTION_LEVEL if DISTORTION_LEVEL in judge.levels else judge.levels[-1]


def covering(image: Tensor, height: int, width: int) -> Tensor:
    """(3, h, w) scaled until it covers height × width, its centre cut out; aspect ratio kept."""
    h, w = image.shape[-2:]
    if (h, w) == (height, width):
        return image
    scale = max(height / h, width / w)
    target = (max(height, round(h * scale)), max(width, round(w * scale)))
    top, left = (target[0] - height) // 2, (target[1] - width) // 2
    return _scaled(image, *target)[:, top : top + height, left : left + width]


def sized(image: Tensor, longest: int) -> Tensor:
    """(3, h, w) with a longer side of `longest` px, the shorter one at least 16 px."""
    h, w = image.shape[-2:]
    scale = longest / max(h, w)
    height, width = (max(SMALLEST_PX, round(n * scale)) for n in (h, w))
    return image if scale == 1 else _scaled(image, height, width)


def _scaled(image: Tensor, height: int, width: int) -> Tensor:
    whole = image.unsqueeze(0)
    return F.interpolate(whole, (height, width), mode="bicubic", antialias=True)[0].clamp(0, 1)


@dataclass(frozen=True)
class Judgement:
    """What the judge says of one picture. Gap and distortion are shares, 1 is 100 %. Of all lower
    is better, for the style or for the photo."""

    gap: float  # remaining style gap: 0 the style's statistics, 1 the untouched photo's
    distortion: float  # content distortion: 0 the photo, 1 an unrelated photo
    objective: float  # scale-free: content + style
    content: float
    style: float
    match: float  # style match, the larger of its two halves
    match_of_picture: float  # from the picture's places to the nearest of the style's
    match_of_style: float  # from the style's places to the nearest of the picture's
    patches: float  # sliced Wasserstein distance from the style, the mean over levels
    patches_by_level: list[float]  # the finest first
    structure: float  # self-similarity distance from the photo


class SeenPhoto:
    """A photo (3, H, W) as the judge sees it, and how far unrelated photos are from it.

    unrelated: photos of any size, cut to this one's; all RGB in [0, 1].
    """

    @torch.inference_mode()
    def __init__(self, judge: Encoder, photo: Tensor, unrelated: Sequence[Tensor]) -> None:
        self.photo = photo
        self.level = distortion_level(judge)
        features = judge(photo.unsqueeze(0), [*LEVELS, self.level])
        self.content = {k: features[k] for k in (self.level, OBJECTIVE.content_level)}
        self.grams = grams(features)
        self.columns = columns(features, photo.shape[-2:], ASKED)
        others = (
            judge(covering(other, *photo.shape[-2:]).unsqueeze(0), [self.level])[self.level]
            for other in unrelated
        )
        self.unrelated_distance = _mean([self.moved(other) for other in others])

    def moved(self, features: Tensor) -> float:
        """Squared distance from the photo's features at the level of the distortion."""
        return float((features - self.content[self.level]).square().sum())


class SeenStyle:
    """A style (3, h, w) in [0, 1] as the judge sees it: its Gram matrices, and what pictures of a
    size are compared with."""

    @torch.inference_mode()
    def __init__(self, judge: Encoder, style: Tensor) -> None:
        self.judge, self.style = judge, style
        self.grams = grams(judge(style.unsqueeze(0), LEVELS))
        self._at: dict[int, tuple[Columns, Slices]] = {}

    @torch.inference_mode()
    def at(self, longest: int) -> tuple[Columns, Slices]:
        """The style's vectors and patches at a longer side of `longest` px, seen once a size."""
        if longest not in self._at:
            style = sized(self.style, longest)
            features = self.judge(style.unsqueeze(0), LEVELS)
            self._at[longest] = columns(features, style.shape[-2:]), slices(style)
        return self._at[longest]


class Yardstick:
    """One photo and one style, ready to judge what was made of them.

    photo (3, H, W), style (3, h, w) and some unrelated photos of any size (3, ·, ·); all RGB in
    [0, 1]. `of` takes what the judge has seen already.
    """

    def __init__(
        self, judge: Encoder, photo: Tensor, style: Tensor, unrelated: Sequence[Tensor]
    ) -> None:
        self._set(judge, SeenPhoto(judge, photo, unrelated), SeenStyle(judge, style))

    @classmethod
    def of(cls, judge: Encoder, photo: SeenPhoto, style: SeenStyle) -> Yardstick:
        """A yardstick of a photo and a style that the judge has seen."""
        yardstick = cls.__new__(cls)
        yardstick._set(judge, photo, style)
        return yardstick

    def _set(self, judge: Encoder, photo: SeenPhoto, style: SeenStyle) -> None:
        self.judging, self.photo, self.style = judge, photo, style
        self.photo_distance = _gram_distances(photo.grams, style.grams)

    @torch.inference_mode()
    def judge(self, image: Tensor) -> Judgement:
        """image (3, H, W). One of another size than the photo's has its Gram matrices judged as it
        is, its likeness to the style at the photo's longer side, and its content after cutting it
        to the photo's size."""
        shape = self.photo.photo.shape[-2:]
        cut, scaled = covering(image, *shape), sized(image, max(shape))
        features = self._features(image)
        content = features if cut is image else self._features(cut)
        seen = features if scaled is image else self._features(scaled)
        kept = structure_moved(columns(content, shape, ASKED), self.photo.columns)
        return Judgement(
            **self._statistics(features, content), **self._likeness(scaled, seen), structure=kept
        )

    def _statistics(self, features: Features, content: Features) -> dict[str, Any]:
        """What Gram matrices and the photo's own features say."""
        reached, style = grams(features), self.style.grams
        distances = _gram_distances(reached, style)
        level = OBJECTIVE.content_level
        content_term = float(relative_squared_error(content[level], self.photo.content[level]))
        style_term = sum(float(relative_squared_error(reached[k], style[k])) for k in LEVELS)
        moved = self.photo.moved(content[self.photo.level])
        return {
            "gap": _mean([distances[k] / max(self.photo_distance[k], 1e-12) for k in LEVELS]),
            "distortion": moved / self.photo.unrelated_distance,
            "objective": content_term + style_term,
            "content": content_term,
            "style": style_term,
        }

    def _likeness(self, image: Tensor, features: Features) -> dict[str, Any]:
        """What vectors and patches say, at the size of `image`."""
        vectors, patches = self.style.at(max(image.shape[-2:]))
        found = columns(features, image.shape[-2:])
        of_picture, of_style = style_match(found, vectors)
        by_level = sliced_distances(slices(image), patches)
        return {
            "match": max(of_picture, of_style),
            "match_of_picture": of_picture,
            "match_of_style": of_style,
            "patches": _mean(by_level),
            "patches_by_level": by_level,
        }

    def similarity(self, image: Tensor) -> float:
        """SSIM of the picture, cut to the photo's size, and the photo."""
        return ssim(covering(image, *self.photo.photo.shape[-2:]), self.photo.photo)

    def _features(self, image: Tensor) -> Features:
        features: Features = self.judging(image.unsqueeze(0), [*LEVELS, self.photo.level])
        return features


def _gram_distances(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> dict[str, float]:
    """Frobenius norm of the difference, by level."""
    return {level: float((a[level] - b[level]).norm()) for level in LEVELS}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
