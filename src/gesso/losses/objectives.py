"""What a network or a picture is optimised for: weighted sums of the terms in `terms.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.losses.evenness import unevenness
from gesso.losses.terms import (
    Encode,
    Features,
    Seen,
    beyond_range,
    channel_statistics,
    gram_matrix,
    mean_squared_error,
    relative_squared_error,
    saturation,
    total_variation,
)


def check_weights(terms: object) -> None:
    """Raises GessoError where a field NAME_weight of a dataclass is no finite number from 0."""
    for name, value in vars(terms).items():
        if name.endswith("_weight") and not (math.isfinite(value) and value >= 0):
            raise GessoError(f"{name} = {value!r}: must be a finite number from 0")


@dataclass(frozen=True)
class NetworkObjective:
    """Content + style, per image; subclasses say what of a style is compared and add terms.

    `relative` (the default) needs no hand-set weights and means the same for every encoder and
    style: Σ over levels of ‖Δdescription‖²/‖description(style)‖², plus ‖ΔF‖²/‖F(content)‖² at the
    content level. Otherwise both are mean squared errors, as in the papers, with weights set by
    hand.
    """

    relative: bool = True
    content_level: str = "relu3_3"
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 0.0
    levels: tuple[str, ...] = LEVELS

    def __post_init__(self) -> None:
        check_weights(self)

    @property
    def style_levels(self) -> tuple[str, ...]:
        """The levels on which styles are compared; none without a style weight, which makes the
        objective that of a network which reproduces its content."""
        return self.levels if self.style_weight else ()

    def described(self, features: Tensor) -> Tensor:
        """What is compared of a style at one level, (B, …), from features (B, C, H, W)."""
        raise NotImplementedError

    def targets(self, features: Features) -> dict[str, Tensor]:
        """The `described` features of a style, by level."""
        return {level: self.described(features[level]) for level in self.style_levels}

    @property
    def rounds(self) -> int:
        """How often in a fit `wanted` is asked; once, since it does not depend on the network."""
        return 1

    @property
    def shift(self) -> int:
        """By less than how many px photos are moved before the network sees them; 1: not at all."""
        return 1

    def of_style(self, seen: Seen) -> dict[str, Tensor]:
        """What pictures are compared with; {} without a style weight."""
        return self.targets(seen(1, self.style_levels)) if self.style_levels else {}

    def read(self, encode: Encode, photos: Tensor) -> Tensor:
        """The photos' features at `content_level`."""
        return encode(photos, [self.content_level])[self.content_level]

    def wanted(self, read: Tensor, style: Mapping[str, Tensor], photos: Tensor) -> Tensor:
        """`content` for these photos and this style, from what was read of the photos: the same."""
        return read

    def query(self, raw: Tensor, photos: Tensor) -> Tensor:
        """What is read in the place of photos (B, 3, H, W) from the second round on."""
        return photos

    def __call__(
        self, image: Tensor, features: Features, content: Tensor, style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,). `features` are those of `image` (B, 3, H, W), `content` the
        content's feature map at `content_level`, `style` as from `targets`, of 1 or B styles."""
        gap = None
        if self.content_weight:
            gap = self._compare(features[self.content_level], content)
        return self.of_described(gap, self.targets(features), style)

    def of_described(
        self, gap: Tensor | None, found: Mapping[str, Tensor], style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,), of the content's error (B,), None without a content weight,
        and of what is `described`, by level."""
        terms = {} if gap is None else {"content": self.content_weight * gap}
        if self.style_levels:
            gaps = [self._compare(found[n], style[n].expand_as(found[n])) for n in found]
            terms["style"] = self.style_weight * torch.stack(gaps).sum(0)
        return terms

    @property
    def _compare(self) -> Callable[[Tensor, Tensor], Tensor]:
        return relative_squared_error if self.relative else mean_squared_error

    def of_network(
        self,
        raw: Tensor,
        features_of: Encode,
        content: Tensor,
        style: Mapping[str, Tensor],
        photo: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,), of what a network puts out for a photo.

        Args:
            raw: (B, 3, H, W), before a final sigmoid or clamp.
            features_of: the encoder.
            content, style: as for a picture.
            photo: (B, 3, H, W); only for terms that compare with it.
        """
        image = self.picture(raw)
        features = features_of(image, sorted({*self.style_levels, self.content_level}))
        return self(image, features, content, style) | self.of_raw(raw, image, photo)

    def of_texture(
        self, raw: Tensor, features_of: Encode, style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """`of_network` of what a network puts out for noise: there is no content to keep."""
        return replace(self, content_weight=0.0).of_network(raw, features_of, raw, style)

    def picture(self, raw: Tensor) -> Tensor:
        """The picture as the encoder sees it."""
        return raw

    def of_raw(self, raw: Tensor, image: Tensor, photo: Tensor | None) -> dict[str, Tensor]:
        """Terms against outputs that make no good picture, those that have a weight."""
        return {}


@dataclass(frozen=True)
class Objective(NetworkObjective):
    """Gram matrices are compared (Gatys et al. 2016; Johnson et al. 2016), for a network whose
    output goes through a sigmoid; with total variation and, for a network, terms against saturation
    and unevenness. Weights of MetaStyle's paper: `PAPER`."""

    saturation_weight: float = 0.0
    evenness_weight: float = 0.0

    def described(self, features: Tensor) -> Tensor:
        return gram_matrix(features)

    def __call__(
        self, image: Tensor, features: Features, content: Tensor, style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        tv = self.tv_weight * total_variation(image)
        return {**super().__call__(image, features, content, style), "tv": tv}

    def picture(self, raw: Tensor) -> Tensor:
        return torch.sigmoid(raw)

    def of_raw(self, raw: Tensor, image: Tensor, photo: Tensor | None) -> dict[str, Tensor]:
        terms = self._out_of_range(raw)
        if self.evenness_weight and photo is not None:
            terms["evenness"] = self.evenness_weight * unevenness(image, photo)
        return terms

    def _out_of_range(self, raw: Tensor) -> dict[str, Tensor]:
        weight = self.saturation_weight
        return {"saturation": weight * saturation(raw)} if weight else {}


@dataclass(frozen=True)
class UnboundedObjective(Objective):
    """`Objective` for a network without a final sigmoid, such as Meta Networks': what leaves [0, 1]
    counts instead of saturation."""

    range_weight: float = 10.0  # against values outside [0, 1], which are cut off in the end

    def picture(self, raw: Tensor) -> Tensor:
        return raw

    def _out_of_range(self, raw: Tensor) -> dict[str, Tensor]:
        return {"range": self.range_weight * beyond_range(raw)}


@dataclass(frozen=True)
class StatisticsObjective(NetworkObjective):
    """Mean and standard deviation of every channel are compared (Meta Networks, Shen et al. 2018;
    AdaIN), for a network without a final sigmoid; with total variation and a term against values
    outside [0, 1]. Weights with mean squared errors: `PAPER_STATISTICS`."""

    style_weight: float = 6.0
    range_weight: float = 10.0  # against values outside [0, 1], which are cut off in the end

    def described(self, features: Tensor) -> Tensor:
        return channel_statistics(features)

    def of_raw(self, raw: Tensor, image: Tensor, photo: Tensor | None) -> dict[str, Tensor]:
        terms = {}
        if self.tv_weight:
            terms["tv"] = self.tv_weight * total_variation(raw)
        if self.range_weight:
            terms["range"] = self.range_weight * beyond_range(raw)
        return terms


PAPER = Objective(
    relative=False, content_level="relu2_2", content_weight=1.0, style_weight=1e5, tv_weight=0.0
)
"""MetaStyle's released weights; for VGG-16 features of torchvision's normalised input."""

PAPER_STATISTICS = StatisticsObjective(
    relative=False, content_weight=1.0, style_weight=25.0, tv_weight=1.0, range_weight=0.0
)
"""Weights within the range of public reimplementations, for VGG-16 features of torchvision's
normalised input; the paper's own did not survive in the text that is published."""
