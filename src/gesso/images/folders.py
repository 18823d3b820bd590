"""The pictures in a folder. Needs no torch."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from gesso.images.formats import SUFFIXES
from gesso.images.source import problem

log = logging.getLogger(__name__)


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The files under `folder` whose names end in one of `SUFFIXES`, sorted by their paths.

    The order depends only on the names, so it is the same on every machine. Hidden files and
    folders (a leading dot) are left out, and links to folders are not followed. Entries that
    cannot be looked at are named in warnings.

    Raises:
        GessoError: `folder` is not a folder.
    """
    images, failures = find_images(folder)
    for line in failures.values():
        log.warning("%s; left out", line)
    return images


def find_images(
    folder: str | os.PathLike[str], suffixes: Collection[str] = SUFFIXES
) -> tuple[list[Path], dict[Path, str]]:
    """The files under `folder` with one of the `suffixes` (lower case), sorted, and the entries
    that cannot be looked at: path → one line that names it.

    Those entries are folders that cannot be read, and links without a target, links in a circle,
    pipes and devices whose names have such a suffix. They never keep the rest from being found.

    Raises:
        GessoError: `folder` is not a folder.
    """
    if not os.path.isdir(folder):
        raise problem(folder, "no such folder")
    images: list[Path] = []
    failures: dict[Path, str] = {}
    folders = [Path(folder)]
    while folders:
        here = folders.pop()
        for entry in _visible(here, failures):
            path = Path(entry.path)
            if _is_folder(entry):
                folders.append(path)
            elif path.suffix.lower() in suffixes:
                _sort_in(path, images, failures)
    return sorted(images, key=_by_parts), {p: failures[p] for p in sorted(failures, key=_by_parts)}


def _visible(folder: Path, failures: dict[Path, str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        failures[folder] = str(problem(folder, f"cannot be read ({error.strerror})"))
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        return entry.is_dir(follow_symlinks=False)
    return False


def _sort_in(path: Path, images: list[Path], failures: dict[Path, str]) -> None:
    """Add `path` to `images` if it is a file, to `failures` unless it is a link to a folder."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        link = "a link whose target " if path.is_symlink() else ""
        failures[path] = str(problem(path, f"{link}cannot be read ({error.strerror})"))
        return
    if stat.S_ISREG(mode):
        images.append(path)
    elif not stat.S_ISDIR(mode):
        failures[path] = str(problem(path, "not a file but a pipe, socket or device"))


def _by_parts(path: Path) -> tuple[str, ...]:
    return path.parts
