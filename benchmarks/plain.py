"""Algorithm 1 of MetaStyle (Zhang et al. 2019) as one would first write it.

float32, contiguous memory, torch's own layers (F.instance_norm, reflection padding by nn.Conv2d),
one style at a time. A style's graph is freed before the next one's is built, so it is frugal with
memory too. The yardstick of meta_step.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

LEVELS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
CONTENT_LEVEL = "relu2_2"
STYLE_WEIGHT = 1e5
VGG16_WIDTHS, VGG16_DEPTHS = (64, 128, 256, 512), (2, 2, 3, 3)


class PlainBlock(nn.Module):
    """Reflection-padded convolution and instance norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect"
        )
        self.norm = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return x


class PlainNet(nn.Module):
    """The transfer network of the supplement's table 1, its parameters in the order of ours."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w = width
        self.down = nn.ModuleList(
            [PlainBlock(3, w, 9), PlainBlock(w, 2 * w, 3, 2), PlainBlock(2 * w, 4 * w, 3, 2)]
        )
        self.residual = nn.ModuleList(PlainBlock(4 * w, 4 * w, 3) for _ in range(10))
        self.up = nn.ModuleList([PlainBlock(4 * w, 2 * w, 3), PlainBlock(2 * w, w, 3)])
        self.out = nn.Conv2d(w, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        for block in self.down:
            x = F.relu(block(x))
        for first, second in zip(self.residual[::2], self.residual[1::2], strict=True):
            x = x + second(F.relu(first(x)))
        for block in self.up:
            x = F.relu(block(F.interpolate(x, scale_factor=2, mode="nearest")))
        return torch.sigmoid(self.out(x))


class PlainVGG(nn.Module):
    """VGG-16 up to relu4_3, frozen; RGB in [0, 1] in, feature maps by level out."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        channels = 3
        for width, depth in zip(VGG16_WIDTHS, VGG16_DEPTHS, strict=True):
            for _ in range(depth):
                self.convs.append(nn.Conv2d(channels, width, 3, padding=1))
                channels = width
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = (x - self.mean) / self.std
        convs, features = iter(self.convs), {}
        for block, depth in enumerate(VGG16_DEPTHS, 1):
            x = F.max_pool2d(x, 2) if block > 1 else x
            for i in range(1, depth + 1):
                x = F.relu(next(convs)(x))
                features[f"relu{block}_{i}"] = x
        return {level: features[level] for level in LEVELS}


def gram(features: Tensor) -> Tensor:
    """(B, C, H, W) → (B, C, C): F Fᵀ / (C·H·W)."""
    batch, channels, height, width = features.shape
    f = features.reshape(batch, channels, height * width)
    return f @ f.transpose(1, 2) / (channels * height * width)


def perceptual(vgg: PlainVGG, image: Tensor, content: Tensor, style: dict[str, Tensor]) -> Tensor:
    """Content + 1e5 · style, mean squared errors averaged over the batch."""
    features = vgg(image)
    loss = F.mse_loss(features[CONTENT_LEVEL], content)
    for level, target in style.items():
        g = gram(features[level])
        loss = loss + STYLE_WEIGHT * F.mse_loss(g, target.expand_as(g))
    return loss


def plain_step(
    net: PlainNet, vgg: PlainVGG, batch: dict[str, Tensor], inner_lr: float, inner_steps: int = 1
) -> float:
    """One iteration; adds the meta-gradient, a mean over styles, to the parameters' .grad.

    batch: "contents_support", "contents_query" (C, 3, h, w), "styles" (S, 3, H, W). Returns the
    mean outer loss.
    """
    support, query, styles = (
        batch[key] for key in ("contents_support", "contents_query", "styles")
    )
    with torch.no_grad():
        support_features, query_features = (vgg(x)[CONTENT_LEVEL] for x in (support, query))
    total = 0.0
    for style in styles:
        with torch.no_grad():
            target = {level: gram(f) for level, f in vgg(style.unsqueeze(0)).items()}
        fast = {name: p for name, p in net.named_parameters() if ".norm." in name}
        for _ in range(inner_steps):
            image = functional_call(net, fast, (support,))
            loss = perceptual(vgg, image, support_features, target)
            grads = torch.autograd.grad(loss, tuple(fast.values()), create_graph=True)
            fast = {n: p - inner_lr * g for (n, p), g in zip(fast.items(), grads, strict=True)}
        outer = perceptual(vgg, functional_call(net, fast, (query,)), query_features, target)
        (outer / len(styles)).backward()
        total += outer.item() / len(styles)
    return total
