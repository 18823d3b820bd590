"""Small random networks and pictures for tests: the real classes at a fraction of the size."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from gesso.encoders.compact import CompactEncoder
from gesso.encoders.vgg import VGG
from gesso.methods.base import Method
from gesso.nn.transfer import TransferNet

WIDTHS = (4, 6, 8, 10)
QUICK: dict[str, Any] = {
    **{"steps": 1, "fine_steps": 1, "half_steps": 0, "final_steps": 1},
    **{"crop": 32, "batch": 1, "style_size": 64},
}


def tiny_encoder(seed: int = 0, dtype: torch.dtype = torch.float32) -> CompactEncoder:
    """A compact encoder with one convolution a block, weights random, frozen."""
    torch.manual_seed(seed)
    encoder = CompactEncoder(WIDTHS, (1, 1, 1, 1), WIDTHS)
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    encoder.freeze()
    return encoder.to(dtype)


def random_vgg(seed: int = 0) -> VGG:
    """VGG-19 up to relu4_3 with random weights that keep the size of its features, frozen."""
    torch.manual_seed(seed)
    network = VGG("vgg19", caffe=True, deepest="relu4_3")
    for conv in network.convs.values():
        assert isinstance(conv, nn.Conv2d)
        nn.init.kaiming_normal_(conv.weight)
        nn.init.zeros_(conv.bias)
    network.freeze()
    return network


def quick(method: Method, **more: Any) -> dict[str, Any]:
    """Those of QUICK, with `more`, that are options of the method."""
    known = [field.name for field in fields(method.about.options)]
    return {name: value for name, value in (QUICK | more).items() if name in known}


def tiny_net(seed: int = 0, dtype: torch.dtype = torch.float32, width: int = 4) -> TransferNet:
    """A narrow transfer network whose γ and β are not at their trivial start."""
    torch.manual_seed(seed)
    net = TransferNet(width)
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() == 1:
                p.add_(0.2 * torch.randn_like(p))
    return net.to(dtype)


def pictures(
    count: int, side: int = 16, seed: int = 1, dtype: torch.dtype = torch.float32
) -> Tensor:
    """(count, 3, side, side): smooth random colours, each picture with its own palette."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator, dtype=dtype)
    palette = torch.rand(count, 3, 1, 1, generator=generator, dtype=dtype)
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return (0.6 * smooth + 0.4 * palette).clamp(0, 1)


def grained(images: Tensor) -> Tensor:
    """`images` with the detail that photos have."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(images.shape[-2:], generator=generator, dtype=images.dtype)
    return (images + 0.02 * noise).clamp(0, 1)
