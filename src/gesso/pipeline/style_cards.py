"""The cards of styles: what a cached one is known by, and the contents it is practised on.

Knows only Method and StyleCard, so it serves every method.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from gesso.cards.cache import card_key
from gesso.controls.color import Color, Colors, grey
from gesso.disk.atomic import open_regular, sha256_file, shown
from gesso.encoders import encoder_identity
from gesso.errors import GessoError
from gesso.images.formats import sniff
from gesso.images.read import MAX_PIXELS, list_images, read_image
from gesso.methods.base import Method
from gesso.methods.inputs import ImageLike

MOST_CONTENTS = 32  # of a folder, spread evenly over it
PRACTICE_PIXELS = 16_000_000  # kept in memory for it: 200 MB
SMALLEST_PRACTICE_PX = 64  # a picture with a shorter side teaches nothing


def is_card(path: Path) -> bool:
    """Whether a file calls itself a card rather than being a picture; it may yet be a bad one."""
    with open_regular(path) as file:
        head = file.read(64)
    return sniff(head) is None and (path.suffix.lower() == ".safetensors" or head[8:9] == b"{")


class Contents:
    """The pictures below a folder that adaptations practise on, read once.

    At most `most` of those that can be read, spread evenly over the folder; of large ones the
    middle.

    Args:
        folder: where the pictures are.
        size: the longer side to read them with; None: their own.

    Raises:
        GessoError: no such folder, or no pictures in it.
    """

    def __init__(
        self,
        folder: Path,
        size: int | None = None,
        most: int = MOST_CONTENTS,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.photos = list_images(folder)
        if not self.photos:
            raise GessoError(f"{shown(folder)}: holds no pictures")
        self.size, self.most, self.max_pixels = size, most, max_pixels
        self._images: list[Tensor] | None = None

    def images(self) -> list[Tensor] | None:
        """(3, h, w) each; None when all are too small, so that the bundled contents serve.

        Raises:
            GessoError: not one could be read; it says why of the first.
        """
        if self._images is None:
            self._images = self._read()
        large = [i for i in self._images if min(i.shape[1:]) >= SMALLEST_PRACTICE_PX]
        return large or None

    def identity(self) -> list[list[Any]]:
        """Names, sizes and times of the files, and the size they are read at: when they change,
        so does the card."""
        chosen = _spread(self.photos, self.most)[: self.most]
        status = [photo.stat() for photo in chosen]
        files = [[p.name, s.st_size, s.st_mtime_ns] for p, s in zip(chosen, status, strict=True)]
        return [*files, [self.size]]

    def _read(self) -> list[Tensor]:
        images: list[Tensor] = []
        failures: list[str] = []
        room = PRACTICE_PIXELS // min(self.most, len(self.photos))
        for photo in _spread(self.photos, self.most):
            try:
                image = read_image(photo, size=self.size, max_pixels=self.max_pixels)
            except GessoError as error:
                failures.append(str(error))
                continue
            images.append(_middle(image, room))
            if len(images) == self.most:
                break
        if not images:
            raise GessoError(failures[0])
        return images


def practice(contents: Contents | None, color: Color) -> list[Tensor] | None:
    """What to practise on, grey where only the luminance is stylized; None: the bundled set."""
    images = contents.images() if contents is not None else None
    return [grey(i) for i in images] if images and color == "luminance" else images


def key(
    method: Method,
    options: Any,
    style_sha256: str,
    *,
    encoder: str | Path,
    contents: Contents | None,
    color: Color = "style",
    photo: Tensor | None = None,
) -> str:
    """The cached card's key, of all that decides its numbers; neither encoder nor contents are
    read for it.

    Args:
        color, photo: the colours that the style is given before it is adapted to.
    """
    practises = method.practises(options)
    settings = method.adapt_settings(options) | {
        "encoder": encoder_identity(encoder),
        "contents": contents.identity() if contents is not None and practises else None,
        "version": method.about.version,
    }
    if photo is not None and color != "style":
        settings |= {"color": [color, *Colors.of(photo).numbers()]}
    return card_key(style_sha256, method.name, method.base, settings)


def digest(style: ImageLike) -> str:
    """SHA-256 of a style: of a file's bytes, or of a picture's numbers and shape."""
    if isinstance(style, str | Path):
        return sha256_file(style)
    if isinstance(style, bytes):
        return hashlib.sha256(style).hexdigest()
    numbers = np.ascontiguousarray(np.asarray(style))
    shape = repr((numbers.shape, numbers.dtype.str)).encode()
    return hashlib.sha256(shape + numbers.tobytes()).hexdigest()


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
