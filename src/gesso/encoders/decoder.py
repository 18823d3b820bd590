"""The decoder that mirrors an encoder: features back to an image (Huang & Belongie 2017).

Every 3×3 convolution of the encoder has its counterpart with inputs and outputs exchanged, every
pooling a nearest upsampling, all padding reflects, and there is no normalisation: instance norm
would make all outputs one style, batch norm one average of styles (section 7.1 of the paper).

From relu4_1 of a small encoder too little of a content's detail comes back. Then shallower features
are decoded as well, each with the style's statistics, as Sheng et al. (2018, Avatar-Net) do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.errors import GessoError
from gesso.graphs import layers
from gesso.graphs.graph import Graph, Name
from gesso.nn.inference import relu
from gesso.nn.layers import Convolution
from gesso.nn.precision import widen

Blocks = Sequence[Sequence[int]]
"""Widths of an encoder's convolutions, block by block, with a 2×2 max-pool between blocks."""


class Decoder(nn.Module):
    """Features by level, the deepest (B, C, h, w) → images (B, 3, h·s, w·s), with a factor 2 in s
    for each pooling of the encoder. The output is not clamped to [0, 1].

    Mirroring VGG-19 up to relu4_1 without skips it has 3,505,219 parameters.

    Args:
        blocks: the encoder that is mirrored, up to the features' level.
        skips: shallower levels whose features are given too; a 1×1 convolution of each is added
            where the decoder has come to that level.
    """

    def __init__(self, blocks: Blocks, skips: Sequence[str] = ()) -> None:
        super().__init__()
        self.blocks = tuple(tuple(block) for block in blocks)
        self.stride = 2 ** (len(blocks) - 1)
        self.plan = mirrored(blocks)
        self.deepest = self.plan[0].level
        self.layers = nn.ModuleList(
            _started(Convolution(layer.inputs, layer.outputs, 3)) for layer in self.plan
        )
        last = cast(Convolution, self.layers[-1])
        nn.init.constant_(last.bias, 0.5)  # begin at mid-grey
        last.weight.data.mul_(0.1)
        widths = {layer.level: layer.inputs for layer in self.plan}
        unknown = [level for level in skips if level not in list(widths)[1:]]
        if unknown:
            raise GessoError(f"skip {unknown[0]}: no level above {self.deepest}")
        if len(set(skips)) < len(skips):
            raise GessoError(f"skips {', '.join(skips)}: one is named twice")
        self.skips = nn.ModuleDict(
            {level: _started(Convolution(widths[level], widths[level], 1)) for level in skips}
        )
        for level in (self.deepest, *skips):
            # Whatever an encoder's scale, every layer sees numbers of about 1.
            self.register_buffer(f"scale_{level}", torch.ones(widths[level]))

    @property
    def levels(self) -> list[str]:
        """The levels of the features it takes, the deepest first."""
        return [self.deepest, *self.skips]

    def width(self, level: str) -> int:
        """Channels of the features at one of its levels."""
        return len(self._scale(level))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        x = self._scaled(features, self.deepest)
        for plan, layer in zip(self.plan, self.layers, strict=True):
            conv, up = cast(Convolution, layer), plan.up
            if plan.level in self.skips:
                x = F.interpolate(x, scale_factor=2.0, mode="nearest") if up else x
                x = x + self.skips[plan.level](self._scaled(features, plan.level))
                up = False
            x = conv.upsampled(x) if up else conv(x)
            if layer is not self.layers[-1]:
                x = relu(x)
        return widen(x)

    def written(self, g: Graph, features: Mapping[str, Name]) -> Name:
        """`forward` as operators of a graph."""
        x = self._divided(g, features, self.deepest)
        for i, plan in enumerate(self.plan):
            x = layers.enlarged(g, x) if plan.up else x
            if plan.level in self.skips:
                beside = self._divided(g, features, plan.level)
                skip = self.skips[plan.level]
                x = g.op("Add", x, layers.conv(g, beside, f"skips.{plan.level}", skip))
            x = layers.conv(g, x, f"layers.{i}", self.layers[i], reach=1)
            x = g.op("Relu", x) if i < len(self.plan) - 1 else x
        return g.wide(x)

    def _divided(self, g: Graph, features: Mapping[str, Name], level: str) -> Name:
        scale = g.weight(f"scale_{level}", self._scale(level).reshape(1, -1, 1, 1))
        return g.narrow(g.op("Div", features[level], scale))

    @torch.no_grad()
    def measure(self, features: Mapping[str, Tensor]) -> None:
        """Divide every channel by its root mean square in `features` from now on."""
        for level in self.levels:
            size = widen(features[level]).square().mean((0, 2, 3)).sqrt()
            floor = 0.05 * float(size.mean()) + 1e-6  # a channel that is dead here may yet wake
            self._scale(level).copy_(size.clamp_min(floor))

    def _scale(self, level: str) -> Tensor:
        return cast(Tensor, getattr(self, f"scale_{level}"))

    def _scaled(self, features: Mapping[str, Tensor], level: str) -> Tensor:
        x = features[level] / self._scale(level).view(1, -1, 1, 1)
        return x.contiguous(memory_format=torch.channels_last)


class Layer(NamedTuple):
    """One layer of the decoder: the encoder's level at its input, its widths, and whether the input
    is upsampled first."""

    level: str
    inputs: int
    outputs: int
    up: bool


def mirrored(blocks: Blocks) -> list[Layer]:
    """The decoder's layers, the deepest first."""
    layers = []
    outputs = 3
    for b, block in enumerate(blocks, 1):
        for i, width in enumerate(block, 1):
            pooled = i == len(block) and b < len(blocks)
            layers.append(Layer(f"relu{b}_{i}", width, outputs, pooled))
            outputs = width
    return layers[::-1]


def check_blocks(what: str, blocks: Blocks) -> None:
    """Raises GessoError, which begins with `what`, for blocks of which no decoder is built."""
    widths = [width for block in blocks for width in block]
    if not all(blocks) or not widths or len(blocks) > 5:
        raise GessoError(f"{what} with blocks {blocks}: allowed are 1 to 5, none empty")
    if len(widths) > 32 or not all(type(w) is int and 1 <= w <= 2048 for w in widths):
        raise GessoError(f"{what} with blocks {blocks}: allowed are widths of 1 to 2048")


def _started(layer: Convolution) -> Convolution:
    """He initialisation: eight layers without normalisation keep their signal's size."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer
