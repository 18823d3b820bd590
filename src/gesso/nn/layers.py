"""Layers of transfer networks: instance norm, padded convolution, and the blocks made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.nn.convolution import conv2d, conv2d_to_few, reflect_pad
from gesso.nn.inference import is_traced, relu, saves_memory
from gesso.nn.norm import instance_norm

STRIP_PX = 256  # rows computed at a time: a multiple of the last convolution's blocks, and even


def extended(image: Tensor, multiple: int, smallest: int) -> Tensor:
    """(B, C, H, W) with its right and bottom border repeated: both sides become multiples of
    `multiple`, which strides divide evenly, and at least `smallest` px, enough to be reflected."""
    bottom, right = (
        max(smallest, math.ceil(n / multiple) * multiple) - n for n in image.shape[-2:]
    )
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image


class InstanceNorm(nn.Module):
    """Instance norm with learned γ and β of shape (C,); (S, C) when S styles share a batch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return instance_norm(x, self.gamma, self.beta)


class Convolution(nn.Module):
    """Reflection-padded ("same") convolution; `few` marks the last one, with three outputs. A
    circular one sees the opposite side beyond a border, so that its outputs tile."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, few: bool = False):
        super().__init__()
        self.stride, self.few = stride, few
        bound = 1 / math.sqrt(inputs * kernel * kernel)  # torch's default for nn.Conv2d
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(outputs))
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor, circular: bool = False) -> Tensor:
        if saves_memory() and not circular:
            return _stacked(self._strips(x), math.ceil(x.shape[2] / self.stride))
        reach = self.weight.shape[-1] // 2
        if circular and reach:
            return self._padded(F.pad(x, (reach,) * 4, mode="circular"))
        return self._padded(reflect_pad(x, reach) if reach else x)

    def upsampled(self, x: Tensor) -> Tensor:
        """The convolution of x upsampled twice (nearest), as the decoder needs it."""
        if saves_memory():
            return _stacked(self._upsampled_strips(x), 2 * x.shape[2])
        return self.forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))

    def _padded(self, x: Tensor) -> Tensor:
        """The convolution of x that has its padding already."""
        if self.few and x.device.type == "cpu" and not is_traced():
            return conv2d_to_few(x, self.weight, self.bias)
        return conv2d(x, self.weight, self.bias, stride=self.stride)

    def _strips(self, x: Tensor) -> Iterator[Tensor]:
        """The convolution in strips of rows. Padded as a whole, a large picture's x would be there
        twice, and the blocks of its last convolution three times more."""
        for part in _padded_strips(x, STRIP_PX, self.weight.shape[-1] // 2, "reflect"):
            yield self._padded(part.contiguous(memory_format=torch.channels_last))

    def _upsampled_strips(self, x: Tensor) -> Iterator[Tensor]:
        """The convolution of x upsampled twice, in strips of rows: as a whole, that would be the
        largest tensor of all. Reflecting pairs of equal rows by one is repeating the border."""
        for part in _padded_strips(x, STRIP_PX // 2, 1, "replicate"):
            part = F.interpolate(part, scale_factor=2.0, mode="nearest")[:, :, 1:-1, 1:-1]
            yield conv2d(part, self.weight, self.bias)


def _padded_strips(x: Tensor, rows: int, reach: int, mode: str) -> Iterator[Tensor]:
    """x (B, C, H, W) in strips of `rows` rows, each with `reach` px more at all four sides: of x,
    or padded as `mode` says."""
    for top in range(0, x.shape[2], rows):
        first, last = top - reach, min(top + rows, x.shape[2]) + reach
        above, below = max(0, -first), max(0, last - x.shape[2])
        part = x[:, :, first + above : last - below]
        yield F.pad(part, (reach, reach, above, below), mode=mode)


def _stacked(strips: Iterable[Tensor], rows: int) -> Tensor:
    """Strips (B, C, h, W) as one tensor of `rows` rows; no more than one strip is held twice."""
    whole, top = torch.empty(0), 0
    for strip in strips:
        batch, channels, height, width = strip.shape
        if height == rows:
            return strip
        if not top:
            whole = strip.new_empty((batch, rows, width, channels)).permute(0, 3, 1, 2)
        whole[:, :, top : top + height] = strip
        top += height
    return whole


class Block(nn.Module):
    """[Upsampling,] convolution, instance norm and, unless it ends a residual block, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        relu: bool = True,
        up: bool = False,
    ) -> None:
        super().__init__()
        self.conv = Convolution(inputs, outputs, kernel, stride)
        self.norm = InstanceNorm(outputs)
        self.relu, self.up = relu, up

    def forward(self, x: Tensor, circular: bool = False) -> Tensor:
        x = self.norm(self.conv.upsampled(x) if self.up else self.conv(x, circular))
        return relu(x) if self.relu else x


class ResidualBlock(nn.Module):
    """conv, norm, ReLU, conv, norm, addition; no ReLU after the addition (supplement, table 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Block(channels, channels, 3)
        self.second = Block(channels, channels, 3, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.first(x))
        return out
