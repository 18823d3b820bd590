"""How good a stylized picture is, as VGG-19 sees it. README.md gives the definitions.

Everything is measured in float32 on whole pictures, whatever encoder a picture was made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.encoders import Encoder, load_encoder
from gesso.errors import GessoError
from gesso.losses import LEVELS, Objective, grams, relative_squared_error

DISTORTION_LEVEL = "relu4_1"
OBJECTIVE = Objective()  # the scale-free one: content + style, no total variation


def judge_encoder(source: str | Path | None) -> Encoder:
    """VGG-19 from a file, or the published one for "vgg19".

    Raises:
        GessoError: nothing given, a file that cannot be used, another network than VGG-19.
    """
    if source is None:
        raise GessoError(
            "--vgg: missing: results are judged by VGG-19; give a safetensors file with its "
            "weights, or vgg19 to download them"
        )
    encoder = load_encoder(source, "relu4_3")
    if encoder.name != "vgg19":
        raise GessoError(f"--vgg: {source} is {encoder.name}; results are judged by VGG-19")
    return encoder


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
    """What VGG-19 says of one picture; gap and distortion are shares, 1 is 100 %."""

    gap: float  # remaining style gap: 0 the style's statistics, 1 the untouched photo's
    distortion: float  # content distortion: 0 the photo, 1 an unrelated photo
    objective: float  # scale-free: content + style
    content: float
    style: float


class Yardstick:
    """One photo and one style, ready to judge what was made of them.

    photo (3, H, W), style (3, h, w) and some unrelated photos of any size (3, ·, ·), which are cut
    to the photo's; all RGB in [0, 1].
    """

    @torch.inference_mode()
    def __init__(
        self, vgg: Encoder, photo: Tensor, style: Tensor, unrelated: Sequence[Tensor]
    ) -> None:
        self.vgg = vgg
        self.size: tuple[int, int] = (photo.shape[-2], photo.shape[-1])
        features = self._features(photo)
        self.content = {k: features[k] for k in (DISTORTION_LEVEL, OBJECTIVE.content_level)}
        self.style = grams(vgg(style.unsqueeze(0), LEVELS))
        self.photo_distance = _gram_distances(grams(features), self.style)
        others = (
            vgg(covering(other, *self.size).unsqueeze(0), [DISTORTION_LEVEL])[DISTORTION_LEVEL]
            for other in unrelated
        )
        self.unrelated_distance = _mean([self._moved(other) for other in others])

    @torch.inference_mode()
    def judge(self, image: Tensor) -> Judgement:
        """image (3, H, W). One of another size than the photo's has its style judged as it is and
        its content after cutting it to the photo's size."""
        features = self._features(image)
        cut = covering(image, *self.size)
        content = features if cut is image else self._features(cut)
        reached = grams(features)
        distances = _gram_distances(reached, self.style)
        gap = _mean([distances[k] / self.photo_distance[k] for k in LEVELS])
        level = OBJECTIVE.content_level
        content_term = float(relative_squared_error(content[level], self.content[level]))
        style_term = sum(float(relative_squared_error(reached[k], self.style[k])) for k in LEVELS)
        return Judgement(
            gap=gap,
            distortion=self._moved(content[DISTORTION_LEVEL]) / self.unrelated_distance,
            objective=content_term + style_term,
            content=content_term,
            style=style_term,
        )

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        return self.vgg(image.unsqueeze(0), [*LEVELS, DISTORTION_LEVEL])

    def _moved(self, features: Tensor) -> float:
        """Squared distance from the photo's features at relu4_1."""
        return float((features - self.content[DISTORTION_LEVEL]).square().sum())


def _gram_distances(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> dict[str, float]:
    """Frobenius norm of the difference, by level."""
    return {level: float((a[level] - b[level]).norm()) for level in LEVELS}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
