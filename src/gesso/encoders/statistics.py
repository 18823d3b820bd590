"""Mean and deviation of every channel of features, held at once or seen in parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.nn.precision import widen

POSITIONS = 2**14  # positions of features that are widened at a time

Statistics = tuple[Tensor, Tensor]
"""μ and σ of every channel, (B, C) each."""


def statistics_of(parts: Iterable[Mapping[str, Tensor]]) -> dict[str, Statistics]:
    """`mean_and_deviation` of the features of all parts, by level."""
    sums: dict[str, _Sums] = {}
    for part in parts:
        for level, x in part.items():
            sums[level] = _Sums.of(x, sums.get(level))
    return {level: found.statistics() for level, found in sums.items()}


def mean_and_deviation(x: Tensor) -> Statistics:
    """μ and σ of every channel, (B, C) each, of large features (B, C, h, w), with 1e-6 added to the
    variance: a few rows are widened at a time, and the sums are float64."""
    return _Sums.of(x).statistics()


@dataclass(frozen=True)
class _Sums:
    total: Tensor
    square: Tensor
    count: int
    dtype: torch.dtype

    @classmethod
    def of(cls, x: Tensor, before: _Sums | None = None) -> _Sums:
        total = torch.zeros(x.shape[:2], dtype=torch.float64, device=x.device)
        square, count, dtype = total.clone(), x.shape[2] * x.shape[3], x.dtype
        if before is not None:
            total, square, count = before.total, before.square, count + before.count
        for piece in torch.split(x, max(1, POSITIONS // x.shape[3]), 2):
            wide = widen(piece)
            total = total + wide.sum((2, 3))
            square = square + wide.square().sum((2, 3))
            dtype = wide.dtype
        return cls(total, square, count, dtype)

    def statistics(self) -> Statistics:
        mean = self.total / self.count
        variance = (self.square / self.count - mean.square()).clamp_min(0)
        return mean.to(self.dtype), (variance + 1e-6).sqrt().to(self.dtype)
