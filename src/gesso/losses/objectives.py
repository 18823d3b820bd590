"""Perceptual losses as pure functions of feature maps. Every divisor is stated, since loss
weights only carry over between codebases that share divisors and input range."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.losses.evenness import unevenness
from gesso.nn.gram import gram
from gesso.nn.precision import widen

Features = Mapping[str, Tensor]
Encode = Callable[[Tensor, Sequence[str]], Features]

LEVELS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")  # Johnson et al. 2016, MetaStyle, Shen


def gram_matrix(features: Tensor) -> Tensor:
    """(B, C, H, W) → (B, C, C): F Fᵀ divided by C·H·W (Johnson et al. 2016), float32."""
    batch, channels, height, width = features.shape
    f = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    return gram(f) / (channels * height * width)


def grams(features: Features, levels: Sequence[str] = LEVELS) -> dict[str, Tensor]:
    """Gram matrix of each level."""
    return {level: gram_matrix(features[level]) for level in levels}


def channel_statistics(features: Tensor) -> Tensor:
    """(B, C, H, W) → (B, 2·C): every channel's mean, then every channel's standard deviation
    (divisor H·W), in float32. (Li et al. 2017, "Demystifying neural style transfer".)"""
    f = widen(features.permute(0, 2, 3, 1).reshape(features.shape[0], -1, features.shape[1]))
    mean = f.mean(1)
    variance = f.square().mean(1) - mean.square()
    return torch.cat([mean, (variance.clamp_min(0) + 1e-6).sqrt()], 1)


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, per image: (B, C, H, W) → (B,)."""
    down = (image[..., 1:, :] - image[..., :-1, :]).square().mean((1, 2, 3))
    right = (image[..., :, 1:] - image[..., :, :-1]).square().mean((1, 2, 3))
    return down + right


def saturation(raw: Tensor) -> Tensor:
    """How far values before the sigmoid leave [−4, 4] (0.018 to 0.982 after it), squared, per
    image: (B, C, H, W) → (B,). Beyond, the sigmoid passes on no gradient, and a blown-out patch
    would stay white whatever the style."""
    return (raw.abs() - 4).clamp_min(0).square().mean((1, 2, 3))


def mean_squared_error(a: Tensor, b: Tensor) -> Tensor:
    """Mean over all but the first axis: (B, …) → (B,), in float32."""
    return _sum_of_squares(widen(a) - widen(b)) / a[0].numel()


def relative_squared_error(a: Tensor, b: Tensor) -> Tensor:
    """‖a − b‖² / ‖b‖² over all but the first axis: (B, …) → (B,); free of units and scale."""
    error = _sum_of_squares(widen(a) - widen(b))
    return error / _sum_of_squares(widen(b)).clamp_min(1e-12)


def _sum_of_squares(x: Tensor) -> Tensor:
    """Not flattened first: of a channels_last map that would be a copy."""
    return x.square().sum(tuple(range(1, x.dim())))


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of weighted terms, each (B,)."""
    return torch.stack(list(terms.values())).sum(0)


def check_weights(terms: object) -> None:
    """Raises GessoError where a field NAME_weight of a dataclass is no finite number from 0."""
    for name, value in vars(terms).items():
        if name.endswith("_weight") and not (math.isfinite(value) and value >= 0):
            raise GessoError(f"{name} = {value!r}: must be a finite number from 0")


class NetworkObjective(Protocol):
    """What `gesso.fit.fit` minimises: see `Objective`."""

    @property
    def content_level(self) -> str:
        """Where contents are compared."""

    @property
    def style_levels(self) -> tuple[str, ...]:
        """The levels that `targets` needs; none without a style weight."""

    def targets(self, features: Features) -> dict[str, Tensor]:
        """What is compared of a style, by level."""

    def of_network(
        self,
        raw: Tensor,
        features_of: Encode,
        content: Tensor,
        style: Mapping[str, Tensor],
        photo: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,), of a network's raw output (B, 3, H, W) for a photo of that
        shape."""


@dataclass(frozen=True)
class Objective:
    """What a transfer network minimises: content + style (+ total variation), per image.

    `relative` (the default) needs no hand-set weights and means the same for every encoder and
    style: Σ over levels of ‖ΔGram‖²/‖Gram(style)‖², plus ‖ΔF‖²/‖F(content)‖² at the content level.
    Otherwise the paper's: mean squared errors with hand-set weights (MetaStyle: 1 and 1e5).
    """

    relative: bool = True
    content_level: str = "relu3_3"
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 0.0
    saturation_weight: float = 0.0
    evenness_weight: float = 0.0
    levels: tuple[str, ...] = LEVELS

    def __post_init__(self) -> None:
        check_weights(self)

    @property
    def style_levels(self) -> tuple[str, ...]:
        """The levels whose Gram matrices count; none without a style weight, which makes the
        objective that of a network which reproduces its content."""
        return self.levels if self.style_weight else ()

    def targets(self, features: Features) -> dict[str, Tensor]:
        """What `style` is below: the Gram matrices of a style's features."""
        return grams(features, self.style_levels) if self.style_levels else {}

    def __call__(
        self, image: Tensor, features: Features, content: Tensor, style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,). `features` are those of `image` (B, 3, H, W), `content` the
        content's feature map at `content_level`, `style` Gram matrices (1 or B, C, C) by level."""
        compare = relative_squared_error if self.relative else mean_squared_error
        content_term = compare(features[self.content_level], content)
        if not self.style_levels:
            return {
                "content": self.content_weight * content_term,
                "tv": self.tv_weight * total_variation(image),
            }
        style_terms = torch.stack(
            [
                compare(g, style[level].expand_as(g))
                for level, g in grams(features, self.style_levels).items()
            ]
        )
        return {
            "content": self.content_weight * content_term,
            "style": self.style_weight * style_terms.sum(0),
            "tv": self.tv_weight * total_variation(image),
        }

    def of_network(
        self,
        raw: Tensor,
        features_of: Encode,
        content: Tensor,
        style: Mapping[str, Tensor],
        photo: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The same for a transfer network's output `raw` before its sigmoid, with terms against
        saturation and, given the photo, against unevenness if they have a weight.
        `features_of(image, levels)` is the encoder."""
        image = self._picture(raw)
        features = features_of(image, sorted({*self.style_levels, self.content_level}))
        terms = self(image, features, content, style) | self._of_raw(raw)
        if self.evenness_weight and photo is not None:
            terms["evenness"] = self.evenness_weight * unevenness(image, photo)
        return terms

    def _picture(self, raw: Tensor) -> Tensor:
        return torch.sigmoid(raw)

    def _of_raw(self, raw: Tensor) -> dict[str, Tensor]:
        """Terms against outputs that make no good pixel."""
        weight = self.saturation_weight
        return {"saturation": weight * saturation(raw)} if weight else {}


@dataclass(frozen=True)
class UnboundedObjective(Objective):
    """The same for a network without a final sigmoid, such as Meta Networks': what leaves [0, 1]
    counts instead of saturation."""

    range_weight: float = 10.0  # against values outside [0, 1], which are cut off in the end

    def _picture(self, raw: Tensor) -> Tensor:
        return raw

    def _of_raw(self, raw: Tensor) -> dict[str, Tensor]:
        return {"range": self.range_weight * beyond_range(raw)}


def beyond_range(raw: Tensor) -> Tensor:
    """How far values leave [0, 1], squared, per image: (B, C, H, W) → (B,)."""
    return (raw - raw.clamp(0, 1)).square().mean((1, 2, 3))


PAPER = Objective(
    relative=False, content_level="relu2_2", content_weight=1.0, style_weight=1e5, tv_weight=0.0
)
"""MetaStyle's released weights; for VGG-16 features of torchvision's normalised input."""


@dataclass(frozen=True)
class StatisticsObjective:
    """Meta Networks' objective (Shen et al. 2018) for a network without a final sigmoid: style is
    mean and standard deviation of every channel.

    `relative` (the default): Σ over levels of ‖Δstatistics‖²/‖statistics(style)‖², plus
    ‖ΔF‖²/‖F(content)‖² at the content level. Otherwise the paper's: mean squared errors of
    statistics and features with hand-set weights (`PAPER_STATISTICS`).
    """

    relative: bool = True
    content_level: str = "relu3_3"
    content_weight: float = 1.0
    style_weight: float = 6.0
    tv_weight: float = 0.0
    range_weight: float = 10.0  # against values outside [0, 1], which are cut off in the end
    levels: tuple[str, ...] = LEVELS

    def __post_init__(self) -> None:
        check_weights(self)

    @property
    def style_levels(self) -> tuple[str, ...]:
        """The levels whose statistics count; none without a style weight."""
        return self.levels if self.style_weight else ()

    def targets(self, features: Features) -> dict[str, Tensor]:
        """Statistics (B, 2·C) of each style level."""
        return {level: channel_statistics(features[level]) for level in self.style_levels}

    def of_network(
        self,
        raw: Tensor,
        features_of: Encode,
        content: Tensor,
        style: Mapping[str, Tensor],
        photo: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,), of a network's output (B, 3, H, W) before it is clamped.
        `content` is the content's feature map at `content_level`, `style` as from `targets`
        (1 or B rows), `features_of(image, levels)` the encoder; the photo does not count."""
        features = features_of(raw, sorted({*self.style_levels, self.content_level}))
        compare = relative_squared_error if self.relative else mean_squared_error
        terms = {"content": self.content_weight * compare(features[self.content_level], content)}
        if self.style_levels:
            found = self.targets(features)
            gaps = [compare(found[level], style[level].expand_as(found[level])) for level in found]
            terms["style"] = self.style_weight * torch.stack(gaps).sum(0)
        if self.tv_weight:
            terms["tv"] = self.tv_weight * total_variation(raw)
        if self.range_weight:
            terms["range"] = self.range_weight * beyond_range(raw)
        return terms


PAPER_STATISTICS = StatisticsObjective(
    relative=False, content_weight=1.0, style_weight=25.0, tv_weight=1.0, range_weight=0.0
)
"""Weights within the range of public reimplementations, for VGG-16 features of torchvision's
normalised input; the paper's own did not survive in the text that is published."""
