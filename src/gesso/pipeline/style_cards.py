"""From the file of a style to its card: read from it, taken from the cache, or adapted.

Knows only Method and StyleCard, so it serves every method.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gesso.cards.cache import CardCache, card_key
from gesso.cards.card import StyleCard
from gesso.controls.color import Color, Colors, grey, recolored
from gesso.controls.polish import keep_grams
from gesso.disk.atomic import open_regular, sha256_file, shown
from gesso.encoders import encoder_identity
from gesso.errors import GessoError
from gesso.images.folders import list_images
from gesso.images.formats import sniff
from gesso.images.read import MAX_PIXELS
from gesso.methods.base import Method, OnStep
from gesso.nn.pictures import read_image

log = logging.getLogger(__name__)

OWN_PHOTOS = 8  # of the photos to be stylized, this many are practised on
FOLDER_CONTENTS = 32  # and of a folder of contents
PRACTICE_PIXELS = 16_000_000  # kept in memory for it: 200 MB
SMALLEST_PRACTICE_PX = 64  # a photo with a shorter side teaches nothing


def is_card(path: Path) -> bool:
    """Whether a file calls itself a card rather than being a picture; it may yet be a bad one."""
    with open_regular(path) as file:
        head = file.read(64)
    return sniff(head) is None and (path.suffix.lower() == ".safetensors" or head[8:9] == b"{")


class NoContents(GessoError):
    """None of the pictures to practise on can be read: photo → one line each."""

    def __init__(self, failures: dict[Path, str]) -> None:
        super().__init__(next(iter(failures.values())))
        self.failures = failures


class Practice:
    """The pictures an adaptation practises on: some of `photos`, spread evenly over them.

    At most `most` of those that can be read, with a longer side of `size` px (None: their own);
    of large ones the middle.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        size: int | None = None,
        most: int = OWN_PHOTOS,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.photos, self.size, self.most, self.max_pixels = photos, size, most, max_pixels

    def images(self) -> list[Tensor] | None:
        """(3, h, w) each; None when all are too small, so that the bundled contents serve.

        Raises:
            NoContents: not one could be read.
        """
        images: list[Tensor] = []
        failures: dict[Path, str] = {}
        room = PRACTICE_PIXELS // min(self.most, len(self.photos))
        for photo in _spread(self.photos, self.most):
            try:
                image = read_image(photo, size=self.size, max_pixels=self.max_pixels)
            except GessoError as error:
                failures[photo] = str(error)
                continue
            images.append(_middle(image, room))
            if len(images) == self.most:
                break
        if not images:
            raise NoContents({photo: failures[photo] for photo in self.photos})
        return [i for i in images if min(i.shape[1:]) >= SMALLEST_PRACTICE_PX] or None

    def identity(self) -> list[list[Any]]:
        """Names, sizes and times of the files: when they change, so does the card."""
        chosen = _spread(self.photos, self.most)[: self.most]
        status = [photo.stat() for photo in chosen]
        return [[p.name, s.st_size, s.st_mtime_ns] for p, s in zip(chosen, status, strict=True)]


def folder_practice(folder: Path, size: int | None, max_pixels: int = MAX_PIXELS) -> Practice:
    """Practice on the pictures below `folder`. Raises GessoError when there are none."""
    photos = list_images(folder)
    if not photos:
        raise GessoError(f"{shown(folder)}: holds no pictures")
    return Practice(photos, size, FOLDER_CONTENTS, max_pixels)


def _spread(photos: Sequence[Path], most: int) -> list[Path]:
    """All photos, first `most` of them at equal distances."""
    count = min(most, len(photos))
    first = dict.fromkeys(photos[i * len(photos) // count] for i in range(count))
    return [*first, *(photo for photo in photos if photo not in first)]


def _middle(image: Tensor, pixels: int) -> Tensor:
    """The middle of (3, H, W), of the same shape, at most about `pixels` large."""
    share = min(1.0, (pixels / (image.shape[1] * image.shape[2])) ** 0.5)
    height, width = (max(1, int(n * share)) for n in image.shape[1:])
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    return image[:, top : top + height, left : left + width].clone()


@dataclass(frozen=True)
class Adaptation:
    """How to make a card of a picture.

    Attributes:
        encoder: as for `gesso.load`; part of a cached card's key.
        practice: the pictures to practise on; None: the method's own.
        given: whether `practice` was chosen for its own sake (`--contents`). Photos that just
            happen to be stylized are no part of the key: their card serves any photo.
        style_size: longer side of the style picture in px; None: the method's default.
        options: further arguments of `Method.adapt`.
        photo: (3, H, W), whose colours the style is given first, as `color` says; without
            `practice` it is also what is practised on.
        grams: whether the card keeps the style's Gram matrices, which polishing needs.
    """

    encoder: str | Path
    practice: Practice | None
    given: bool
    style_size: int | None
    options: dict[str, Any]
    max_pixels: int = MAX_PIXELS
    photo: Tensor | None = None
    color: Color = "style"
    grams: bool = False

    def arguments(self) -> dict[str, Any]:
        """Those of `Method.adapt` but style and contents."""
        size = {} if self.style_size is None else {"style_size": self.style_size}
        return {**size, **{k: v for k, v in self.options.items() if v is not None}}

    def key(self, method: Method, style: Path) -> str:
        """The cached card's key; neither encoder nor contents are loaded for it."""
        settings = method.adapt_settings(**self.arguments())
        contents = self.practice.identity() if self.practice and self.given else None
        size = self.practice.size if self.practice and self.given else None
        settings |= {"encoder": encoder_identity(self.encoder), "contents": [contents, size]}
        if self.grams:
            settings |= {"grams": True}
        if self.photo is not None:
            settings |= {"color": [self.color, *Colors.of(self.photo).numbers()]}
        return card_key(sha256_file(style), method.name, method.base, settings)

    def run(self, method: Method, style: Path, on_step: OnStep | None = None) -> StyleCard:
        """Adapt. Raises GessoError for a picture that cannot be read or a senseless option."""
        arguments = self.arguments()
        size = method.adapt_settings(**arguments).get("style_size")
        picture = read_image(style, size=size, max_pixels=self.max_pixels)
        if self.photo is not None:
            picture = recolored(picture, self.photo, self.color)
        contents = self._contents() if method.practises(**arguments) else None
        card = method.adapt(picture, contents, on_step=on_step, **arguments)
        card.provenance |= {"style": style.name, "sha256": sha256_file(style)}
        if self.grams:
            keep_grams(card, method, picture, size)
        return card

    def _contents(self) -> list[Tensor] | None:
        images = self.practice.images() if self.practice else None
        if self.practice is None and self.photo is not None:
            large = min(self.photo.shape[1:]) >= SMALLEST_PRACTICE_PX
            images = [_middle(self.photo, PRACTICE_PIXELS)] if large else None
        return [grey(i) for i in images] if images and self.color == "luminance" else images


def cached_card(
    method: Method,
    style: Path,
    adaptation: Adaptation,
    cache: CardCache | None,
    on_step: OnStep | None = None,
) -> tuple[StyleCard, bool]:
    """The card of a style picture, and whether it came from the cache.

    A cache that cannot be written costs a warning, not the card.
    """
    key = "" if cache is None else adaptation.key(method, style)
    card = None if cache is None else cache.get(key)
    if card is not None:
        return card, True
    card = adaptation.run(method, style, on_step)
    if cache is not None:
        try:
            cache.put(key, card)
        except GessoError as error:
            log.warning("%s; the style is not cached", error)
    return card, False
