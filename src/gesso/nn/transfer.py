"""The transfer network of MetaStyle's supplement, table 1 (Johnson et al.'s, with resize
convolutions and a sigmoid), at any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.nn import functional

STRIP_PX = 256  # rows computed at a time: a multiple of the last convolution's blocks, and even
SMALLEST_PX = 16  # below this the reflection at quarter resolution has nothing to reflect


class InstanceNorm(nn.Module):
    """Instance norm with learned γ and β of shape (C,); (S, C) when S styles share a batch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.instance_norm(x, self.gamma, self.beta)


class Convolution(nn.Module):
    """Reflection-padded ("same") convolution; `few` marks the last one, with three outputs."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, few: bool = False):
        super().__init__()
        self.stride, self.few = stride, few
        bound = 1 / math.sqrt(inputs * kernel * kernel)  # torch's default for nn.Conv2d
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(outputs))
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return self._padded(functional.reflect_pad(x, self.weight.shape[-1] // 2))
        return _stacked(self._strips(x), math.ceil(x.shape[2] / self.stride))

    def upsampled(self, x: Tensor) -> Tensor:
        """The convolution of x upsampled twice (nearest), as the decoder needs it."""
        if torch.is_grad_enabled():
            return self.forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return _stacked(self._upsampled_strips(x), 2 * x.shape[2])

    def _padded(self, x: Tensor) -> Tensor:
        """Of x with its padding."""
        if self.few and x.device.type == "cpu":
            return functional.conv2d_to_few(x, self.weight, self.bias)
        return functional.conv2d(x, self.weight, self.bias, stride=self.stride)

    def _strips(self, x: Tensor) -> Iterator[Tensor]:
        """In strips of rows, without gradients: a large picture's x padded as a whole would be
        there twice, and the blocks of its last convolution three times more."""
        height, reach = x.shape[2], self.weight.shape[-1] // 2
        for top in range(0, height, STRIP_PX):
            first, last = top - reach, min(top + STRIP_PX, height) + reach
            above, below = max(0, -first), max(0, last - height)
            part = x[:, :, first + above : last - below]
            part = F.pad(part, (reach, reach, above, below), mode="reflect")
            yield self._padded(part.contiguous(memory_format=torch.channels_last))

    def _upsampled_strips(self, x: Tensor) -> Iterator[Tensor]:
        """The same: upsampled and padded, x would be the largest tensor of all. Reflecting pairs of
        equal rows by one is repeating the border."""
        height, rows = x.shape[2], STRIP_PX // 2
        for top in range(0, height, rows):
            first, last = top - 1, min(top + rows, height) + 1
            above, below = max(0, -first), max(0, last - height)
            part = x[:, :, first + above : last - below]
            part = F.pad(part, (1, 1, above, below), mode="replicate")
            part = F.interpolate(part, scale_factor=2.0, mode="nearest")[:, :, 1:-1, 1:-1]
            yield functional.conv2d(part, self.weight, self.bias)


def _stacked(strips: Iterable[Tensor], rows: int) -> Tensor:
    """Strips (B, C, h, W), of so many rows in all, as one tensor; never all of them twice."""
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

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv.upsampled(x) if self.up else self.conv(x))
        if not self.relu:
            return x
        return F.relu(x) if torch.is_grad_enabled() else x.relu_()


class ResidualBlock(nn.Module):
    """conv, norm, ReLU, conv, norm, addition; no ReLU after the addition (supplement, table 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Block(channels, channels, 3)
        self.second = Block(channels, channels, 3, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.first(x))
        return out


class TransferNet(nn.Module):
    """Image in [0, 1] (B, 3, H, W) → stylized image in [0, 1] of the same shape, any H and W.

    width 32 is the paper's: 1,679,235 parameters, 3,200 of them instance norm's γ and β.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.down = nn.Sequential(
            Block(3, width, 9), Block(width, 2 * width, 3, 2), Block(2 * width, 4 * width, 3, 2)
        )
        self.residual = nn.Sequential(*(ResidualBlock(4 * width) for _ in range(5)))
        self.up = nn.Sequential(
            Block(4 * width, 2 * width, 3, up=True), Block(2 * width, width, 3, up=True)
        )
        self.out = Convolution(width, 3, 9, few=True)

    def forward(self, image: Tensor, raw: bool = False) -> Tensor:
        """The stylized image; with `raw` what the last sigmoid is applied to."""
        height, width = image.shape[-2:]
        x = _pad_to_multiple(image, 4)
        if torch.is_grad_enabled():
            x = x.contiguous(memory_format=torch.channels_last)
        for layer in (*self.down, *self.residual, *self.up):
            x = layer(x)  # one by one, so that none but its input is held
        x = self.out(x)
        out = functional.widen(x)[..., :height, :width]
        return out if raw else torch.sigmoid(out)


def _pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Extend right and bottom by their border so that both stride-2 layers divide evenly."""
    bottom, right = (
        max(SMALLEST_PX, math.ceil(n / multiple) * multiple) - n for n in image.shape[-2:]
    )
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image


def is_affine(name: str) -> bool:
    """Whether a parameter is an instance norm's γ or β, all that the inner loop moves."""
    return name.endswith((".gamma", ".beta"))


def affine_parameters(net: nn.Module) -> dict[str, nn.Parameter]:
    """The γ and β of every instance norm, by name."""
    return {name: p for name, p in net.named_parameters() if is_affine(name)}
