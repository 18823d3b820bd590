"""The pictures in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gesso.images.formats import SUFFIXES
from gesso.images.source import problem


def list_images(folder: str | os.PathLike[str], recursive: bool = True) -> list[Path]:
    """The files under `folder` whose names end in one of `SUFFIXES`, sorted by their paths.

    The order depends on the names alone, so it is the same on every machine. Hidden files and
    folders (a leading dot) are left out, and links to folders are not followed.

    Raises:
        GessoError: `folder` is not a folder, or it or one below it cannot be read.
    """
    if not Path(folder).is_dir():
        raise problem(folder, "no such folder")
    found = (p for p in _walk(Path(folder), recursive) if p.suffix.lower() in SUFFIXES)
    return sorted(found, key=lambda p: p.parts)


def _walk(folder: Path, recursive: bool) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            visible = [e for e in entries if not e.name.startswith(".")]
    except OSError as error:
        raise problem(folder, f"cannot be read ({error.strerror})") from error
    for entry in visible:
        if entry.is_file():
            yield Path(entry.path)
        elif recursive and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), recursive)
