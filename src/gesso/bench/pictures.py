"""What is stylized: contents and styles, as the 8-bit PNG files that everything is made of.

Methods and judge see what is in these files, so whoever has the folder of results can compute
every figure again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from torch import Tensor

from gesso.assets import CONTENTS, STYLES
from gesso.disk.atomic import os_error_line, sha256_file, shown
from gesso.errors import GessoError
from gesso.images.folders import list_images
from gesso.images.write import write_image
from gesso.nn.pictures import read_image

CROPS = ("astronaut-face", "cat-face", "coffee-cup", "rocket-launch")  # of others bundled
UNRELATED = 4  # other photos that content distortion is measured against
STYLE_PX = 512  # longer side of the styles, as MetaStyle adapts to them


def ordered(folder: Path) -> list[Path]:
    """The folder's pictures in an order that depends only on their names and mixes families."""
    return sorted(list_images(folder), key=lambda p: hashlib.sha256(p.name.encode()).digest())


def bundled_contents() -> list[Path]:
    """Nine different pictures: a crop is no photo unrelated to the one it comes from."""
    return [path for path in ordered(CONTENTS) if path.stem not in CROPS]


@dataclass(frozen=True)
class Picture:
    """A content or style as it is used: its name, its PNG file and the file's SHA-256."""

    name: str
    path: Path
    sha256: str

    def read(self) -> Tensor:
        """(3, H, W) in [0, 1]; a picture is read once, not once a method."""
        return _read(self.path, self.sha256)


@lru_cache(maxsize=128)
def _read(path: Path, sha256: str) -> Tensor:
    return read_image(path)


@dataclass(frozen=True)
class Pair:
    """A content, a style and unrelated contents."""

    content: Picture
    style: Picture
    unrelated: tuple[Picture, ...]

    @property
    def name(self) -> str:
        """For keys and captions."""
        return f"{self.content.name} × {self.style.name}"

    @property
    def file_name(self) -> str:
        """For files."""
        return f"{self.content.name}__{self.style.name}"


@dataclass(frozen=True)
class Gallery:
    """The contents and styles of a benchmark, and how many pairs of them it is about."""

    contents: list[Picture]
    styles: list[Picture]
    most_pairs: int | None = None

    def pairs(self, most_styles: int | None = None, most: int | None = None) -> list[Pair]:
        """Every content in every style, or in the first `most_styles` of them; at most `most`,
        spread evenly over contents and styles: both lists are gone through in step, and after a
        full cycle of pairs the styles move on by one."""
        styles = self.styles[:most_styles]
        count = len(self.contents) * len(styles)
        cycle = math.lcm(len(self.contents), len(styles))
        limits = [count, most, self.most_pairs]
        return [
            self.pair(i % len(self.contents), styles[(i + i // cycle) % len(styles)])
            for i in range(min(limit for limit in limits if limit is not None))
        ]

    def pair(self, c: int, style: Picture) -> Pair:
        """Content number `c` and a style; the contents that follow it are the unrelated ones."""
        count = len(self.contents)
        others = range(1, min(UNRELATED, count - 1) + 1)
        unrelated = tuple(self.contents[(c + k) % count] for k in others)
        return Pair(self.contents[c], style, unrelated)


def gather(
    contents: Path | None,
    styles: Path | None,
    out: Path,
    *,
    size: int,
    most_contents: int | None = None,
    most_styles: int | None = None,
    style_size: int = STYLE_PX,
) -> Gallery:
    """Scale pictures and write them below `out`/pictures: contents with a longer side of `size`
    px, styles with one of `style_size`; without folders the bundled ones.

    Raises:
        GessoError: fewer than two contents or no style, a picture that cannot be read or written.
    """
    photos = (ordered(contents) if contents else bundled_contents())[:most_contents]
    paintings = ordered(styles or STYLES)[:most_styles]
    if len(photos) < 2 or not paintings:
        given = (
            (shown(contents or CONTENTS), len(photos)),
            (shown(styles or STYLES), len(paintings)),
        )
        found = ", ".join(f"{folder}: {count} pictures" for folder, count in given)
        raise GessoError(f"{found}; at least two contents and one style are needed")
    return Gallery(
        _written(photos, out / "pictures" / "contents", size),
        _written(paintings, out / "pictures" / "styles", style_size),
    )


def _written(paths: Sequence[Path], folder: Path, size: int) -> list[Picture]:
    make_folder(folder)
    pictures = []
    for name, path in zip(_names(paths), paths, strict=True):
        target = folder / f"{name}.png"
        write_image(target, read_image(path, size=size))
        pictures.append(Picture(name, target, sha256_file(target)))
    return pictures


def _names(paths: Sequence[Path]) -> list[str]:
    """File names without their endings, numbered where two are alike."""
    names: list[str] = []
    for path in paths:
        stem = file_name(path.stem)
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def file_name(text: str) -> str:
    """The text without what may not stand in a file's name."""
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises GessoError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GessoError(os_error_line(folder, error, "cannot be created")) from error
