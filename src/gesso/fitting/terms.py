"""Terms beside matching (Kolkin et al. 2019, STROTSS, and the content loss of Kolkin et al. 2022).

A nearest neighbour makes every vector of the picture like some of the style's; nothing asks that
all of the style be used, nor for magnitudes, colours or the photo's own structure. These do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.errors import GessoError
from gesso.fitting.pyramid import resized
from gesso.fitting.recolor import StyleColors
from gesso.fitting.regions import NONE, Margins, Region
from gesso.fitting.vectors import Vectors, some_of
from gesso.losses.transport import (
    color_structure_distance,
    mean_emd,
    moments,
    moments_apart,
    palette_distance,
    relaxed_emd,
    self_similarity_distance,
)
from gesso.nn.precision import fast_dtype

PLACES = 1024  # of a picture, at which the terms act in a step (the paper's)
SMALL_PX = 32  # longer side of the pictures whose colours `content` compares (the paper's)


@dataclass(frozen=True)
class Weights:
    """Each term's weight, beside matching's 1: see `Terms`. At 0 a term costs nothing.

    Attributes:
        centred: whether `transport` compares vectors less the style's mean, all levels of the same
            weight, and is the mean of both directions. Else all vectors are much alike, what a
            style has and the picture lacks hardly counts, and the larger direction alone acts.
    """

    transport: float = 0.0
    moments: float = 0.0
    palette: float = 0.0
    structure: float = 0.0
    content: float = 0.0
    centred: bool = False

    @property
    def see_vectors(self) -> bool:
        """Whether any of them looks at hypercolumns."""
        return self.transport + self.moments + self.structure > 0


@dataclass(frozen=True)
class Drawn:
    """The places of a step: of hypercolumns, counted among those of a region, and of pixels; None
    where no term looks at them."""

    columns: Tensor | None = None
    pixels: Tensor | None = None


class Terms:
    """Is given a picture and its hypercolumns, returns the weighted sum of

    - `transport`: the relaxed earth mover's distance of hypercolumns, both ways,
    - `moments`: the distance of their mean and covariance,
    - `palette`: the relaxed earth mover's distance of colours,
    - `structure`: the change of the photo's self-similarity, in hypercolumns,
    - `content`: the change of the colours' mutual distances, in small copies of photo and picture.
    """

    def __init__(
        self,
        weights: Weights,
        style: Vectors | None,
        colors: StyleColors | None,
        random: torch.Generator,
        photo: Tensor | None = None,
    ) -> None:
        """
        Args:
            style: what hypercolumns are compared with; None where no term looks at them.
            photo: (1, 3, H, W), at the size of the pictures; without it there is no `content`.

        Raises:
            GessoError: a palette asked of a style whose colours were not kept.
        """
        if weights.palette and colors is None:
            raise GessoError("a card without its style's colours: palette needs them; adapt anew")
        self.weights, self.style, self.colors, self.random = weights, style, colors, random
        self.photo = None if photo is None else _small(photo)
        if style is not None and weights.moments:
            drawn = style.drawn
            self.unit = drawn.square().mean().rsqrt()  # the style's mean square is then 1
            self.moments = moments(self.unit * drawn)
        if style is not None and weights.transport:
            self.wanted = style.centred(style.rows) if weights.centred else style.rows

    def drawn(
        self,
        image: Tensor,
        count: int,
        region: Region | None = None,
        margins: Margins = NONE,
    ) -> Drawn:
        """The places of a picture (1, 3, H, W), with these margins, that the terms look at next.

        Args:
            count: the hypercolumns of the region.
            region: whose pixels the palette is compared with; None: all.
        """
        columns = pixels = None
        if count and self.style is not None and self.weights.see_vectors:
            columns = some_of(count, PLACES, self.random)
        if self.weights.palette and self.colors is not None:
            size = (image.shape[2], image.shape[3])
            own = None if region is None else region.places(size, margins)
            if own is None or not len(own):
                pixels = some_of(size[0] * size[1], PLACES, self.random)
            else:
                pixels = own[some_of(len(own), PLACES, self.random)]
        return Drawn(columns, pixels)

    def __call__(
        self,
        image: Tensor,
        drawn: Drawn,
        columns: Tensor | None = None,
        before: Tensor | None = None,
    ) -> Tensor:
        """
        Args:
            image: (1, 3, H, W).
            drawn: its places.
            columns: the hypercolumns (N, C) there.
            before: the photo's hypercolumns at the same places; without them there is no
                `structure`.
        """
        total = image.new_zeros(())
        if columns is not None and self.style is not None:
            total = total + self._of_vectors(image, columns, self.style, before)
        if drawn.pixels is not None and self.colors is not None:
            pixels = image[0].flatten(1).T[drawn.pixels.to(image.device)]
            total = total + self.weights.palette * palette_distance(pixels, self.colors.pixels)
        if self.weights.content and self.photo is not None:
            change = color_structure_distance(_small(image), self.photo)
            total = total + self.weights.content * change
        return total

    def _of_vectors(
        self, image: Tensor, rows: Tensor, style: Vectors, before: Tensor | None
    ) -> Tensor:
        weights, total = self.weights, image.new_zeros(())
        dtype = fast_dtype(rows.device)
        if weights.transport:
            centred = weights.centred
            seen, distance_of = (style.centred(rows), mean_emd) if centred else (rows, relaxed_emd)
            distance = distance_of(seen, self.wanted, dtype)
            total = total + weights.transport * distance
        if weights.moments:
            apart = moments_apart(moments(self.unit * rows), self.moments)
            total = total + weights.moments * apart
        if weights.structure and before is not None:
            change = self_similarity_distance(rows, before, dtype)
            total = total + weights.structure * change
        return total


def _small(image: Tensor) -> Tensor:
    """(N, 3): the colours of a copy with a longer side of SMALL_PX at most."""
    share = min(1.0, SMALL_PX / max(image.shape[-2:]))
    height, width = (max(1, round(n * share)) for n in image.shape[-2:])
    return resized(image, height, width)[0].flatten(1).T
