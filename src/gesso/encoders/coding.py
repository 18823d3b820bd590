"""Pictures to features and back, for methods that change features in between.

    features = encoded(encoder, images, ("relu4_1",), encoder.widths("relu4_1"), place)
    pictures = decoded(decoder, features, height, width, place, change)

Both go in tiles (`gesso.encoders.tiles`) and run in the dtype that is fast at their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.encoders import tiles
from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Blocks, Decoder
from gesso.encoders.tiles import Change, unchanged
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.surroundings import shares

LARGE_PX = 2**22  # a picture of more pixels is large


@torch.no_grad()
def encoded(
    encoder: Encoder,
    images: Tensor,
    levels: Sequence[str],
    blocks: Blocks,
    place: torch.device,
    narrow: bool = False,
) -> dict[str, Tensor]:
    """Features (B, C, h, w) of images (B, 3, H, W) in [0, 1] by level, in the dtype convolutions
    are computed in, with a margin of the reflected image at every side: with s px in a cell of the
    deepest level, where `blocks` end, h = ⌈H/s⌉ + 2·MARGIN_CELLS there, and twice that a block
    shallower. With `narrow` those of large images are float16, half of which float32 takes."""
    wanted = shares(images) > 0
    if bool(wanted.any()) and not bool(wanted.all()):  # no picture depends on its neighbours
        single = torch.split(images, 1)
        parts = [encoded(encoder, x, levels, blocks, place, narrow) for x in single]
        return {level: torch.cat([part[level] for part in parts]) for level in levels}
    large = narrow and images.shape[-2] * images.shape[-1] > LARGE_PX
    dtype, flat = torch.float16 if large else None, bool(wanted.all())
    with compute_in(fast_dtype(place)):
        return tiles.encode(encoder, images, levels, blocks, place, flat, dtype)


@torch.no_grad()
def decoded(
    decoder: Decoder,
    features: Mapping[str, Tensor],
    height: int,
    width: int,
    place: torch.device,
    change: Change = unchanged,
) -> Tensor:
    """Pictures (B, 3, height, width) in [0, 1] of features by level, with their margin; `change` is
    made to the features, a tile at a time."""
    with compute_in(fast_dtype(place)):
        return tiles.decode(decoder, features, height, width, change)


def by_regions(
    changes: Sequence[Change], regions: Tensor, features: Mapping[str, Tensor], stride: int
) -> Change:
    """Masks in feature space: every place of the features takes its shares of each change.

    Args:
        regions: (K, H, W), one for each change, that sum to 1 at every pixel.
        features: as from `encoded`; the change is for features of their sizes, on their device.
        stride: px in a cell of the deepest of their levels.
    """
    place = next(iter(features.values())).device
    padded = tiles.with_margin(regions.unsqueeze(0).to(place), stride)
    small = {
        level: F.adaptive_avg_pool2d(padded, (x.shape[-2], x.shape[-1]))[0]
        for level, x in features.items()
    }

    def mixed(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
        parts = zip(small[level][:, rows, columns], changes, strict=True)
        return sum(
            (share * change(level, x, rows, columns) for share, change in parts),
            x.new_zeros((), dtype=torch.float32),
        )

    return mixed
