"""Loss term against blotches in flat areas: Gram matrices fix which colours appear, not where."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.nn.precision import widen

SCALES = (4, 8, 16)  # px averaged, each a multiple of the one before; finer strokes stay free
FLAT = 0.05  # a step between neighbouring averages of the photo that counts as an edge


def unevenness(picture: Tensor, photo: Tensor) -> Tensor:
    """Squared steps between neighbouring averages of the picture where the photo has none.

    A style's Gram matrices ask for its palette, not for a place of each colour, and a small network
    puts a missing colour into the middle of a wall or a sky, as a soft-edged blob. Where the photo
    has an edge (a step s weighs exp(−s²/FLAT²)), colours may change as they like.

    Args:
        picture, photo: (B, 3, H, W) in [0, 1].

    Returns:
        (B,): the mean over places and channels, summed over both directions and SCALES.
    """
    total = picture.new_zeros(len(picture))
    ours, theirs, done = widen(picture), widen(photo), 1
    for scale in SCALES:
        if min(picture.shape[-2:]) < 2 * scale:
            break
        # The averages of averages are those of the pixels.
        ours, theirs = (F.avg_pool2d(image, scale // done) for image in (ours, theirs))
        done = scale
        for axis in (2, 3):
            edge = theirs.diff(dim=axis).square().sum(1, keepdim=True)
            steps = ours.diff(dim=axis).square() * torch.exp(-edge / FLAT**2)
            total = total + steps.mean((1, 2, 3))
    return total
