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
from gesso.encoders.tiles import Change, Parts, unchanged
from gesso.nn import memory
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.strips import Striped
from gesso.nn.surroundings import shares

LARGE_PX = 2**22  # a picture of more pixels is large
PICTURES = 60  # bytes a pixel of what is held beside features: the photo, the picture


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
def seen(
    encoder: Encoder,
    images: Tensor | Striped,
    levels: Sequence[str],
    blocks: Blocks,
    place: torch.device,
    narrow: bool = False,
) -> dict[str, Tensor] | Parts:
    """`encoded` images, or one of any size; of a single one whose features do not fit into the
    memory that may be taken, parts that are encoded wherever they are looked at."""
    if not fits(encoder, levels, images):
        flat = bool((shares(images) > 0).all())
        return Parts(encoder, images, levels, blocks, place, flat)
    whole = images.whole() if isinstance(images, Striped) else images
    return encoded(encoder, whole, levels, blocks, place, narrow)


def fits(encoder: Encoder, levels: Sequence[str], images: Tensor | Striped) -> bool:
    """Whether features of (B, 3, H, W), or of one picture, may be held; those of a batch are."""
    if isinstance(images, Tensor):
        pixels, count = images.shape[-2] * images.shape[-1], len(images)
    else:
        pixels, count = images.pixels, 1
    room = memory.allowed()
    sizes = [blocks[-1][-1] / 4 ** (len(blocks) - 1) for blocks in map(encoder.layers, levels)]
    return count > 1 or room is None or (4 * sum(sizes) + PICTURES) * pixels <= room


@torch.no_grad()
def decoded(
    decoder: Decoder,
    features: Mapping[str, Tensor] | Parts,
    height: int,
    width: int,
    place: torch.device,
    change: Change = unchanged,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Pictures (B, 3, height, width) in [0, 1] of features by level, with their margin; `change` is
    made to the features, a tile at a time."""
    with compute_in(fast_dtype(place)):
        return tiles.decode(decoder, features, height, width, change, dtype)


def by_regions(
    changes: Sequence[Change],
    regions: Tensor,
    features: Mapping[str, Tensor] | Parts,
    stride: int,
) -> Change:
    """Masks in feature space: every place of the features takes its shares of each change.

    Args:
        regions: (K, H, W), one for each change, that sum to 1 at every pixel.
        features: as from `encoded`; the change is for features of their sizes, on their device.
        stride: px in a cell of the deepest of their levels.
    """
    if isinstance(features, Parts):
        place, sizes = features.place, {n: features.size(n) for n in features.levels}
    else:
        place = next(iter(features.values())).device
        sizes = {level: (x.shape[-2], x.shape[-1]) for level, x in features.items()}
    padded = tiles.with_margin(regions.unsqueeze(0).to(place), stride)
    small = {level: F.adaptive_avg_pool2d(padded, size)[0] for level, size in sizes.items()}

    def mixed(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
        parts = zip(small[level][:, rows, columns], changes, strict=True)
        return sum(
            (share * change(level, x, rows, columns) for share, change in parts),
            x.new_zeros((), dtype=torch.float32),
        )

    return mixed
