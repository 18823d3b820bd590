"""Photos drawn with patches of paintings, from a small copy up (`gesso.fitting.painting` without
its descents, in numpy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gesso.errors import GessoError
from gesso.graphs import drawing
from gesso.graphs.drawing import STRIDE, scales, size_at
from gesso.images.arrays import Pixels
from gesso.runtime.carry import carried
from gesso.runtime.colors import Colors, lacking
from gesso.runtime.patches import Bank
from gesso.runtime.recolor import recolored
from gesso.runtime.sampling import bilinear
from gesso.runtime.sessions import Arrays
from gesso.runtime.shading import shaded
from gesso.runtime.swap import Painting, Swap

RANGES = {"alpha": (0.0, 1.0), "key_blur": (1.0, 64.0), "palette_first": (0.0, 1.0)}


@dataclass(frozen=True)
class How:
    """How photos are drawn, see `gesso.fitting.settings`.

    Attributes:
        weights: the name of those that pictures are decoded with.
        stride: places from patch to patch.
    """

    weights: str
    alpha: float
    key_blur: float
    palette_first: float
    recolor: str
    stride: float = STRIDE

    @classmethod
    def of_card(cls, config: Mapping[str, Any], weights: str, usual: Mapping[str, Any]) -> How:
        """That of a card's configuration; what it lacks is as it was `before` there was a choice.

        Raises:
            GessoError: a card that is drawn by steps, or a damaged one.
        """
        before = usual["before"]
        found = {name: config.get(name, before.get(name, usual[name])) for name in usual}
        if found["drawn_by"] != usual["drawn_by"] or found["recolor"] not in ("own", "off"):
            names = ", ".join(f"{n} {found[n]}"[:40] for n in ("drawn_by", "recolor"))
            raise GessoError(f"a card with {names}, which needs torch")
        for name, (least, most) in RANGES.items():
            if type(found[name]) not in (int, float) or not least <= found[name] <= most:
                raise GessoError(f"a card with a damaged {name}")
        own = {name: found[name] for name in ("recolor", *RANGES)}
        weights = weights if "key_blur" in config else before["weights"]
        return cls(weights, **own, stride=STRIDE if "centred" in config else 1.0)

    @property
    def share(self) -> float:
        """That of patches in what is drawn."""
        return drawing.patches(self.alpha)

    def sizes(self, longest: int) -> list[int]:
        """The longer sides of the copies that are drawn of a photo: its own at least."""
        found = scales(longest)
        return [size for size in found if size > drawing.first_px(self.alpha)] or found[-1:]


@dataclass(frozen=True)
class Drawer:
    """A style, or a mixture, whose patches draw photos (3, H, W) in [0, 1].

    Attributes:
        paintings: in `shares`.
        colors: of all of them, see `gesso.runtime.kept`; None: unknown.
        banks: their patches, by how far from they are looked for.
    """

    swap: Swap
    paintings: Sequence[Painting]
    shares: Sequence[float]
    colors: Arrays | None
    how: How
    banks: dict[float, Bank] = field(default_factory=dict)

    def __call__(self, photo: Pixels) -> Pixels:
        """The photo, drawn."""
        return drawn([self], photo)

    def softened(self, photo: Pixels, strength: float) -> Drawer:
        """With more of the photo: all of it at a strength of 0."""
        alpha = 1 - strength * (1 - self.how.alpha)
        return replace(self, how=replace(self.how, alpha=alpha))

    @property
    def bank(self) -> Bank:
        """The patches, made when the first photo needs them."""
        blur = drawing.blurred(self.how.alpha, self.how.key_blur)
        if blur not in self.banks:
            self.banks[blur] = self.swap.bank(self.paintings, self.shares, self.how.stride, blur)
        return self.banks[blur]


def drawn(drawers: Sequence[Drawer], photo: Pixels, regions: Pixels | None = None) -> Pixels:
    """The photo, drawn as the first says, each in its shares (K, H, W) of it; None: by one."""
    how, swap = drawers[0].how, drawers[0].swap
    seen = _in_palettes(drawers, photo, regions)
    height, width = photo.shape[1:]
    sides = [size_at(height, width, size) for size in how.sizes(max(height, width))]
    before = picture = begun = _sized(seen, *sides[0])
    for number, size in enumerate(sides):
        copy = _sized(seen, *size)
        begun = carried(copy, before, picture) if number else copy
        if how.share:
            made = swap.redrawn(begun, [one.bank for one in drawers], regions)
            begun = made if how.share == 1 else begun + np.float32(how.share) * (made - begun)
        before, picture = copy, shaded(begun, copy, drawing.shade(how.alpha))
    picture = _sized(picture, height, width).clip(0, 1)
    return _together([_recolored(picture, one) for one in drawers], regions)


def _in_palettes(drawers: Sequence[Drawer], photo: Pixels, regions: Pixels | None) -> Pixels:
    """The photo, its colours moved some way to those of each style; less where it is flat or dark,
    as all its colours are then."""
    how, found = drawers[0].how, [one.colors for one in drawers]
    way = how.palette_first * how.share * (1 - lacking(photo))
    known = [Colors.of(one["pixels"].T[:, None]) for one in found if one is not None]
    if not way or len(known) < len(found):
        return photo
    own = Colors.of(photo)
    return _together([own.nearer(photo, target, way) for target in known], regions)


def _recolored(picture: Pixels, drawer: Drawer) -> Pixels:
    if drawer.how.recolor == "off":
        return picture
    if drawer.colors is None:
        raise GessoError("a card without its style's colours: recolor needs them; adapt anew")
    return recolored(picture, drawer.colors)


def _together(pictures: Sequence[Pixels], regions: Pixels | None) -> Pixels:
    if regions is None:
        return pictures[0]
    total = np.zeros_like(pictures[0])
    for share, picture in zip(regions, pictures, strict=True):
        total += share * picture
    return total


def _sized(image: Pixels, height: int, width: int) -> Pixels:
    same = image.shape[1:] == (height, width)
    return image if same else bilinear(image, height, width)
