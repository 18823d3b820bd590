"""What is painted of a photo: a smaller copy of a large one or for large strokes, small copies
before larger ones, and no empty ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.controls.polish import MAX_PIXELS
from gesso.fitting import carry
from gesso.fitting.carry import carried_over, smaller_copy
from gesso.fitting.ground import emptied
from gesso.images.copies import halvings
from gesso.methods.base import OnStep
from gesso.nn.strips import Striped
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import Stylizer, finished_by, together

LEAST_PX = 64  # of the longer side of a copy that is painted for large strokes


@dataclass(frozen=True)
class Limit:
    """The size at which pictures are painted.

    Attributes:
        side: their longer side in px up to which they are painted whole; None: as `pixels` says.
        pixels: their number of pixels, where there is no `side`; None: any.
        stroke: how large strokes are, in the usual size: the sides of what is painted are as many
            times smaller. Below 1 that may be an enlarged copy.
    """

    side: int | None = None
    pixels: int | None = None
    stroke: float = 1.0

    def of(self, height: int, width: int) -> int:
        """The pixels that a picture of this size is painted with: most often all it has."""
        whole = usual = height * width
        if self.side is not None:
            usual = round(whole * min(1.0, self.side / max(height, width)) ** 2)
        elif self.pixels is not None:
            usual = min(whole, self.pixels)
        least = min(usual, whole * (LEAST_PX / max(height, width)) ** 2)
        return round(max(usual / self.stroke**2, least))

    @property
    def polished(self) -> int | None:
        """The pixels of which polish sees a picture: all that are painted, None, where their size
        is asked for."""
        return MAX_PIXELS if self.side is None else None


def with_limit(stylizer_at: Callable[[float], Stylizer], limit: Limit) -> Stylizer:
    """A stylizer that paints pictures up to a size, and carries over to larger ones what changed in
    a smaller copy (`gesso.fitting.carry`), one at a time; or paints an enlarged copy, for fine
    strokes.

    Args:
        stylizer_at: makes the stylizer of copies with sides of that share.
    """
    whole = stylizer_at(1.0)

    def fits(height: int, width: int) -> bool:
        return limit.of(height, width) == height * width

    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        if fits(photo.height, photo.width):
            return whole.striped(photo, on_step)
        most = limit.of(photo.height, photo.width)
        share = (most / photo.pixels) ** 0.5
        if share > 1:
            painted = stylizer_at(share)(_enlarged(photo, share), on_step)
            return Striped.of(Striped.of(painted).shrunk(photo.height, photo.width))
        copy = smaller_copy(photo, most)
        return carried_over(photo, copy, stylizer_at(share)(copy, on_step))

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        if fits(*contents.shape[-2:]):
            return whole(contents, on_step)
        heard = (_one_of(on_step, number, len(contents)) for number in range(len(contents)))
        pairs = zip(torch.split(contents, 1), heard, strict=True)
        return together([striped(Striped.of(one), hears).whole() for one, hears in pairs])

    return Stylizer(run, whole.network, whole.why_none, striped)


def coarse_to_fine(stylizer_at: Callable[[float], Stylizer], begin: int, share: float) -> Stylizer:
    """A stylizer that paints a small copy first, and then copies twice as large up to the picture
    itself, each of which begins with what was made of the one before, carried over
    (`gesso.fitting.carry`).

    A network or a swap of features changes strokes and hardly shapes, since it sees little at
    once; of what it made of a copy it makes shapes as large as that copy's strokes. One pass more
    at half the size takes a quarter of the time. After the multi-scale stylization of Avatar-Net
    (Sheng et al. 2018) and all that optimises coarse to fine.

    Args:
        stylizer_at: makes the stylizer of copies with sides of that share.
        begin: about the longer side of the smallest copy in px, see
            `gesso.images.copies`; 0: no copies.
        share: that of the sides of the pictures themselves.
    """
    whole = stylizer_at(share)

    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        halved = halvings(max(photo.height, photo.width), begin)
        smaller = (smaller_copy(photo, photo.pixels // 4**n) for n in range(halved, 0, -1))
        copies = [*map(Striped.of, smaller), photo]

        def change(number: int, begun: Striped) -> Striped:
            at = stylizer_at(share / 2 ** (halved - number))
            return at.striped(begun, _one_of(on_step, number, halved + 1))

        return carry.coarse_to_fine(copies, change) if halved else whole.striped(photo, on_step)

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        count = len(contents)
        if not halvings(max(contents.shape[-2:]), begin):
            return whole(contents, on_step)
        heard = (_one_of(on_step, number, count) for number in range(count))
        pairs = zip(torch.split(contents, 1), heard, strict=True)
        return together([striped(Striped.of(one), hears).whole() for one, hears in pairs])

    return Stylizer(run, whole.network, whole.why_none, striped)


def with_ground(stylizer: Stylizer, calm: bool) -> Stylizer:
    """A stylizer whose pictures have one colour in the empty places of their photos, if that is
    wanted (`gesso.fitting.ground`)."""
    if not calm:
        return stylizer
    return finished_by(stylizer, emptied, stylizer.why_none, network=stylizer.network)


def _enlarged(photo: Striped, share: float) -> Tensor:
    """(1, 3, h, w) with sides of that share."""
    size = [round(share * side) for side in (photo.height, photo.width)]
    return F.interpolate(photo.whole(), size, mode="bicubic").clamp(0, 1)


def _one_of(on_step: OnStep | None, number: int, count: int) -> OnStep | None:
    """What hears the steps of picture `number` of `count`, as those of all."""
    report = in_batch(on_step, number, count)
    return None if report is None else lambda now: report(now.step, now.steps, now.losses)
