"""Photos → pictures: many files, of which some may be bad."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.read import MAX_PIXELS, Levels, Photo, read_levels
from gesso.images.source import Source
from gesso.images.write import eight_bits, write_image
from gesso.pipeline.plan import Job
from gesso.pipeline.records import KEYWORD, Record, keep_beside, keeps_texts
from gesso.stylizers.progress import OnStep

if TYPE_CHECKING:
    from gesso.stylizers.stylizer import Stylizer


@dataclass(frozen=True)
class Pictures:
    """How photos are read and results written: see `read_photo` and `write_image`.

    Attributes:
        record: says how results are made; None: nobody asks.
        keep_settings: whether results keep that, or have it in a file beside them.
        on_written: is given every job that is done, and how it was.
    """

    size: int | None = None
    max_pixels: int = MAX_PIXELS
    quality: int | None = None
    keep_metadata: bool = False
    frame: int | None = None
    record: Record | None = None
    keep_settings: bool = False
    on_written: Callable[[Job, dict[str, Any]], None] | None = None

    def stylize(self, job: Job, stylizer: Stylizer, on_step: OnStep | None = None) -> None:
        """Read one photo, stylize it and write the result with the photo's transparency.

        Raises:
            GessoError: a photo that cannot be read, a result that cannot be written, or too
                little memory.
        """
        photo = self.levels(job.photo)
        self.write(painted(photo, stylizer, shown(job.photo), on_step), job)

    def read(self, photo: Source) -> Photo:
        """Read a photo. Raises GessoError where that fails."""
        return self.levels(photo).photo

    def levels(self, photo: Source) -> Levels:
        """Read a photo as bytes. Raises GessoError where that fails."""
        return read_levels(photo, size=self.size, max_pixels=self.max_pixels, frame=self.frame)

    def save(
        self,
        picture: Photo | Levels,
        target: Path | IO[bytes],
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Write a picture as a file. Raises GessoError where that fails."""
        write_image(
            target,
            picture.rgb,
            alpha=picture.alpha,
            quality=self.quality,
            metadata=picture.exif if self.keep_metadata else None,
            texts=texts,
        )

    def write(self, picture: Photo | Levels, job: Job) -> None:
        """Write a job's picture. Raises GessoError where that fails."""
        made = None if self.record is None else self.record.of(job, picture)
        kept = made if self.keep_settings else None
        self.save(picture, job.out, None if kept is None else {KEYWORD: json.dumps(kept)})
        if kept is not None and not keeps_texts(job.out):
            keep_beside(job.out, kept)
        if made is not None and self.on_written is not None:
            self.on_written(job, made)


def finished(photo: Photo, stylizer: Stylizer, name: str, on_step: OnStep | None = None) -> Photo:
    """The photo, stylized. Raises GessoError, which names it, where memory does not suffice."""
    from gesso.nn.strips import Striped

    with _enough_memory(name, photo.rgb.shape[1:]):
        rgb = stylizer.striped(Striped.of_array(photo.rgb), on_step).whole()[0]
    return replace(photo, rgb=rgb.cpu().numpy())


def painted(photo: Levels, stylizer: Stylizer, name: str, on_step: OnStep | None = None) -> Levels:
    """The photo, stylized, as bytes: of a large picture no more than a strip is held as numbers.
    Raises GessoError, which names it, where memory does not suffice."""
    from gesso.nn.strips import Striped

    with _enough_memory(name, photo.size):
        picture = stylizer.striped(Striped.of_array(photo.rgb), on_step)
        rgb = np.empty((*photo.size, 3), np.uint8)
        for rows in picture.strips():
            rgb[rows] = eight_bits(picture.at(rows))
    return replace(photo, rgb=rgb)


@contextmanager
def _enough_memory(name: str, size: Sequence[int]) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error).lower():
            sides = " × ".join(str(n) for n in reversed(size))
            trouble = f"{sides} px need more memory than there is; a smaller size helps"
            raise GessoError(f"{name}: {trouble}") from error
        raise
