"""The transfer network of MetaStyle's supplement, table 1 (Johnson et al.'s, with resize
convolutions and a sigmoid), at any width."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from gesso.graphs import layers
from gesso.graphs.graph import Graph, Name
from gesso.graphs.layers import Surroundings
from gesso.nn.inference import channels_last
from gesso.nn.layers import Block, Convolution, ResidualBlock, extended
from gesso.nn.precision import widen

SMALLEST_PX = 16  # below this the reflection at quarter resolution has nothing to reflect


class TransferNet(nn.Module):
    """Image in [0, 1] (B, 3, H, W) → stylized image in [0, 1] of the same shape, any H and W.

    width 32 is the paper's: 1,679,235 parameters, 3,200 of them instance norm's γ and β.
    """

    reach_px = 64  # that a pixel depends on, beside the norms; a little more than it is

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
        x = channels_last(extended(image, 4, SMALLEST_PX))
        for layer in (*self.down, *self.residual, *self.up):
            x = layer(x)  # one by one, so that none but its input is held
        x = self.out(x)
        out = widen(x)[..., :height, :width]
        return out if raw else torch.sigmoid(out)

    def written(self, g: Graph, image: Name, around: Surroundings) -> Name:
        """`forward` as operators of a graph."""
        x = layers.extended(g, image, 4, SMALLEST_PX)
        for name, layer in self.down.named_children():
            x = _block(g, x, f"down.{name}", cast(Block, layer), around)
        for name, layer in self.residual.named_children():
            y = x
            for part, block in layer.named_children():
                y = _block(g, y, f"residual.{name}.{part}", cast(Block, block), around)
            x = g.op("Add", g.narrow(x), y)
        for name, layer in self.up.named_children():
            x = _block(g, x, f"up.{name}", cast(Block, layer), around)
        x = layers.conv(g, x, "out", self.out, reach=4)
        return g.op("Sigmoid", layers.cropped(g, g.wide(x), layers.size_of(g, image)))


def _block(g: Graph, x: Name, name: str, block: Block, around: Surroundings) -> Name:
    conv, reach = block.conv, block.conv.weight.shape[-1] // 2
    x = layers.enlarged(g, x) if block.up else x
    x = layers.conv(g, x, f"{name}.conv", conv, stride=conv.stride, reach=reach)
    x = layers.instance_norm(g, x, f"{name}.norm", block.norm, around)
    return g.op("Relu", x) if block.relu else x


def is_affine(name: str) -> bool:
    """Returns True for the name of an instance norm's γ or β, all that an inner loop moves."""
    return name.endswith((".gamma", ".beta"))


def affine_parameters(net: nn.Module) -> dict[str, nn.Parameter]:
    """The γ and β of every instance norm, by name."""
    return {name: p for name, p in net.named_parameters() if is_affine(name)}
