"""A photo's light and shade, given back to a picture that was drawn of it with patches.

A patch is chosen for its texture and outlines, and may be light where the photo is dark: of a face
drawn again and again, copy after copy, eyes and mouth are lost.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gesso.fitting.pyramid import bands, summed
from gesso.graphs.drawing import COUNT, FINEST


@torch.no_grad()
def shaded(picture: Tensor, photo: Tensor, share: float) -> Tensor:
    """A picture (1, 3, H, W) in [0, 1] whose lightness has gone `share` of the way to that of a
    photo of its size, in all bands of detail of more than `FINEST`; hues stay."""
    if not share:
        return picture
    ours, theirs = (bands(image.mean(1, keepdim=True), COUNT) for image in (picture, photo))
    least = FINEST * max(picture.shape[-2:])
    change = [torch.zeros_like(band) for band in ours]
    for number, (own, wanted) in enumerate(zip(ours[:-1], theirs[:-1], strict=True)):
        if 2 ** (number + 1) >= least:
            change[number] = share * (wanted - own)
    return (picture + summed(change)).clamp(0, 1)
