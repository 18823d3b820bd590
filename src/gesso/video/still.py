"""Lossless segments → folders of frames, and animated GIF, WebP and PNG files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gesso.disk.atomic import atomic_path, make_folder
from gesso.images.write import write_image
from gesso.video.needed import pyav
from gesso.video.pictures import Folder
from gesso.video.source import Source

UNITS = {"GIF": 10}  # milliseconds that times are counted in; 1 in all others


def write_folder(out: Path, files: Sequence[Path], source: Source) -> None:
    """Write every picture as a PNG: under its frame's own name where the clip is a folder, else
    under its number. Raises GessoError for one that cannot be written."""
    make_folder(out)
    names = _names(source)
    for number, (image, at) in enumerate(_images(files)):
        name = names[int(at / source.tick)] if names else f"{number:06d}.png"
        rgba = np.asarray(image)
        alpha = rgba[None, ..., 3].astype(np.float32) / 255 if rgba.shape[2] == 4 else None
        write_image(out / name, rgba[..., :3], alpha=alpha)


def write_animation(
    out: Path, format: str, files: Sequence[Path], source: Source, length: Fraction
) -> None:
    """Write an animated picture with the clip's times and its number of rounds; Pillow keeps
    neighbours that are equal once, for their joint time. Raises GessoError where that fails."""
    unit = UNITS.get(format, 1)
    times = [at for _, at in _images(files)]
    whole = [round(t * 1000 / unit) for t in [*times, length]]
    durations = [unit * max(1, after - at) for at, after in pairwise(whole)]
    first, _ = next(_images(files))
    others = _Others(files)
    how: dict[str, Any] = {"save_all": True, "append_images": others, "duration": durations}
    if (source.loop, format) != (1, "GIF"):  # which is played once where it says nothing
        how["loop"] = source.loop or 0
    if format == "WEBP":
        how |= {"lossless": False, "quality": 90}
    with atomic_path(out) as temporary:
        first.save(temporary, format=format, **how)


@dataclass(frozen=True)
class _Others:
    """All pictures but the first, read anew whenever they are wanted: Pillow goes through them
    twice for a PNG."""

    files: Sequence[Path]

    def __iter__(self) -> Iterator[Image.Image]:
        return (image for image, _ in islice(_images(self.files), 1, None))


def _images(files: Sequence[Path]) -> Iterator[tuple[Image.Image, Fraction]]:
    """(picture, time in seconds), RGB or, with transparency, RGBA."""
    for file in files:
        with pyav().open(str(file)) as segment:
            for frame in segment.decode(video=0):
                rgba = np.asarray(frame.to_ndarray(format="rgba"))
                opaque = rgba[..., 3].min() == 255
                at = frame.pts * Fraction(frame.time_base)
                yield Image.fromarray(rgba[..., :3] if opaque else rgba), at


def _names(source: Source) -> list[str]:
    """Of the pictures of a folder's frames; none for other clips."""
    if not isinstance(source, Folder):
        return []
    plain = [f"{file.stem}.png" for file in source.files]
    distinct = len({name.casefold() for name in plain}) == len(plain)
    return plain if distinct else [f"{file.name}.png" for file in source.files]
