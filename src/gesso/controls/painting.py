"""What is painted of a photo: a smaller copy of a large one, small copies before larger ones, and
no empty ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gesso.fitting import carry
from gesso.fitting.carry import at_most, smaller
from gesso.fitting.ground import emptied
from gesso.images.copies import halvings
from gesso.methods.base import OnStep
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import Stylizer


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

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        height, width = contents.shape[-2:]
        most, count = limit.of(height, width), len(contents)
        if most >= height * width:
            return whole(contents, on_step)
        small = stylizer_at((most / (height * width)) ** 0.5)
        rows = []
        for number, content in enumerate(contents):
            painted = partial(small, on_step=_one_of(on_step, number, count))
            rows.append(at_most(most, content[None], painted))
        return _together(rows)

    return Stylizer(run, whole.network, whole.why_none)


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

    def painted(content: Tensor, halved: int, on_step: OnStep | None) -> Tensor:
        height, width = content.shape[-2:]
        copies = [smaller(content, height * width // 4**n) for n in range(halved, 0, -1)]

        def change(number: int, begun: Tensor) -> Tensor:
            at = stylizer_at(share / 2 ** (halved - number))
            return at(begun, _one_of(on_step, number, halved + 1))

        return carry.coarse_to_fine([*copies, content], change)

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        halved, count = halvings(max(contents.shape[-2:]), begin), len(contents)
        if not halved:
            return whole(contents, on_step)
        heard = (_one_of(on_step, number, count) for number in range(count))
        pairs = zip(contents, heard, strict=True)
        return _together([painted(content[None], halved, hears) for content, hears in pairs])

    return Stylizer(run, whole.network, whole.why_none)


def with_ground(stylizer: Stylizer, calm: bool) -> Stylizer:
    """A stylizer whose pictures have one colour in the empty places of their photos, if that is
    wanted (`gesso.fitting.ground`)."""
    if not calm:
        return stylizer

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        pairs = zip(stylizer(contents, on_step), contents, strict=True)
        return _together([emptied(picture[None], photo[None]) for picture, photo in pairs])

    return Stylizer(run, stylizer.network, stylizer.why_none)


def _one_of(on_step: OnStep | None, number: int, count: int) -> OnStep | None:
    """What hears the steps of picture `number` of `count`, as those of all."""
    report = in_batch(on_step, number, count)
    return None if report is None else lambda now: report(now.step, now.steps, now.losses)


def _together(rows: list[Tensor]) -> Tensor:
    """Pictures (1, 3, H, W) in a batch; a single one, which may be large, is not copied."""
    return rows[0] if len(rows) == 1 else torch.cat(rows)
