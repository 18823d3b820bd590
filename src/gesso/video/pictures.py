"""Clips made of pictures: folders of frames, and animated GIF, WebP and PNG files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.decode import decoded
from gesso.images.folders import find_images
from gesso.images.read import read_photo
from gesso.images.resize import target_size
from gesso.images.write import eight_bits
from gesso.video.frames import Frame, Pixels
from gesso.video.source import Taken, nothing_left

TICK = Fraction(1, 90_000)
USUAL_RATE = Fraction(25)  # frames a second
UNSAID = Fraction(1, 10)  # seconds that a picture shows which is to show for none, as in browsers
_DIGITS = re.compile(r"(\d+)")


def in_natural_order(paths: list[Path]) -> list[Path]:
    """By their names, in which numbers count as numbers: 2.png comes before 10.png."""

    def key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
        parts = [part for part in _DIGITS.split(path.name) if part]
        return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts], path.name

    return sorted(paths, key=key)


class Folder:
    """The pictures in a folder, in natural order, at one rate (see `Source`). Those of another size
    than the first are scaled to it; those that cannot be read are left out.

    Attributes:
        files: of the frames.
    """

    loop: int | None = None

    def __init__(self, path: Path, taken: Taken) -> None:
        self.path, self.taken, self.rate = path, taken, taken.rate or USUAL_RATE
        self.tick = 1 / self.rate
        self.notes: list[str] = []
        self.damage: str | None = None
        begin, end = taken.start or Fraction(0), taken.end
        found = in_natural_order([p for p in find_images(path)[0] if p.parent == path])
        placed = [p for n, p in enumerate(found) if n >= begin * self.rate]
        last = None if end is None else -int(-(end - begin) * self.rate // 1)
        self.files = placed[:last]
        self.count, self.length = len(self.files), len(self.files) * self.tick
        self._bad: dict[int, str] = {}
        self._size: tuple[int, int] | None = None
        if not self.files:
            if found:
                raise nothing_left(self, taken)
            raise GessoError(f"{shown(path)}: a folder that holds no pictures")

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """See `Source.frames`."""
        if self._size is None:
            begun = next(self._read(0), None)
            if begun is None:
                raise GessoError(f"{shown(self.path)}: {self.damage}")
            self._size = begun[1].shape[:2]
        for number, pixels in self._read(first):
            rgb, alpha = _parts(_scaled(pixels, self._size))
            yield Frame(rgb, number * self.tick, number, self.tick, alpha)

    def _read(self, first: int) -> Iterator[tuple[int, Pixels]]:
        """(number, (H, W, 3 or 4)) of the pictures that can be read."""
        size, most = self.taken.size, self.taken.max_pixels
        for number in range(first, len(self.files)):
            try:
                photo = read_photo(self.files[number], size=size, max_pixels=most)
            except GessoError as error:
                self._bad[number] = str(error)
                more = f" and {len(self._bad) - 1} more" if len(self._bad) > 1 else ""
                self.damage = f"{self._bad[min(self._bad)]}{more}"
            else:
                yield number, eight_bits(photo.rgb, photo.alpha)


class Animation:
    """The pictures of an animated GIF, WebP or PNG (see `Source`)."""

    def __init__(self, path: Path, taken: Taken) -> None:
        self.path, self.taken = path, taken
        self.tick = TICK
        self.notes: list[str] = []
        self.damage: str | None = None
        self.loop: int | None
        self.loop, self._all = self._rounds_and_pictures()
        shown_for = [lasts for _, _, lasts in self._pictures(decode=False)]
        total = sum(shown_for, Fraction(0))
        self.rate = len(shown_for) / total if total else 1 / UNSAID
        begin, end = taken.start or Fraction(0), taken.end
        times = [sum(shown_for[:n], Fraction(0)) for n in range(len(shown_for))]
        inside = [n for n, at in enumerate(times) if at >= begin and (end is None or at < end)]
        self._places, self._times = inside, [times[n] - begin for n in inside]
        self.count = len(inside)
        if not inside:
            raise nothing_left(self, taken)
        self.length = self._times[-1] + shown_for[inside[-1]]

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """See `Source.frames`."""
        wanted = {place: number for number, place in enumerate(self._places) if number >= first}
        for place, image, lasts in self._pictures():
            if place in wanted:
                number = wanted[place]
                height, width = target_size((image.height, image.width), self.taken.size)
                rgb, alpha = _parts(_scaled(np.asarray(image), (height, width)))
                yield Frame(rgb, self._times[number], number, lasts, alpha)

    def _rounds_and_pictures(self) -> tuple[int | None, int]:
        """How often it is played, 0 for ever, and how many pictures it has."""
        with self._opened() as image:
            many = getattr(image, "n_frames", 1)
            if many < 2:
                line = "one picture and no clip; gesso stylize is for it"
                raise GessoError(f"{shown(self.path)}: {line}")
            return image.info.get("loop", 1), many

    def _opened(self) -> AbstractContextManager[ImageFile]:
        return decoded(self.path, max_pixels=self.taken.max_pixels, animation=True)

    def _pictures(self, decode: bool = True) -> Iterator[tuple[int, Any, Fraction]]:
        """(place, picture, seconds it shows); ends where the file is damaged."""
        place = 0
        try:
            with self._opened() as image:
                for place in range(self._all):
                    image.seek(place)
                    image.load()
                    milliseconds = Fraction(image.info.get("duration") or 0)
                    ticks = round(milliseconds / 1000 / TICK)
                    made = image.convert("RGBA") if decode else None
                    yield place, made, ticks * TICK or UNSAID
        except GessoError:
            if place == 0:
                raise
            self.damage = "cut short or damaged"


def _scaled(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """(H, W, C) at another size (height, width)."""
    if pixels.shape[:2] == size:
        return pixels
    picture = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _parts(pixels: Pixels) -> tuple[Pixels, Pixels | None]:
    """Colours (H, W, 3), white where nothing shows, and alpha (H, W), None where all does."""
    rgb = np.array(pixels[..., :3])
    if pixels.shape[2] == 3 or pixels[..., 3].min() == 255:
        return rgb, None
    rgb[pixels[..., 3] == 0] = 255
    return rgb, pixels[..., 3].copy()
