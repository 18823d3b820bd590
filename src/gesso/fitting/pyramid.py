"""Pictures as the bands of a Laplacian pyramid, which a descent moves at every scale at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.fitting.adam import Adam
from gesso.reports import look

SMALLEST_PX = 8  # of a band's shorter side
BANDS = 5


def resized(image: Tensor, height: int, width: int) -> Tensor:
    """(B, C, height, width): bilinear, antialiased where it shrinks."""
    if image.shape[-2:] == (height, width):
        return image
    shrinks = height < image.shape[-2]
    return F.interpolate(image, (height, width), mode="bilinear", antialias=shrinks)


def blurred(image: Tensor, times: float) -> Tensor:
    """(B, C, H, W), as a copy shows it whose sides are so many times shorter."""
    height, width = image.shape[-2:]
    small = resized(image, *(max(1, round(n / times)) for n in (height, width)))
    return F.interpolate(small, (height, width), mode="bicubic")


def bands(image: Tensor, count: int = BANDS) -> list[Tensor]:
    """Up to `count` bands of detail of (B, C, H, W), the finest first, and what is left."""
    found = []
    for _ in range(count):
        height, width = image.shape[-2:]
        if min(height, width) < SMALLEST_PX:
            break
        half = resized(image, height // 2, width // 2)
        found.append(image - resized(half, height, width))
        image = half
    return [*found, image]


def summed(parts: Sequence[Tensor]) -> Tensor:
    """The picture of these bands: the inverse of `bands`."""
    image = parts[-1]
    for band in reversed(parts[:-1]):
        image = band + resized(image, *band.shape[-2:])
    return image


def descend(
    image: Tensor,
    loss: Callable[[Tensor], Tensor],
    steps: int,
    lr: float,
    on_step: Callable[[int, float], None] | None = None,
) -> Tensor:
    """`image` (B, 3, H, W) after steps of Adam on its bands that lower `loss`.

    `on_step` is given the steps done and the loss before the last of them.
    """
    parts = [torch.nn.Parameter(band.clone()) for band in bands(image.detach())]
    optimizer = Adam([(parts, lr)])
    for step in range(steps):
        value = loss(summed(parts))
        gradients = torch.autograd.grad(value, parts)
        for part, gradient in zip(parts, gradients, strict=True):
            part.grad = gradient
        del gradients
        optimizer.step()
        optimizer.zero_grad()  # which would be held while the next ones are made
        if on_step is not None:
            on_step(step + 1, float(value.detach()))
        look(lambda: summed(parts).detach())
    with torch.no_grad():
        return summed(parts)
