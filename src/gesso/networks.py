"""The transfer network of MetaStyle's supplement, table 1 (Johnson et al.'s, with resize
convolutions and a sigmoid), at any width."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso import functional

STRIP_PX = 256  # rows of the last convolution computed at a time, a multiple of its blocks
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
        x = functional.reflect_pad(x, self.weight.shape[-1] // 2)
        if self.few and x.device.type == "cpu":
            return self._few(x)
        return functional.conv2d(x, self.weight, self.bias, stride=self.stride)

    def upsampled(self, x: Tensor) -> Tensor:
        """The convolution of x upsampled twice (nearest), as the decoder needs it."""
        if torch.is_grad_enabled():
            return self.forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        # In strips: upsampled and padded, x would be the largest tensor of all. Reflecting pairs
        # of equal rows by one is repeating the border.
        x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        rows = STRIP_PX // 2
        strips = []
        for top in range(0, x.shape[2] - 2, rows):
            part = F.interpolate(x[:, :, top : top + rows + 2], scale_factor=2.0, mode="nearest")
            part = part[:, :, 1:-1, 1:-1]
            strips.append(functional.conv2d(part, self.weight, self.bias))
        return torch.cat(strips, 2)

    def _few(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return functional.conv2d_to_few(x, self.weight, self.bias)
        # In strips: on blocks the padded input is copied three times, too much for a large picture.
        margin = self.weight.shape[-1] - 1
        strips = [
            functional.conv2d_to_few(x[:, :, top : top + STRIP_PX + margin], self.weight, self.bias)
            for top in range(0, x.shape[2] - margin, STRIP_PX)
        ]
        return torch.cat(strips, 2)


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
        x = _pad_to_multiple(image, 4).contiguous(memory_format=torch.channels_last)
        x = self.up(self.residual(self.down(x)))
        out = functional.widen(self.out(x))[..., :height, :width]
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
