"""The layers that networks are made of, as operators. Pictures and features are (B, C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gesso.graphs.graph import Graph, Name, Shape

PLACES = [2, 3]  # of height and width
EPS = 1e-5  # of instance norm

PICTURES: Shape = ("pictures", 3, "height", "width")
PICTURE: Shape = (1, 3, "height", "width")


def size_of(g: Graph, x: Name) -> Name:
    """[H, W]."""
    return g.op("Shape", x, start=2, end=4)


def whole(g: Graph, size: Name, multiple: int, smallest: int) -> Name:
    """Sides that are multiples of `multiple`, of at least `smallest` px."""
    up = g.op("Div", g.op("Add", size, multiple - 1), multiple)
    return g.op("Max", g.op("Mul", up, multiple), smallest)


def extended(g: Graph, image: Name, multiple: int, smallest: int) -> Name:
    """Its right and bottom border repeated until both sides are `whole`."""
    size = size_of(g, image)
    missing = g.op("Sub", whole(g, size, multiple, smallest), size)
    return g.op("Pad", image, g.op("Concat", [0] * 6, missing, axis=0), mode="edge")


def padded(g: Graph, x: Name, px: int, mode: str = "reflect") -> Name:
    """With so many px of its reflection, or of its border repeated (edge), at every side."""
    if not px:
        return x
    row = [0, 0, px, px]
    return g.op("Pad", x, row + row, mode=mode)


def cut(g: Graph, x: Name, px: Any) -> Name:
    """Without so many px at every side: a number, or the name of one."""
    ends = g.op("Neg", px) if isinstance(px, str) else -px
    first, last = (g.op("Expand", one, [2]) for one in (px, ends))
    return g.op("Slice", x, first, last, PLACES)


def cropped(g: Graph, x: Name, size: Name) -> Name:
    """Its upper left part of that [H, W]."""
    return g.op("Slice", x, [0, 0], size, PLACES)


def conv(
    g: Graph, x: Name, name: str, layer: Any, *, stride: int = 1, zeros: int = 0, reach: int = 0
) -> Name:
    """A convolution with the weights of `layer` under `name`, of x with zeros or its reflection
    around."""
    weights = [g.weight(f"{name}.weight", layer.weight, narrow=True)]
    if layer.bias is not None:
        weights.append(g.weight(f"{name}.bias", layer.bias, narrow=True))
    x = padded(g, g.narrow(x), reach)
    return g.op("Conv", x, *weights, strides=[stride] * 2, pads=[zeros] * 4)


def enlarged(g: Graph, x: Name) -> Name:
    """Twice as large, every value four times."""
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return g.op("Resize", x, "", [1.0, 1.0, 2.0, 2.0], mode="nearest", **how)


def moments(g: Graph, x: Name, axes: Sequence[int] = (2, 3)) -> tuple[Name, Name, Name]:
    """Mean and variance of every channel, and x without its mean; x in float32."""
    mean = g.op("ReduceMean", x, list(axes))
    away = g.op("Sub", x, mean)
    return mean, g.op("ReduceMean", g.op("Mul", away, away), list(axes)), away


@dataclass
class Surroundings:
    """The pictures that a photo's normalisations take in (`gesso.nn.surroundings`), as values.

    Attributes:
        lacking: () in [0, 1], how flat, smooth or dark the photo is.
        share: () of the other pictures.
        moments: (2, ΣC), theirs: mean and variance, one normalisation after the other.
        found: the photo's own so far, (1, C, 1, 1) each. A batch counts as one picture.
    """

    lacking: Name
    share: Name
    moments: Name
    found: list[tuple[Name, Name]] = field(default_factory=list)
    _channels: int = 0

    def pooled(self, g: Graph, mean: Name, variance: Name, channels: int) -> tuple[Name, Name]:
        """The statistics of both together."""
        self.found.append((mean, variance))
        first, last = self._channels, self._channels + channels
        self._channels = last
        part = g.op("Slice", self.moments, [first], [last], [1])
        far, spread = (
            g.op("Reshape", g.op("Gather", part, row, axis=0), [1, channels, 1, 1])
            for row in (0, 1)
        )
        rest = g.op("Sub", 1.0, self.share)
        middle = g.op("Add", mean, g.op("Mul", self.share, g.op("Sub", far, mean)))
        own, other = (_around(g, *pair, middle) for pair in ((variance, mean), (spread, far)))
        return middle, g.op("Add", g.op("Mul", rest, own), g.op("Mul", self.share, other))

    @property
    def channels(self) -> int:
        """ΣC."""
        return self._channels

    def own(self, g: Graph) -> Name:
        """(2, ΣC) of the photo's own."""
        rows = [
            g.op("Concat", *(g.op("Reshape", one, [1, -1]) for one in row), axis=1)
            for row in zip(*self.found, strict=True)
        ]
        return g.op("Concat", *rows, axis=0)


def _around(g: Graph, variance: Name, mean: Name, middle: Name) -> Name:
    away = g.op("Sub", mean, middle)
    return g.op("Add", variance, g.op("Mul", away, away))


def instance_norm(g: Graph, x: Name, name: str, layer: Any, around: Surroundings) -> Name:
    """Instance norm among the surroundings; its statistics are float32 whatever x is."""
    channels = len(layer.gamma)
    gamma, beta = (
        g.weight(f"{name}.{part}", getattr(layer, part).reshape(1, channels, 1, 1))
        for part in ("gamma", "beta")
    )
    own, variance, away = moments(g, g.wide(x), (0, 2, 3))
    mean, variance = around.pooled(g, own, variance, channels)
    scale = g.op("Div", gamma, g.op("Sqrt", g.op("Add", variance, EPS)))
    shift = g.op("Add", beta, g.op("Mul", g.op("Sub", own, mean), scale))
    return g.narrow(g.op("Add", g.op("Mul", away, scale), shift))


def linear(g: Graph, x: Name, weight: Name, rows: Any, bias: Any | None) -> Name:
    """x (N, n) times the transposed `rows` (m, n), whose name is `weight`, plus the bias, whose
    name ends on "bias" instead; in float32, the rows stored narrow."""
    w = g.wide(g.weight(weight, rows, narrow=True))
    y = g.op("MatMul", x, g.op("Transpose", w, perm=[1, 0]))
    if bias is None:
        return y
    return g.op("Add", y, g.weight(f"{weight.rpartition('.')[0]}.bias", bias))


def deviation(g: Graph, variance: Name, least: float = 1e-6) -> Name:
    """The square root of a variance with `least` added."""
    return g.op("Sqrt", g.op("Add", variance, np.float32(least)))
