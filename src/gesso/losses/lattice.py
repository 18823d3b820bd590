"""Loss term against a weave: features on a grid can be answered by what repeats with that grid."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

LEAST = 1e-3  # below which a weave cannot be seen
WINDOW = 5  # places along a side, over which a pattern has to repeat


def lattice(image: Tensor, px: int) -> Tensor:
    """The size of detail that repeats with every `px` px.

    A picture's detail (what the mean around a pixel leaves) is cut into places of px × px and
    averaged over windows of WINDOW × WINDOW of them: strokes and grain cancel, a weave stays. The
    root of the mean square in each window is taken, so that a faint weave in a wide flat place
    counts beside outlines.

    Args:
        image: (B, C, H, W), sides of at least WINDOW places.

    Returns:
        (B,): the mean over all windows.
    """
    detail = image - F.avg_pool2d(image, 2 * px + 1, 1, px, count_include_pad=False)
    places = F.pixel_unshuffle(detail[..., : _whole(detail, 2, px), : _whole(detail, 3, px)], px)
    energy = F.avg_pool2d(places, WINDOW, 1).square().mean(1)
    return (energy + LEAST**2).sqrt().mean((1, 2)) - LEAST


def _whole(x: Tensor, axis: int, px: int) -> int:
    return x.shape[axis] // px * px
