"""A style, or several, ready to paint photos without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from gesso.controls.options import ControlOptions
from gesso.images.arrays import Pixels
from gesso.images.copies import halvings
from gesso.runtime.carry import at_size, carried
from gesso.runtime.coloring import grey, in_photos_colors
from gesso.runtime.colors import Colors, Tint, with_palette
from gesso.runtime.ground import emptied
from gesso.runtime.masks import covers, region_shares
from gesso.runtime.sampling import smaller
from gesso.runtime.strength import at_distance

LEAST_PX = 64

Paints = Callable[[Pixels], Pixels]
"""A photo (3, H, W) in [0, 1] → its picture."""

Together = Callable[[Any, Pixels, Pixels], Pixels]
"""What paints a photo by several painters at once, in their regions (K, H, W)."""


class Paint(Protocol):
    """What paints photos (3, H, W) in a style, or in a mixture."""

    def __call__(self, photo: Pixels) -> Pixels:
        """The picture."""
        ...

    def softened(self, photo: Pixels, strength: float) -> Paint | None:
        """The same with that share of the style; None where it is not known how."""
        ...


@dataclass
class Look:
    """Networks with all that they need of styles: photo (3, H, W) → picture, in [0, 1].

    Attributes:
        painters: one, or one for each region of the controls' masks.
        palettes: of the styles' colours, one for each painter; None: they are left as they come.
        tint: of all styles; None, too.
        color_share, paint_from, paint_pixels: what the method does where the controls do not say.
        controls: how pictures are finished.
        matched: whether the styles have the photo's colours already, where those are asked for.
        together: what paints in all regions at once; None: pictures are put together.
    """

    painters: Sequence[Paint]
    palettes: Sequence[Colors] | None = None
    tint: Tint | None = None
    color_share: float = 0.0
    paint_from: int = 0
    paint_pixels: int = 0
    controls: ControlOptions = field(default_factory=ControlOptions)
    matched: bool = False
    together: Together | None = None

    def __call__(self, photo: Pixels) -> Pixels:
        """The photo, painted and finished as `gesso.Controls` does it."""
        strength = self.controls.strength
        if strength == 0:
            return photo
        full = self.finished(photo)
        if strength == 1:
            return full
        softened = [painter.softened(photo, strength) for painter in self.painters]
        known = [painter for painter in softened if painter is not None]
        soft = full
        if len(known) == len(softened):
            soft = replace(self, painters=known).finished(photo, strength)
        return at_distance(photo, soft, full, strength)

    def finished(self, photo: Pixels, strength: float = 1.0) -> Pixels:
        """The photo, painted, with so much of the palette, its ground and its colours."""
        how = self.controls
        seen = grey(photo) if how.color == "luminance" else photo
        picture = self._with_palette(self._painted(seen), seen, strength)
        if how.ground != "painted":
            picture = emptied(picture, seen)
        if how.color != "style":
            picture = in_photos_colors(picture, photo, how.color, self.matched)
        elif self.tint is not None:
            picture = self.tint.limited(picture)
        return self._covered(picture, photo)

    def painted_pixels(self, height: int, width: int) -> int:
        """The pixels that a picture of this size is painted with (`gesso.controls.painting`)."""
        how, whole, longer = self.controls, height * width, max(height, width)
        usual = min(whole, self.paint_pixels) if self.paint_pixels else whole
        if how.paint_size is not None:
            usual = round(whole * min(1.0, how.paint_size / longer) ** 2)
        least = min(usual, whole * (LEAST_PX / longer) ** 2)
        return round(max(usual / how.stroke**2, least))

    def _painted(self, photo: Pixels) -> Pixels:
        pixels = self.painted_pixels(*photo.shape[1:])
        share = (pixels / (photo.shape[1] * photo.shape[2])) ** 0.5
        return at_size(pixels, photo, lambda copy: self._coarse_to_fine(copy, share))

    def _coarse_to_fine(self, photo: Pixels, share: float) -> Pixels:
        """The photo, painted after smaller copies, each of which the next begins with. Its sides
        have that share of what `feather` is meant for."""
        begin = self.paint_from if self.controls.paint_from is None else self.controls.paint_from
        before, picture, pixels = photo, photo, photo.shape[1] * photo.shape[2]
        for n in range(halvings(max(photo.shape[1:]), begin), -1, -1):
            copy = smaller(photo, pixels // 4**n) if n else photo
            begun = copy if before is photo else carried(copy, before, picture)
            before, picture = copy, self._in_regions(begun, share / 2**n)
        return picture

    def _in_regions(self, photo: Pixels, share: float) -> Pixels:
        """Every painter's picture of the photo in its region."""
        if len(self.painters) == 1:
            return self.painters[0](photo)
        regions = self._regions(photo, share)
        if self.together is not None:
            return self.together(self.painters, photo, regions)
        total = np.zeros_like(photo)
        for painter, region in zip(self.painters, regions, strict=True):
            if (region > 0).any():
                total += region * painter(photo)
        return total

    def _regions(self, photo: Pixels, share: float = 1.0) -> Pixels:
        how = self.controls
        size = photo.shape[1], photo.shape[2]
        return region_shares(how.masks, len(self.painters), *size, share * how.feather)

    def _with_palette(self, picture: Pixels, photo: Pixels, strength: float) -> Pixels:
        how = self.controls
        share = self.color_share if how.color_share is None else how.color_share
        if self.palettes is None or how.color != "style" or not share:
            return picture
        regions = self._regions(photo) if len(self.painters) > 1 else None
        return with_palette(picture, photo, self.palettes, strength * share, regions)

    def _covered(self, picture: Pixels, photo: Pixels) -> Pixels:
        """With the photo where no mask is on: of as many masks as styles none takes the rest."""
        how = self.controls
        if not how.masks or len(how.masks) < len(self.painters):
            return picture
        cover = covers(how.masks, photo.shape[1], photo.shape[2], how.feather)
        return photo + cover * (picture - photo)
