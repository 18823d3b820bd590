"""What Avatar-Net measures of a picture's features, to take it away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.encoders.statistics import mean_and_deviation, statistics_of
from gesso.encoders.tiles import Parts
from gesso.losses.terms import Features
from gesso.methods.adain.layer import Statistics
from gesso.methods.avatar_net.hourglass import Config, Hourglass
from gesso.nn.covariance import Moments, moments_of, of_all, pooled
from gesso.nn.surroundings import of_all as statistics_of_all
from gesso.nn.surroundings import pooled as pooled_statistics


@dataclass(frozen=True)
class Seen:
    """Of pictures' features, by level.

    Attributes:
        moments: of the heard channels of decorated levels, in units of their size.
        statistics: mean and deviation (B, C) of aligned levels.
    """

    moments: dict[str, Moments]
    statistics: dict[str, Statistics]

    def of_all(self) -> Seen:
        """Of all pictures as one."""
        statistics = {}
        for level, (mean, deviation) in self.statistics.items():
            middle, variance = statistics_of_all(mean, deviation.square())
            statistics[level] = (middle, variance.sqrt())
        return Seen({level: of_all(one) for level, one in self.moments.items()}, statistics)

    def among(self, other: Seen, share: Tensor) -> Seen:
        """Of a larger picture, of which the other has `share` (B,)."""
        moments = {n: pooled(one, other.moments[n], share) for n, one in self.moments.items()}
        statistics = {}
        for level, (mean, deviation) in self.statistics.items():
            far, spread = other.statistics[level]
            pairs = (mean, deviation.square()), (far, spread.square())
            middle, variance = pooled_statistics(*pairs, share.unsqueeze(1))
            statistics[level] = (
                middle,
                torch.where(share[:, None] > 0, variance.sqrt(), deviation),
            )
        return Seen(moments, statistics)


@dataclass(frozen=True)
class Sight:
    """How features are measured."""

    config: Config
    network: Hourglass

    def of(self, features: Features) -> Seen:
        """What is measured of features (B, C, h, w) without their margin."""
        moments = {n: self.network.channels(n).moments(features[n]) for n in self.config.decorated}
        statistics = {n: mean_and_deviation(features[n]) for n in self.config.aligned}
        return Seen(moments, statistics)

    def of_parts(self, parts: Parts) -> Seen:
        """The same of features that are not held."""

        def walk(levels: Sequence[str]) -> Iterator[dict[str, Tensor]]:
            return ({level: part[level] for level in levels} for part in parts.inner())

        found = moments_of(lambda: walk(self.config.decorated))
        moments = {n: self.network.channels(n).scaled(one) for n, one in found.items()}
        return Seen(moments, statistics_of(walk(self.config.aligned)))
