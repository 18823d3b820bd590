"""The cards of styles: what a cached one is known by, and the contents it is practised on.

Knows only Method and StyleCard, so it serves every method.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from gesso.cards.cache import card_key
from gesso.controls.color import grey
from gesso.controls.options import Color
from gesso.disk.atomic import sha256_file, shown
from gesso.encoders import encoder_identity
from gesso.errors import GessoError
from gesso.images.folders import list_images
from gesso.images.read import MAX_BYTES, MAX_PIXELS, read_levels
from gesso.images.source import opened
from gesso.images.styles import style_file
from gesso.methods.base import Method
from gesso.methods.inputs import ImageLike, as_image
from gesso.nn.colors import Colors
from gesso.nn.masks import mask_digest
from gesso.pipeline.banks import Bank
from gesso.pipeline.sources import BUNDLED

MOST_PHOTOS = 8  # of the photos to be stylized, this many are practised on
MOST_CONTENTS = 32  # and of a folder of contents
PRACTICE_PIXELS = 16_000_000  # kept in memory for it: 200 MB
SMALLEST_PRACTICE_PX = 64  # a picture with a shorter side teaches nothing


class NoContents(GessoError):
    """None of the pictures to practise on can be read.

    Attributes:
        failures: one line each for those that are files.
    """

    def __init__(self, failures: list[tuple[ImageLike, str]]) -> None:
        super().__init__(failures[0][1])
        self.failures = {s: line for s, line in failures if isinstance(s, str | Path)}


class Contents:
    """Pictures that adaptations practise on: `most` of them, spread evenly over `sources`, without
    those that cannot be read; of large ones the middle. They are read once, when they are needed.

    Args:
        sources: pictures, such as the photos to be stylized.
        size: the longer side to read them with; None: their own.
        most: how many.
        max_pixels: the largest picture to read, width × height.
        frame: which picture of an animation or of several pages; None: the first.
        seen: the only source, where it is read already.
        bundled: whether these are the bundled contents, which every card without others is
            practised on.
    """

    def __init__(
        self,
        sources: Sequence[ImageLike],
        size: int | None = None,
        most: int = MOST_PHOTOS,
        *,
        max_pixels: int = MAX_PIXELS,
        frame: int | None = None,
        seen: ImageLike | None = None,
        bundled: bool = False,
    ) -> None:
        self.sources, self.size, self.most = [settled(s) for s in sources], size, most
        self.max_pixels, self.frame, self.seen, self.bundled = max_pixels, frame, seen, bundled
        self._images: list[Tensor] | None = None
        self._identity: list[Any] | None = None

    @classmethod
    def named(
        cls, name: str | Path, size: int | None = None, max_pixels: int = MAX_PIXELS
    ) -> Contents:
        """Up to MOST_CONTENTS pictures below a folder, or the bundled ones for the name "bundled":
        a card practised on them serves any photo. Raises GessoError where there are none."""
        if str(name) == BUNDLED:
            return cls([], bundled=True)
        photos = list_images(name)
        if not photos:
            raise GessoError(f"{shown(name)}: holds no pictures")
        return cls(photos, size, MOST_CONTENTS, max_pixels=max_pixels)

    def images(self) -> list[Tensor] | None:
        """(3, h, w) each; None for the bundled contents, which serve when all are too small, too.

        Raises:
            NoContents: not one could be read.
        """
        if self.bundled:
            return None
        if self._images is None:
            self._images = self._read()
        large = [i for i in self._images if min(i.shape[1:]) >= SMALLEST_PRACTICE_PX]
        return large or None

    def identity(self) -> list[Any] | None:
        """What the pictures are, as JSON values: when they change, so does the card. None for the
        bundled ones."""
        if self.bundled:
            return None
        if self._identity is None:
            chosen = (self.sources[i] for i in self._order()[0])
            frame = [] if self.frame is None else [f"frame {self.frame}"]
            self._identity = [self.size, *map(digest, chosen), *frame]
        return self._identity

    def _order(self) -> tuple[list[int], list[int]]:
        """The places of the chosen sources, and of the others."""
        count = min(self.most, len(self.sources))
        chosen = [i * len(self.sources) // count for i in range(count)]
        return chosen, sorted(set(range(len(self.sources))).difference(chosen))

    def _read(self) -> list[Tensor]:
        """The chosen ones; the others only where none of those can be read, so that `identity`
        says what was practised on."""
        images: list[Tensor] = []
        failures: dict[int, str] = {}
        room = PRACTICE_PIXELS // max(1, min(self.most, len(self.sources)))
        for places in self._order():
            for place in places if len(images) == 0 else []:
                try:
                    images.append(_middle(self._picture(self.sources[place]), room))
                except GessoError as error:
                    failures[place] = str(error)
        if not images:
            raise NoContents([(s, failures[i]) for i, s in enumerate(self.sources)])
        return images

    def _picture(self, source: ImageLike) -> ImageLike:
        if self.seen is not None:
            return self.seen
        limits: Any = {"size": self.size, "max_pixels": self.max_pixels}
        return read_levels(source, **limits, frame=self.frame).rgb


def practice(contents: Contents | None, color: Color) -> list[Tensor] | None:
    """What to practise on, grey where only the luminance is stylized; None: the bundled set."""
    images = contents.images() if contents is not None else None
    return [grey(i) for i in images] if images and color == "luminance" else images


def key(
    method: Method,
    options: Any,
    style_sha256: str,
    *,
    encoder: str | Path | None,
    contents: Contents | None,
    color: Color = "style",
    photo: Tensor | None = None,
    exact: bool = False,
    mask: Tensor | None = None,
) -> str:
    """The cached card's key, of all that decides its numbers; neither encoder nor contents are
    loaded for it.

    Args:
        encoder: as for `gesso.load`; None: the method's own, which is loaded.
        color, photo: the colours that the style is given before it is adapted to.
        exact: whether the card keeps float32.
        mask: (h, w), where the style is; None: everywhere.
    """
    practises = method.practises(options)
    settings = method.adapt_settings(options) | {
        "encoder": method.encoder.identity if encoder is None else encoder_identity(encoder),
        "contents": contents.identity() if contents is not None and practises else None,
        "version": method.about.version,
    }
    if photo is not None and color != "style":
        settings |= {"color": [color, *Colors.of(photo).numbers()]}
    if mask is not None:
        settings |= {"mask": mask_digest(mask)}
    if exact:
        settings |= {"exact": True}
    return card_key(style_sha256, method.name, method.base, settings)


def settled(picture: ImageLike) -> ImageLike:
    """A picture that can be read again: of a binary file object its bytes, of a path's likes the
    path. Raises GessoError for a file object that cannot be read."""
    if hasattr(picture, "read"):
        with opened(picture, MAX_BYTES) as file:
            return file.read()
    return Path(picture) if isinstance(picture, os.PathLike) else picture


def found_style(style: Any, bank: Bank | None = None) -> Any:
    """A style that can be read again, as `settled`; of the name of a bundled one its file, of that
    of one in the bank what it is there. Raises GessoError for a name that is none, and as `settled`
    does."""
    style = settled(style)
    if isinstance(style, str | Path):
        return bank.find(style) if bank else style_file(style)
    return style


def digest(style: ImageLike) -> str:
    """SHA-256 of a picture: of a file's bytes, or of the numbers and shape of what is seen; "" for
    a file that cannot be read."""
    if isinstance(style, str | Path):
        try:
            return sha256_file(style)
        except GessoError:
            return ""
    if isinstance(style, bytes):
        return hashlib.sha256(style).hexdigest()
    numbers = as_image(style).detach().cpu().contiguous().numpy()
    return hashlib.sha256(repr(numbers.shape).encode() + numbers.tobytes()).hexdigest()


def _middle(picture: ImageLike, pixels: int) -> Tensor:
    """The middle (3, h, w) of a picture, of the same shape, at most about `pixels` large."""
    levels = isinstance(picture, np.ndarray) and picture.dtype == np.uint8
    image = picture if levels else as_image(picture)
    sides = image.shape[:2] if levels else image.shape[1:]
    share = min(1.0, (pixels / (sides[0] * sides[1])) ** 0.5)
    height, width = (max(1, int(n * share)) for n in sides)
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    part = (slice(top, top + height), slice(left, left + width))
    return as_image(image[part]) if levels else image[(..., *part)].clone()
