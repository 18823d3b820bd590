"""VGG-16 and VGG-19 (Simonyan & Zisserman 2015) up to the layers the losses need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn

from gesso.encoders.base import Convolution, Encoder
from gesso.encoders.levels import DEEPEST, DEPTHS, layer_names
from gesso.nn.convolution import conv2d, reflect_pad

WIDTHS = (64, 128, 256, 512, 512)

# torchvision's convention: RGB in [0, 1], normalised per channel.
RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Caffe's: BGR in [0, 255], mean subtracted; here in RGB order.
CAFFE_MEAN = (123.68, 116.779, 103.939)


Convention = Literal["torchvision", "caffe", "normalised"]
"""Whose weights they are: torchvision's, Caffe's, or those of AdaIN's authors, VGG-19 only."""


def file_names(variant: str, tensors: Iterable[str], convention: Convention) -> dict[str, str]:
    """conv1_1.weight … → its name in a file: the same in Caffe's, features.0.weight … in
    torchvision's, where ReLUs and poolings count, 2.weight … where paddings do, too."""
    if convention == "caffe":
        return {tensor: tensor for tensor in tensors}
    prefix, index, step = ("features.", 0, 2) if convention == "torchvision" else ("", 2, 3)
    indices = {"conv0": 0}
    for name in layer_names(variant, f"relu5_{DEPTHS[variant][-1]}"):
        index += name.endswith("_1") and name != "conv1_1"  # the pooling before it
        indices[name] = index
        index += step
    parts = {tensor: tensor.split(".") for tensor in tensors}
    return {tensor: f"{prefix}{indices[conv]}.{part}" for tensor, (conv, part) in parts.items()}


def tensor_shapes(
    variant: str, deepest: str = DEEPEST, convention: Convention = "torchvision"
) -> dict[str, tuple[int, ...]]:
    """`convB_I.weight` and `.bias` with their shapes, up to `deepest`; a normalised VGG-19 begins
    with a 1×1 convolution, conv0."""
    first: dict[str, tuple[int, ...]] = {"conv0.weight": (3, 3, 1, 1), "conv0.bias": (3,)}
    shapes = first if convention == "normalised" else {}
    channels = 3
    for name in layer_names(variant, deepest):
        width = WIDTHS[int(name[4]) - 1]
        shapes |= {f"{name}.weight": (width, channels, 3, 3), f"{name}.bias": (width,)}
        channels = width
    return shapes


class VGG(Encoder):
    """VGG with zero padding; `caffe` chooses the input convention its weights were trained with."""

    mean: Tensor
    std: Tensor

    def __init__(self, variant: str, *, caffe: bool, deepest: str = DEEPEST) -> None:
        super().__init__()
        self.name, self.caffe = variant, caffe
        names = layer_names(variant, deepest)
        self.levels = tuple(name.replace("conv", "relu") for name in names)
        shapes = tensor_shapes(variant, deepest)
        self.convs = nn.ModuleDict(
            {n: Convolution(shapes[f"{n}.weight"][1], shapes[f"{n}.bias"][0], 3) for n in names}
        )
        mean, std = (CAFFE_MEAN, (1.0, 1.0, 1.0)) if caffe else (RGB_MEAN, RGB_STD)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, levels: Sequence[str] | None = None) -> dict[str, Tensor]:
        wanted, last = self.wanted(levels)
        x = self._input(image).contiguous(memory_format=torch.channels_last)
        features = {}
        for level in self.levels[: last + 1]:
            name = level.replace("relu", "conv")
            if name.endswith("_1") and name != "conv1_1":
                x = self._pooled(x)
            x = torch.relu(self._convolved(x, name))
            if level in wanted:
                features[level] = x
        return features

    def _input(self, image: Tensor) -> Tensor:
        return ((image * 255 if self.caffe else image) - self.mean) / self.std

    def _pooled(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(x, 2)

    def _convolved(self, x: Tensor, name: str) -> Tensor:
        y: Tensor = self.convs[name](x)
        return y

    def layers(self, level: str) -> tuple[tuple[int, ...], ...]:
        _, last = self.wanted([level])
        names = self.levels[: last + 1]
        depths = [sum(name[4] == str(b) for name in names) for b in range(1, 6)]
        return tuple((width,) * n for width, n in zip(WIDTHS, depths, strict=True) if n)


class NormalisedVGG(VGG):
    """VGG-19 as AdaIN's authors use it: each channel scaled to a mean activation of 1, reflection
    padding, poolings that round up, and a 1×1 convolution in front from RGB in [0, 1] to Caffe's
    input. A map must have 2 px at least to be padded: 16 px of picture for relu4_1."""

    rounds_up = True

    def __init__(self, deepest: str = DEEPEST) -> None:
        super().__init__("vgg19", caffe=False, deepest=deepest)
        self.first = Convolution(3, 3, 1)

    def _input(self, image: Tensor) -> Tensor:
        y: Tensor = self.first(image)
        return y

    def _pooled(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(x, 2, ceil_mode=True)

    def _convolved(self, x: Tensor, name: str) -> Tensor:
        conv = cast(Convolution, self.convs[name])
        return conv2d(reflect_pad(x, 1), conv.weight, conv.bias)


def from_tensors(
    variant: str, tensors: Mapping[str, Tensor], convention: Convention, deepest: str = DEEPEST
) -> VGG:
    """Build from the tensors of `tensor_shapes`. Caffe weights are in BGR order; the first kernel
    is turned round once, so that the network itself takes RGB.

    Raises:
        GessoError: a level VGG does not have.
    """
    state = {name: tensors[name].float() for name in tensor_shapes(variant, deepest, convention)}
    encoder: VGG
    if convention == "normalised":
        encoder = NormalisedVGG(deepest)
        encoder.first.load_state_dict({p: state.pop(f"conv0.{p}") for p in ("weight", "bias")})
    else:
        encoder = VGG(variant, caffe=convention == "caffe", deepest=deepest)
    if convention == "caffe":
        state["conv1_1.weight"] = state["conv1_1.weight"].flip(1)
    encoder.convs.load_state_dict(state)
    return encoder
