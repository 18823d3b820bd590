"""Which colours a picture may have: none that neither its style nor its photo has, and those of the
photo where they are in the photo.

Colour is what RGB has beside its luminance (`gesso.controls.color`): (R − Y, B − Y).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.cards.card import StyleCard
from gesso.controls.color import with_luminance
from gesso.controls.options import Color
from gesso.errors import GessoError
from gesso.nn.pictures import LUMA, luminance, read_image
from gesso.nn.strips import Striped, resized_rows
from gesso.stylizers.stylizer import Stylizer, finished_by

MUTED = 25 / 255  # what has less chroma in 99 % of its places is grey, or of a single faint tint
ROUNDING = 3 / 255  # what a thumbnail's compression makes of grey
OUTER = 0.01  # of the places are beyond what counts
MEASURED = 100_000  # pixels of a picture
PLACES = 48  # of them along the shorter side: within one the style decides where colours are


@dataclass(frozen=True)
class Tint:
    """The range of a muted picture's colours: the two directions in which they vary, the columns
    of (2, 2), and the least and the greatest (2,) along each."""

    directions: Tensor
    least: Tensor
    most: Tensor

    @classmethod
    def of(cls, images: Sequence[Tensor]) -> Self | None:
        """That of pictures (3, H, W) together; None unless all are grey or nearly so."""
        known = torch.cat([_some(image) for image in images], 1).float().cpu()
        outer = float(torch.quantile(known.norm(dim=0), 1 - OUTER))
        if outer > MUTED:
            return None
        if outer < ROUNDING:
            return cls(torch.eye(2), torch.zeros(2), torch.zeros(2))
        directions = torch.linalg.eigh(torch.cov(known.double()))[1].float()
        along = directions.T @ known
        return cls(directions, along.amin(1), along.amax(1))

    @classmethod
    def of_cards(cls, cards: Sequence[StyleCard]) -> Self | None:
        """That of the cards' thumbnails; None, too, where one card has none."""
        try:
            seen = [read_image(card.thumbnail) for card in cards if card.thumbnail]
        except GessoError:
            return None
        return cls.of(seen) if seen and len(seen) == len(cards) else None

    def limited(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] whose colours are in the range; luminance stays."""
        turn = self.directions.to(image)
        least, most = (limit.to(image).view(2, 1, 1) for limit in (self.least, self.most))
        along = torch.einsum("ij,...ihw->...jhw", turn, _opponent(image))
        kept = torch.maximum(torch.minimum(along, most), least)
        return colored(torch.einsum("ij,...jhw->...ihw", turn, kept), luminance(image))


def with_chroma(stylizer: Stylizer, color: Color, cards: Sequence[StyleCard]) -> Stylizer:
    """A stylizer of cards without colours that have no place: of muted styles, such as a pencil
    drawing, those of the styles; where colours are the content's (`color`), in its places."""
    if color == "content":
        return finished_by(stylizer, in_place, "gives every picture its photo's colours")
    tint = Tint.of_cards(cards) if color == "style" else None
    if tint is None:
        return stylizer
    kept = tint

    def finish(picture: Striped, photo: Striped) -> Striped:
        return picture.changed(lambda strip, _: kept.limited(strip))

    return finished_by(stylizer, finish, "keeps to the few colours of its style")


def colored(opponent: Tensor, light: Tensor) -> Tensor:
    """The picture (…, 3, H, W) in [0, 1] of R − Y and B − Y (…, 2, H, W) and its luminance Y; less
    saturated where that would leave [0, 1]."""
    red, blue = (light + part for part in torch.split(opponent, 1, -3))
    green = (light - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return with_luminance(torch.cat([red, green, blue], -3), light)


def in_place(picture: Striped, photo: Striped) -> Striped:
    """`picture` with the colours that `photo` has in the same places: their means over a 48th of
    the shorter side are the photo's, the differences within it the picture's own. A grey photo's
    picture is grey; luminance stays."""
    size = (photo.height, photo.width)
    missing = Striped(*size, lambda rows: _opponent(photo.at(rows)) - _opponent(picture.at(rows)))
    moves = _blurred(missing, max(1, min(size) // PLACES))
    tint = Tint.of([_fewer(photo)[0]])

    def change(strip: Tensor, rows: slice) -> Tensor:
        moved = _opponent(strip) + resized_rows(moves, *size, rows)
        made = colored(moved, luminance(strip))
        return made if tint is None else tint.limited(made)

    return picture.changed(change)


def _opponent(image: Tensor) -> Tensor:
    """R − Y and B − Y, (…, 2, H, W), of (…, 3, H, W)."""
    return image[..., 0::2, :, :] - luminance(image)


def _some(image: Tensor) -> Tensor:
    """The colours (2, N) of pixels spread over (3, H, W), of at least some tens of thousands."""
    every = 1 + image.shape[1] * image.shape[2] // MEASURED
    return _opponent(image.flatten(1)[:, ::every].unsqueeze(2)).squeeze(2)


def _fewer(photo: Striped) -> Tensor:
    """(1, 3, h, w) of a photo: its pixels, or some of a large one's."""
    return photo.whole() if photo.is_small else photo.every(math.isqrt(photo.pixels // MEASURED))


def _blurred(picture: Striped, reach: int) -> Tensor:
    """A copy (1, C, h, w) with one pixel for `reach`, each averaged with its neighbours."""
    size = (math.ceil(picture.height / reach), math.ceil(picture.width / reach))
    small = picture.shrunk(*size, area=True)
    return F.avg_pool2d(small, 3, 1, 1, count_include_pad=False)
