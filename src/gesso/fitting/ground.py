"""Empty ground: places where a photo shows nothing, such as the white behind a product.

Where features are matched, waves or a sky are painted into emptiness; where they are normalised
it gets a faint ring around what stands in it. There only a colour of what was painted is kept: the
one nearest to the photo's.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.fitting.carry import smaller_copy
from gesso.nn.strips import Striped, resized_rows

WINDOW = 1 / 16  # of the longer side: what is flat in a smaller window is a part of something
LEAST_PX = 17  # and never a smaller window than this
LEVELS = 1.5 / 255  # lowest to highest value in a window; no photographed place is as flat
ALIKE = 8 / 255  # ground within this of a colour is one ground
LEAST_SHARE, LEAST_BORDER = 1 / 16, 1 / 6  # of a picture and of its border; less is a shadow
MOST_GROUNDS = 8
NEAREST = 1 / 4  # of a ground's painted places, whose mean colour it gets
SOFT = 1 / 64  # of the longer side: width of the ground's edge
MOST_PIXELS = 800_000  # of the copy in which a larger photo's grounds are looked for


@torch.no_grad()
def grounds(photo: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Where a photo (1, 3, H, W) is empty: the colour (3, 1) of each ground and its places (H, W),
    which reach as far as that colour does."""
    left, size = _flat_windows(photo), _window(photo)
    found = []
    for _ in range(MOST_GROUNDS):
        if not left.any():
            break
        color = photo[0, :, left].median(1).values[:, None]
        alike = (photo[0] - color[:, :, None]).abs().amax(0) <= ALIKE
        ours, left = left & alike, left & ~alike
        if _is_ground(ours):
            near = _highest(ours[None, None].to(photo.dtype), size)[0, 0] > 0
            found.append((color, near & alike))
    return found


@torch.no_grad()
def emptied(painted: Striped, photo: Striped) -> Striped:
    """A painted picture with every ground of its photo in one colour painted there; what surrounds
    the grounds stays, with a soft edge. The picture itself where there is none."""
    seen = smaller_copy(photo, MOST_PIXELS)
    found = grounds(seen)
    if not found:
        return painted
    small = smaller_copy(painted, MOST_PIXELS)
    calm = small.clone()
    for color, places in found:
        calm[0, :, places] = _nearest(small[0, :, places], color)
    share = _softly(torch.stack([places for _, places in found]).any(0)[None, None].to(seen.dtype))
    size = (painted.height, painted.width)

    def change(picture: Tensor, rows: slice) -> Tensor:
        ground, way = (resized_rows(one, *size, rows) for one in (calm, share))
        return torch.lerp(picture, ground, way)

    return painted.changed(change)


def _window(photo: Tensor) -> int:
    return _odd(max(LEAST_PX, WINDOW * max(photo.shape[-2:])))


def _flat_windows(photo: Tensor) -> Tensor:
    """The places (H, W) of all windows of one colour."""
    size = _window(photo)
    block = min(size // 4 + 1, *photo.shape[-2:])  # every window holds one, at the border, too
    if not _flat(F.max_pool2d(photo, block) + F.max_pool2d(-photo, block)).any():
        return torch.zeros_like(photo[0, 0], dtype=torch.bool)
    flat = _flat(_highest(photo, size) + _highest(-photo, size))
    return _highest(flat.to(photo.dtype), size)[0, 0] > 0


def _is_ground(places: Tensor) -> bool:
    """Whether places (H, W) are much of a picture, and much of its border."""
    edges = torch.cat([places[0], places[-1], places[:, 0], places[:, -1]])
    of_border, of_all = (float(some.float().mean()) for some in (edges, places))
    return of_all >= LEAST_SHARE and of_border >= LEAST_BORDER


def _softly(places: Tensor) -> Tensor:
    """(1, 1, H, W): 1 within the places (1, 1, H, W), falling to 0 towards what is none of them."""
    edge = _odd(SOFT * max(places.shape[-2:]))
    inner = 1 - _highest(1 - places, edge + 2)  # enlarged, no share reaches beyond
    return F.avg_pool2d(F.pad(inner, (edge // 2,) * 4, mode="replicate"), edge, 1)


def _flat(spread: Tensor) -> Tensor:
    """Where every channel (1, 3, H, W) spreads over no more than LEVELS: (1, 1, H, W)."""
    return spread.amax(1, keepdim=True) <= LEVELS


def _nearest(colors: Tensor, wanted: Tensor) -> Tensor:
    """The mean (3, 1) of those among colours (3, N) that are nearest to the `wanted` (3, 1)."""
    distances = (colors - wanted).square().sum(0)
    order = distances.argsort()[: max(1, int(NEAREST * len(distances)))]
    return colors[:, order].mean(1, keepdim=True)


def _highest(x: Tensor, size: int) -> Tensor:
    """The highest value in the window of odd `size` around every place; windows are put together
    of smaller ones, which is quicker than a pooling."""
    x = F.pad(x, (size // 2,) * 4, value=-math.inf)
    for axis in (2, 3):
        reach = 1
        while reach < size:
            step = min(reach, size - reach)
            length = x.shape[axis] - step
            x = torch.maximum(x.narrow(axis, 0, length), x.narrow(axis, step, length))
            reach += step
    return x


def _odd(size: float) -> int:
    return 2 * int(size / 2) + 1
