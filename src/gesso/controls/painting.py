"""What is painted of a photo: a smaller copy of a large one, small copies before larger ones, and
no empty ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.fitting import carry
from gesso.fitting.carry import carried_over, smaller_copy
from gesso.fitting.ground import emptied
from gesso.images.copies import halvings
from gesso.methods.base import OnStep
from gesso.nn.strips import Striped
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import Stylizer, finished_by, together


@dataclass(frozen=True)
class Limit:
    """Up to which size pictures are painted whole.

    Attributes:
        side: their longer side in px; None: as `pixels` says.
        pixels: their number of pixels, where there is no `side`; None: any.
    """

    side: int | None = None
    pixels: int | None = None

    def of(self, height: int, width: int) -> int:
        """The most pixels that a picture of this size is painted with, which may be all."""
        whole = height * width
        if self.side is not None:
            return round(whole * min(1.0, self.side / max(height, width)) ** 2)
        return whole if self.pixels is None else min(whole, self.pixels)


def with_limit(stylizer_at: Callable[[float], Stylizer], limit: Limit) -> Stylizer:
    """A stylizer that paints pictures up to a size, and carries over to larger ones what changed in
    a smaller copy (`gesso.fitting.carry`), one at a time.

    Args:
        stylizer_at: makes the stylizer of copies with sides of that share.
    """
    whole = stylizer_at(1.0)

    def fits(height: int, width: int) -> bool:
        return limit.of(height, width) >= height * width

    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        if fits(photo.height, photo.width):
            return whole.striped(photo, on_step)
        most = limit.of(photo.height, photo.width)
        copy = smaller_copy(photo, most)
        painted = stylizer_at((most / photo.pixels) ** 0.5)(copy, on_step)
        return carried_over(photo, copy, painted)

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


def _one_of(on_step: OnStep | None, number: int, count: int) -> OnStep | None:
    """What hears the steps of picture `number` of `count`, as those of all."""
    report = in_batch(on_step, number, count)
    return None if report is None else lambda now: report(now.step, now.steps, now.losses)
