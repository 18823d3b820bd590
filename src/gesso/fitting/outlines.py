"""How much of a photo's outlines a picture has kept.

Features say that a stroke is like one of the painting's, and a photo's self-similarity says which
places are alike; neither says that an eye stays where it was. Where a painting has long stripes of
strong contrast, the last pass drew them over eyes and roofs, though it began with both. Outlines
are seen as a viewer sees them from afar: in small copies, as the strength of the change of colour,
which may go from light to dark where the photo's goes from dark to light.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gesso.fitting.pyramid import resized

COPIES_PX = (128, 64)  # longer sides: what is finer is strokes
LEAST_PX = 8  # of a copy's shorter side
FAINT = 1 / 255  # standard deviation of outlines: below it they are noise, and nothing to keep
LEAST = 1e-7  # of a squared change, below an 8-bit step's


class Outlines:
    """The loss: how far the correlation of a picture's outlines with a photo's is below a floor, in
    the mean over the copies; 0 where all are above."""

    def __init__(self, photo: Tensor, floor: float) -> None:
        """
        Args:
            photo: (1, 3, H, W), of the pictures' size.
            floor: a correlation, from 0 to 1.
        """
        self.floor = floor
        with torch.no_grad():
            found = {size: outlines(photo, *size) for size in _copies(photo)}
        self.wanted = {size: own for size, own in found.items() if float(own.std()) > FAINT}

    def __call__(self, image: Tensor) -> Tensor:
        total = image.new_zeros(())
        for size, wanted in self.wanted.items():
            kept = correlation(outlines(image, *size), wanted)
            total = total + (self.floor - kept).clamp_min(0) / len(self.wanted)
        return total


def outlines(image: Tensor, height: int, width: int) -> Tensor:
    """(1, height − 2, width − 2): how strongly colours change in a copy of (1, 3, H, W)."""
    copy = resized(image, height, width)
    across = copy[..., 1:-1, 2:] - copy[..., 1:-1, :-2]
    down = copy[..., 2:, 1:-1] - copy[..., :-2, 1:-1]
    return ((across.square() + down.square()).sum(1) + LEAST).sqrt()


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's, of tensors of one shape; 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / (a.square().sum() * b.square().sum() + LEAST**2).sqrt()


def _copies(photo: Tensor) -> list[tuple[int, int]]:
    found = []
    for longest in COPIES_PX:
        share = min(1.0, longest / max(photo.shape[-2:]))
        size = (round(photo.shape[-2] * share), round(photo.shape[-1] * share))
        if min(size) >= LEAST_PX and size not in found:
            found.append(size)
    return found
