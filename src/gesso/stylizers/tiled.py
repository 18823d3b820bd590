"""Transfer networks on pictures of any size: tile by tile, and exactly what the whole would be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import torch
from torch import Tensor, nn

from gesso.nn import memory
from gesso.nn.gathered import ALIGNED, LEAST_PX, Gathered, Unknown, sides
from gesso.nn.strips import Striped

LEAST_SIDE, MOST_SIDE = 192, 2048  # px of a tile
SHARE = 0.5  # of what may be taken, that a tile takes
RESULT = 6  # bytes a pixel: pictures that were made in tiles are float16

Around = Callable[[], Any]
"""Makes what a tile is computed within, anew for each."""


def tile_side(net: nn.Module, photo: Striped) -> int | None:
    """The side in px of the tiles that a photo has to be computed in, to stay within the memory
    that may be taken; None: it can be computed whole, or not in tiles."""
    room, reach = memory.allowed(), reach_of(net)
    if room is None or not reach or min(photo.height, photo.width) < LEAST_PX:
        return None
    each = bytes_a_pixel(net)
    if each * photo.pixels <= room:
        return None
    side = int((SHARE * max(0, room - RESULT * photo.pixels) / each) ** 0.5) - 2 * reach
    return max(LEAST_SIDE, min(MOST_SIDE, side)) // ALIGNED * ALIGNED


def reach_of(net: nn.Module) -> int:
    """How many px away a network sees beside its norms; 0 for one that cannot be tiled."""
    return int(getattr(net, "reach_px", 0))


def bytes_a_pixel(net: nn.Module) -> int:
    """What a transfer network takes, of its width; measured in float32."""
    return 64 + 16 * int(getattr(net, "width", 16))


@torch.inference_mode()
def in_tiles(
    net: Callable[[Tensor], Tensor],
    photo: Striped,
    side: int,
    reach: int,
    around: Around = nullcontext,
) -> Tensor:
    """The picture (1, 3, H, W), float16, that `net` makes of a photo.

    Args:
        net: (1, 3, h, w) in [0, 1] → a picture of the same shape, by convolutions that see no
            further than `reach` px and instance norms.
        side: of the tiles in px.
        around: see `Around`.
    """
    out = torch.empty(1, 3, photo.height, photo.width, dtype=torch.float16)
    gathered, photo = Gathered(), photo.kept_small()
    while True:
        for down in sides(photo.height, side, reach):
            band = photo.at(down.computed)
            for across in sides(photo.width, side, reach):
                with suppress(Unknown), around(), gathered.of((down, across)):
                    made = net(band[..., across.computed])[..., down.wanted, across.wanted]
                    out[..., down.top : down.bottom, across.top : across.bottom] = made
        if gathered.settled():
            return out
