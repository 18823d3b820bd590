"""A network with what it takes of one style, or of a mixture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gesso import assets
from gesso.images.arrays import Pixels
from gesso.images.read import read_image
from gesso.runtime.colors import lacking, luma
from gesso.runtime.sampling import bilinear, smaller
from gesso.runtime.sessions import Arrays, Network
from gesso.runtime.strength import MOST_PIXELS, among

ORDINARY_PX = 128


@dataclass
class Painter:
    """A network, ready to paint photos (3, H, W) in [0, 1].

    Attributes:
        given: its inputs but for the photo.
        read: a photo → what the network takes of it as if it were the style; None: unknown.
        ordinary: what the network makes of ordinary pictures, where that was found before.
        keep: is told it where it was not.
        network_at: the network at a strength, where its weights are the style's, too.
    """

    network: Network
    given: Arrays = field(default_factory=dict)
    read: Callable[[Pixels], Arrays] | None = None
    ordinary: Arrays | None = None
    keep: Callable[[Arrays], None] | None = None
    network_at: Callable[[float], Network] | None = None

    def __call__(self, photo: Pixels) -> Pixels:
        """What the network makes of the photo, the flat and dark ones among ordinary pictures."""
        given = dict(self.given)
        if "moments" in self.network.inputs:
            given |= self.surroundings if lacking(photo) else self._none
        found = self.network.run({"image": photo[None], **given}, ["picture"])
        picture: Pixels = found["picture"][0]
        return picture

    def softened(self, photo: Pixels, strength: float) -> Painter | None:
        """Blended with the photo's own style, which changes next to nothing."""
        if self.read is None:
            return None
        seen = smaller(photo, MOST_PIXELS)
        own = self.read(seen)
        if "statistics" in own and (share := lacking(seen)):
            own = {"statistics": among(own["statistics"], self.surroundings["moments"], share)}
        mixed = {n: (1 - strength) * x + strength * self.given[n] for n, x in own.items()}
        network = self.network if self.network_at is None else self.network_at(strength)
        given = self.given | mixed
        return replace(self, network=network, given=given, ordinary=None, keep=None)

    @property
    def _none(self) -> Arrays:
        zeros = np.zeros(self.network.inputs["moments"], np.float32)
        return {"among": np.zeros(1), "light": np.full(1, 0.5), "moments": zeros}

    @cached_property
    def surroundings(self) -> Arrays:
        """What it takes for a photo that is normalised among ordinary pictures."""
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
        lights = [luma(picture).mean() for picture in found["picture"]]
        return {"light": np.full(1, np.mean(lights), np.float32), "moments": found["own_moments"]}


def in_regions(
    network: Network, painters: Sequence[Painter], photo: Pixels, regions: Pixels
) -> Pixels:
    """What a network makes of a photo in the styles of painters, put together in their regions
    (K, H, W) by itself."""
    names = painters[0].given.keys() & network.inputs.keys()
    single = {n for n in names if tuple(network.inputs[n]) == (1,)}  # a setting of all styles
    given = {n: painters[0].given[n] for n in single}
    given |= {n: np.stack([one.given[n] for one in painters]) for n in names - single}
    given |= {"light": np.full(len(painters), 0.5), "among": np.zeros(1)}
    given["moments"] = np.zeros(network.inputs["moments"], np.float32)
    if lacking(photo):
        around = [painter.surroundings for painter in painters]
        given |= around[0] | {"light": np.concatenate([one["light"] for one in around])}
    given |= {"image": photo[None], "regions": regions[:, None]}
    picture: Pixels = network.run(given, ["picture"])["picture"][0]
    return picture
