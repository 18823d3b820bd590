"""The transfer network of Meta Networks (Shen et al., CVPR 2018): its kernels come from outside.

Johnson et al.'s network without tanh and without the first layer's instance norm. Of its layers
the first and the last convolution and all instance norms are shared by all styles; the fourteen
kernels in between are generated for each style, and have no bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.graphs import layers
from gesso.graphs.graph import Graph, Name
from gesso.graphs.layers import Surroundings
from gesso.nn.convolution import conv2d, conv_transpose2d, reflect_pad
from gesso.nn.inference import channels_last, relu
from gesso.nn.layers import Convolution, InstanceNorm, extended
from gesso.nn.precision import widen

Upsample = Literal["deconv", "resize"]
Kernels = Mapping[str, Tensor]

BLOCKS = 5
MARGIN_PX = 4 * 2 * BLOCKS  # what ten unpadded 3×3 convolutions at quarter resolution take away
SPIKE = 4.0  # standard deviations that hardly any activation of a photo is away from the mean
SMALLEST_PX = MARGIN_PX + 4  # below this there is too little to reflect


def kernel_shapes(width: int, upsample: Upsample = "deconv") -> dict[str, tuple[int, ...]]:
    """The generated kernels of a network of base width `width`, in order of use.

    (outputs, inputs, 3, 3) for convolutions, (inputs, outputs, 4, 4) for the two deconvolutions;
    with "resize" these are 3×3 convolutions of the image enlarged twice. Width 8 with
    deconvolutions makes 108,160 numbers, width 32 makes 1,730,560.
    """
    w, w2, w4 = width, 2 * width, 4 * width
    shapes: dict[str, tuple[int, ...]] = {"down1": (w2, w, 3, 3), "down2": (w4, w2, 3, 3)}
    for block in range(1, BLOCKS + 1):
        shapes |= {f"block{block}a": (w4, w4, 3, 3), f"block{block}b": (w4, w4, 3, 3)}
    if upsample == "resize":
        return shapes | {"up1": (w2, w4, 3, 3), "up2": (w, w2, 3, 3)}
    return shapes | {"up1": (w4, w2, 4, 4), "up2": (w2, w, 4, 4)}


def output_channels(name: str, shape: tuple[int, ...]) -> int:
    """The number of channels that the kernel puts out; a deconvolution's second axis."""
    return shape[1] if name.startswith("up") and shape[-1] == 4 else shape[0]


class SharedLayers(nn.Module):
    """The whole network but for the generated kernels, which `forward` takes.

    Images are RGB in [0, 1], (B, 3, H, W), any H and W from 1 px; results have the same size.
    """

    def __init__(self, width: int = 8, upsample: Upsample = "deconv") -> None:
        super().__init__()
        self.width, self.upsample = width, upsample
        shapes = kernel_shapes(width, upsample)
        self.first = Convolution(3, width, 9)
        self.norms = nn.ModuleDict(
            {name: InstanceNorm(output_channels(name, shape)) for name, shape in shapes.items()}
        )
        self.last = Convolution(width, 3, 9, few=True)
        for block in range(1, BLOCKS + 1):  # at first the residual blocks hardly change anything
            nn.init.constant_(cast(InstanceNorm, self.norms[f"block{block}b"]).gamma, 0.1)
        nn.init.constant_(self.last.bias, 0.5)  # without a sigmoid: begin at mid-grey

    def forward(self, image: Tensor, kernels: Kernels, raw: bool = False) -> Tensor:
        """The stylized image; with `raw` before it is clamped to [0, 1]."""
        height, width = image.shape[-2:]
        x = channels_last(reflect_pad(extended(image, 4, SMALLEST_PX), MARGIN_PX))
        x = relu(self.first(x))
        for name in ("down1", "down2"):
            x = self._down(x, kernels, name)
        for block in range(1, BLOCKS + 1):
            x = self._block(x, kernels, f"block{block}")
        for name in ("up1", "up2"):
            x = self._up(x, kernels, name)
        x = self.last(x)
        out = widen(x)[..., :height, :width]
        return out if raw else out.clamp(0, 1)

    def written(
        self, g: Graph, image: Name, kernels: Mapping[str, Name], around: Surroundings
    ) -> Name:
        """`forward` as operators of a graph; the kernels are values in it."""
        x = layers.padded(g, layers.extended(g, image, 4, SMALLEST_PX), MARGIN_PX)
        x = g.op("Relu", layers.conv(g, x, "shared.first", self.first, reach=4))

        def convolved(x: Name, name: str, stride: int = 1) -> Name:
            y = g.op("Conv", x, g.narrow(kernels[name]), strides=[stride] * 2)
            return self._normed(g, y, name, around)

        for name in ("down1", "down2"):
            x = g.op("Relu", convolved(layers.padded(g, x, 1), name, 2))
        for block in range(1, BLOCKS + 1):
            y = convolved(g.op("Relu", convolved(x, f"block{block}a")), f"block{block}b")
            x = g.op("Add", layers.cut(g, x, 2), y)
        for name in ("up1", "up2"):
            if self.upsample == "resize":
                x = layers.cut(g, layers.enlarged(g, layers.padded(g, x, 1)), 1)
                x = g.op("Relu", convolved(x, name))
            else:
                x, kernel = layers.padded(g, x, 1, "edge"), g.narrow(kernels[name])
                x = g.op("ConvTranspose", x, kernel, strides=[2, 2], pads=[3] * 4)
                x = g.op("Relu", self._normed(g, x, name, around))
        x = layers.conv(g, x, "shared.last", self.last, reach=4)
        x = layers.cropped(g, g.wide(x), layers.size_of(g, image))
        return g.op("Clip", x, 0.0, 1.0)

    def _normed(self, g: Graph, x: Name, name: str, around: Surroundings) -> Name:
        return layers.instance_norm(g, x, f"shared.norms.{name}", self.norms[name], around)

    def _down(self, x: Tensor, kernels: Kernels, name: str) -> Tensor:
        x = conv2d(reflect_pad(x, 1), kernels[name], stride=2)
        return relu(self.norms[name](x))

    def _block(self, x: Tensor, kernels: Kernels, name: str) -> Tensor:
        """conv, norm, ReLU, conv, norm, addition, as Johnson et al.: the image loses 2 px a side
        and so does what is added to it."""
        y = conv2d(x, kernels[f"{name}a"])
        y = conv2d(relu(self.norms[f"{name}a"](y)), kernels[f"{name}b"])
        out: Tensor = x[..., 2:-2, 2:-2] + self.norms[f"{name}b"](y)
        return out

    def _up(self, x: Tensor, kernels: Kernels, name: str) -> Tensor:
        if self.upsample == "resize":
            x = F.interpolate(reflect_pad(x, 1), scale_factor=2.0, mode="nearest")
            x = conv2d(x[..., 1:-1, 1:-1], kernels[name])
        else:
            # With the border repeated once the outermost pixels get as many terms as the others.
            x = F.pad(x, (1, 1, 1, 1), mode="replicate")
            x = conv_transpose2d(x, kernels[name], stride=2, padding=3)
        return relu(self.norms[name](x.contiguous(memory_format=torch.channels_last)))


@contextmanager
def watched_spikes(shared: SharedLayers) -> Iterator[list[Tensor]]:
    """Collects, for every instance norm that runs inside, how far normalised activations exceed
    SPIKE, squared: a scalar each.

    A network can make one spot so large that it decides a channel's mean and deviation, and with
    them the size of everything else (Karras et al. 2020, section 2, on StyleGAN); the spot shows as
    a white blob in bright, flat places.
    """
    spikes: list[Tensor] = []

    def note(norm: nn.Module, _: object, out: Tensor) -> None:
        gamma, beta = (cast(Tensor, p).view(1, -1, 1, 1) for p in norm.parameters())
        size = (widen(out) - beta).abs() / gamma.abs().clamp_min(1e-3)
        spikes.append((size - SPIKE).clamp_min(0).square().mean())

    hooks = [norm.register_forward_hook(note) for norm in shared.norms.values()]
    try:
        yield spikes
    finally:
        for hook in hooks:
            hook.remove()


class GeneratedNet(nn.Module):
    """A whole transfer network with kernels of its own: what a card of kernels holds, and what
    gradient steps can refine.

    Width 8: 112,843 parameters, 108,160 of them generated.
    """

    reach_px = 64  # that a pixel depends on, beside the norms; a little more than it is

    def __init__(self, width: int = 8, upsample: Upsample = "deconv") -> None:
        super().__init__()
        self.width = width
        self.shared = SharedLayers(width, upsample)
        shapes = kernel_shapes(width, upsample)
        self.kernels = nn.ParameterDict({n: torch.zeros(shape) for n, shape in shapes.items()})

    def forward(self, image: Tensor, raw: bool = False) -> Tensor:
        out: Tensor = self.shared(image, dict(self.kernels.items()), raw)
        return out

    def written(self, g: Graph, image: Name, around: Surroundings) -> Name:
        """`forward` as operators of a graph."""
        kernels = {n: g.weight(f"kernels.{n}", p, narrow=True) for n, p in self.kernels.items()}
        return self.shared.written(g, image, kernels, around)
