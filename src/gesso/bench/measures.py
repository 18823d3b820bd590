"""How good a stylized picture is, as an encoder sees it. benchmarks/README.md has the definitions.

Everything is measured in float32 on whole pictures, whatever encoder a picture was made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.bench.ssim import ssim
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.losses.objectives import Objective
from gesso.losses.terms import grams, relative_squared_error

DISTORTION_LEVEL = "relu4_1"
OBJECTIVE = Objective()  # the scale-free one: content + style, no total variation


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
    scaled = F.interpolate(image.unsqueeze(0), target, mode="bicubic", antialias=True)[0].clamp(
        0, 1
    )
    top, left = (target[0] - height) // 2, (target[1] - width) // 2
    return scaled[:, top : top + height, left : left + width]


@dataclass(frozen=True)
class Judgement:
    """What the judge says of one picture; gap and distortion are shares, 1 is 100 %."""

    gap: float  # remaining style gap: 0 the style's statistics, 1 the untouched photo's
    distortion: float  # content distortion: 0 the photo, 1 an unrelated photo
    objective: float  # scale-free: content + style
    content: float
    style: float


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
        others = (
            judge(covering(other, *photo.shape[-2:]).unsqueeze(0), [self.level])[self.level]
            for other in unrelated
        )
        self.unrelated_distance = _mean([self.moved(other) for other in others])

    def moved(self, features: Tensor) -> float:
        """Squared distance from the photo's features at the level of the distortion."""
        return float((features - self.content[self.level]).square().sum())


@torch.inference_mode()
def seen_style(judge: Encoder, style: Tensor) -> dict[str, Tensor]:
    """Gram matrices of a style (3, h, w) by level."""
    return grams(judge(style.unsqueeze(0), LEVELS))


class Yardstick:
    """One photo and one style, ready to judge what was made of them.

    photo (3, H, W), style (3, h, w) and some unrelated photos of any size (3, ·, ·); all RGB in
    [0, 1]. `of` takes what the judge has seen already.
    """

    def __init__(
        self, judge: Encoder, photo: Tensor, style: Tensor, unrelated: Sequence[Tensor]
    ) -> None:
        self._set(judge, SeenPhoto(judge, photo, unrelated), seen_style(judge, style))

    @classmethod
    def of(cls, judge: Encoder, photo: SeenPhoto, style: dict[str, Tensor]) -> Yardstick:
        """A yardstick of a photo and a style that the judge has seen."""
        yardstick = cls.__new__(cls)
        yardstick._set(judge, photo, style)
        return yardstick

    def _set(self, judge: Encoder, photo: SeenPhoto, style: dict[str, Tensor]) -> None:
        self.judging, self.photo, self.style = judge, photo, style
        self.photo_distance = _gram_distances(photo.grams, style)

    @torch.inference_mode()
    def judge(self, image: Tensor) -> Judgement:
        """image (3, H, W). One of another size than the photo's has its style judged as it is and
        its content after cutting it to the photo's size."""
        features = self._features(image)
        cut = covering(image, *self.photo.photo.shape[-2:])
        content = features if cut is image else self._features(cut)
        reached = grams(features)
        distances = _gram_distances(reached, self.style)
        gap = _mean([distances[k] / max(self.photo_distance[k], 1e-12) for k in LEVELS])
        level = OBJECTIVE.content_level
        content_term = float(relative_squared_error(content[level], self.photo.content[level]))
        style_term = sum(float(relative_squared_error(reached[k], self.style[k])) for k in LEVELS)
        moved = self.photo.moved(content[self.photo.level])
        return Judgement(
            gap=gap,
            distortion=moved / self.photo.unrelated_distance,
            objective=content_term + style_term,
            content=content_term,
            style=style_term,
        )

    def similarity(self, image: Tensor) -> float:
        """SSIM of the picture, cut to the photo's size, and the photo."""
        return ssim(covering(image, *self.photo.photo.shape[-2:]), self.photo.photo)

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        features: dict[str, Tensor] = self.judging(image.unsqueeze(0), [*LEVELS, self.photo.level])
        return features


def _gram_distances(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> dict[str, float]:
    """Frobenius norm of the difference, by level."""
    return {level: float((a[level] - b[level]).norm()) for level in LEVELS}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
