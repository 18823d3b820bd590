"""A style, ready to paint photos without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gesso import assets
from gesso.images.arrays import Pixels
from gesso.images.copies import halvings
from gesso.images.read import read_image
from gesso.runtime.carry import at_size, carried
from gesso.runtime.colors import Colors, Tint, lacking, with_palette
from gesso.runtime.ground import emptied
from gesso.runtime.sampling import bilinear, smaller
from gesso.runtime.sessions import Arrays, Network
from gesso.runtime.strength import MOST_PIXELS, among, at_distance

ORDINARY_PX, LEAST_PX = 128, 64
LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]


@dataclass(frozen=True)
class Painting:
    """How pictures are finished; None: as the network's facts say.

    Attributes:
        strength, stroke, color_share, paint_from, paint_size, ground: the controls of these names
            (`gesso.Controls`).
    """

    strength: float = 1.0
    stroke: float = 1.0
    color_share: float | None = None
    paint_from: int | None = None
    paint_size: int | None = None
    ground: str | None = None


@dataclass
class Look:
    """A network with all that it needs of a style: photo (3, H, W) → picture, in [0, 1].

    Attributes:
        given: its inputs but for the photo.
        palette, tint: of the style's colours; None: they are left as they come.
        color_share, paint_from, paint_pixels: what the method does where `painting` does not say.
        read: a photo → what the network takes of it as if it were the style; None: unknown.
        ordinary: what the network makes of ordinary pictures, where that was found before.
        keep: is told it where it was not.
    """

    network: Network
    given: Arrays = field(default_factory=dict)
    palette: Colors | None = None
    tint: Tint | None = None
    color_share: float = 0.0
    paint_from: int = 0
    paint_pixels: int = 0
    painting: Painting = field(default_factory=Painting)
    read: Callable[[Pixels], Arrays] | None = None
    ordinary: Arrays | None = None
    keep: Callable[[Arrays], None] | None = None

    def __call__(self, photo: Pixels) -> Pixels:
        """The photo, painted and finished as `gesso.Controls` does it."""
        strength = self.painting.strength
        if strength == 0:
            return photo
        full = self.finished(photo)
        if strength == 1:
            return full
        soft = full if self.read is None else self._softened(photo).finished(photo, strength)
        return at_distance(photo, soft, full, strength)

    def finished(self, photo: Pixels, strength: float = 1.0) -> Pixels:
        """The photo, painted, with so much of the palette, and its ground."""
        how, most = self.painting, self.painted_pixels(*photo.shape[1:])
        picture = at_size(most, photo, self.coarse_to_fine)
        share = self.color_share if how.color_share is None else how.color_share
        if self.palette is not None and share:
            picture = with_palette(picture, photo, self.palette, strength * share)
        if how.ground != "painted":
            picture = emptied(picture, photo)
        return picture if self.tint is None else self.tint.limited(picture)

    def painted_pixels(self, height: int, width: int) -> int:
        """The pixels that a picture of this size is painted with (`gesso.controls.painting`)."""
        how, whole, longer = self.painting, height * width, max(height, width)
        usual = min(whole, self.paint_pixels) if self.paint_pixels else whole
        if how.paint_size is not None:
            usual = round(whole * min(1.0, how.paint_size / longer) ** 2)
        least = min(usual, whole * (LEAST_PX / longer) ** 2)
        return round(max(usual / how.stroke**2, least))

    def _softened(self, photo: Pixels) -> Look:
        """The look at its strength: blended with the photo's own, which changes next to nothing."""
        assert self.read is not None
        strength, seen = self.painting.strength, smaller(photo, MOST_PIXELS)
        own = self.read(seen)
        if "statistics" in own and (share := lacking(seen)):
            own = {"statistics": among(own["statistics"], self._surroundings["moments"], share)}
        mixed = {n: (1 - strength) * x + strength * self.given[n] for n, x in own.items()}
        return replace(self, given=self.given | mixed, ordinary=None, keep=None)

    def coarse_to_fine(self, photo: Pixels) -> Pixels:
        """The photo, painted after smaller copies, each of which the next begins with."""
        begin = self.paint_from if self.painting.paint_from is None else self.painting.paint_from
        before, picture, pixels = photo, photo, photo.shape[1] * photo.shape[2]
        for n in range(halvings(max(photo.shape[1:]), begin), -1, -1):
            copy = smaller(photo, pixels // 4**n) if n else photo
            begun = copy if before is photo else carried(copy, before, picture)
            before, picture = copy, self.painted(begun)
        return picture

    def painted(self, photo: Pixels) -> Pixels:
        """What the network makes of the photo, the flat and dark ones among ordinary pictures."""
        given = dict(self.given)
        if "moments" in self.network.inputs:
            given |= self._surroundings if lacking(photo) else self._none
        picture: Pixels = self.network.run({"image": photo[None], **given}, ["picture"])["picture"][
            0
        ]
        return picture

    @property
    def _none(self) -> Arrays:
        zeros = np.zeros(self.network.inputs["moments"], np.float32)
        return {"among": np.zeros(1), "light": np.full(1, 0.5), "moments": zeros}

    @cached_property
    def _surroundings(self) -> Arrays:
        if self.ordinary is None:
            self.ordinary = self._of_ordinary()
            if self.keep is not None:
                self.keep(self.ordinary)
        return {"among": np.ones(1), **self.ordinary}

    def _of_ordinary(self) -> Arrays:
        """The mean light of what becomes of the bundled contents, and the moments on the way."""
        files = sorted(assets.CONTENTS.glob("*.jpg"))
        some = [bilinear(read_image(path), ORDINARY_PX, ORDINARY_PX) for path in files]
        found = self.network.run({"image": np.stack(some), **self.given, **self._none})
        light = np.full(1, (LUMA * found["picture"]).sum(1).mean(), np.float32)
        return {"light": light, "moments": found["own_moments"]}
