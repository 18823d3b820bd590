"""The decoder that mirrors an encoder: features back to an image (Huang & Belongie 2017).

Every 3×3 convolution of the encoder has its counterpart with inputs and outputs exchanged, every
pooling a nearest upsampling, all padding reflects, and there is no normalisation: instance norm
would make all outputs one style, batch norm one average of styles (section 7.1 of the paper).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso import functional
from gesso.networks import Convolution

Blocks = Sequence[Sequence[int]]
"""Widths of an encoder's convolutions, block by block, with a 2×2 max-pool between blocks."""

SMALLEST_SIDE = 2  # of a feature map: one that reflection by one pixel can pad


class Decoder(nn.Module):
    """Features (B, C, h, w) → images (B, 3, h·s, w·s), s = 2 for each pooling of the encoder.

    For VGG-19 up to relu4_1: 3,505,219 parameters. Its output is not clamped to [0, 1].

    Args:
        blocks: the encoder that is mirrored, up to the features' level.
    """

    scale: Tensor

    def __init__(self, blocks: Blocks) -> None:
        super().__init__()
        self.stride = 2 ** (len(blocks) - 1)
        self.layers = nn.ModuleList()
        self._up: list[bool] = []
        for inputs, outputs, up in mirrored(blocks):
            self.layers.append(_started(Convolution(inputs, outputs, 3)))
            self._up.append(up)
        last = cast(Convolution, self.layers[-1])
        nn.init.constant_(last.bias, 0.5)  # begin at mid-grey
        # Whatever an encoder's scale, the first layer sees numbers of about 1.
        self.register_buffer("scale", torch.ones(blocks[-1][-1]))

    def forward(self, features: Tensor) -> Tensor:
        x = features / self.scale.view(1, -1, 1, 1)
        x = x.contiguous(memory_format=torch.channels_last)
        last = len(self.layers) - 1
        for i, (layer, up) in enumerate(zip(self.layers, self._up, strict=True)):
            x = cast(Convolution, layer).upsampled(x) if up else layer(x)
            if i < last:
                x = F.relu(x) if torch.is_grad_enabled() else x.relu_()
        return functional.widen(x)

    @torch.no_grad()
    def measure(self, features: Tensor) -> None:
        """Divide every channel by its root mean square in `features` (B, C, h, w) from now on."""
        size = functional.widen(features).square().mean((0, 2, 3)).sqrt()
        typical = size.mean().clamp_min(1e-6)
        self.scale.copy_(size.clamp_min(0.05 * float(typical)))  # a dead channel may yet wake


def mirrored(blocks: Blocks) -> list[tuple[int, int, bool]]:
    """(inputs, outputs, whether the input is upsampled before) of each layer of the decoder."""
    layers = []
    inputs = 3
    for b, block in enumerate(blocks):
        for j, width in enumerate(block):
            pooled = j == len(block) - 1 and b < len(blocks) - 1
            layers.append((width, inputs, pooled))
            inputs = width
    return layers[::-1]


def whole_cells(image: Tensor, stride: int) -> Tensor:
    """Extend (B, 3, H, W) at right and bottom by its border to multiples of `stride` px, at least
    SMALLEST_SIDE of them."""
    bottom, right = (
        max(SMALLEST_SIDE, math.ceil(n / stride)) * stride - n for n in image.shape[-2:]
    )
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image


def _started(layer: Convolution) -> Convolution:
    """He initialisation: eight layers without normalisation keep their signal's size."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer
