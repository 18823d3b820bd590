"""Folders and tar shards of training images, listed once and read by index."""

from __future__ import annotations

import hashlib
import logging
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from PIL import Image

from gesso.errors import GessoError
from gesso.images.formats import SUFFIXES
from gesso.images.plain import read_plain
from gesso.images.source import MAX_BYTES

log = logging.getLogger(__name__)


class _Entry(NamedTuple):
    name: str  # what messages call it: path below the source, or shard.tar:member
    file: str
    offset: int = -1  # of the bytes inside `file`; -1: all of it
    size: int = 0  # of a shard's member


class ImageSource:
    """The images below a folder (flat or nested), in plain .tar shards, or both, in sorted order.

    Shards are indexed once and read by offset, never unpacked. Hidden files are left out, links to
    folders are not followed. A file that turns out not to be readable is named once in a warning
    and passed over from then on.

    Raises GessoError when the path does not exist, holds no images, or a shard is no plain tar.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise GessoError(f"{path}: no such file or folder (expected images or .tar shards)")
        self._entries = sorted(_entries(self.path))
        if not self._entries:
            raise GessoError(f"{path}: holds no images ({' '.join(SUFFIXES)}, or .tar shards)")
        self._broken: set[int] = set()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def names(self) -> list[str]:
        """Names in index order: paths below the source, or `shard.tar:member`."""
        return [entry.name for entry in self._entries]

    def fingerprint(self) -> str:
        """A hash of all names; a resumed run compares it, as data order depends on the list."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:16]

    def read(self, index: int) -> bytes:
        """The encoded bytes of one image."""
        entry = self._entries[index]
        with open(entry.file, "rb") as file:
            if entry.offset < 0:
                return file.read(MAX_BYTES)
            file.seek(entry.offset)
            return file.read(min(entry.size, MAX_BYTES))

    def load(self, index: int, shorter: int = 0) -> Image.Image | None:
        """One image, upright, sRGB, 8 bits; None (and one warning, ever) if it is not readable.

        A JPEG much larger than `shorter` is decoded at a fraction of its size, at least `shorter`.
        Transparent parts lie on white.
        """
        if index in self._broken:
            return None
        try:
            entry = self._entries[index]
            return read_plain(entry.file if entry.offset < 0 else self.read(index), shorter)
        except (GessoError, OSError) as error:
            self._name_once(index, error)
            return None

    def _name_once(self, index: int, error: Exception) -> None:
        with self._lock:
            if index in self._broken:
                return
            self._broken.add(index)
        reason = " ".join(str(error).split(": ", 1)[-1].split())  # without the path
        log.warning("%s: skipped: %s", self._entries[index].name, reason)


def _entries(path: Path) -> Iterator[_Entry]:
    if path.is_file():
        yield from _file_entries(path, path.name)
        return
    for folder, subfolders, files in os.walk(path):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in files:
            file = Path(folder, name)
            yield from _file_entries(file, file.relative_to(path).as_posix())


def _file_entries(file: Path, name: str) -> Iterator[_Entry]:
    if file.name.startswith("."):
        return
    if file.suffix.lower() == ".tar":
        yield from _shard_entries(file, name)
    elif file.suffix.lower() in SUFFIXES:
        yield _Entry(name, str(file))


def _shard_entries(file: Path, name: str) -> Iterator[_Entry]:
    try:
        with tarfile.open(file, "r:") as shard:
            for member in shard:
                path = Path(member.name)
                if member.isreg() and path.suffix.lower() in SUFFIXES and path.name[0] != ".":
                    label = f"{name}:{member.name}"
                    yield _Entry(label, str(file), member.offset_data, member.size)
    except (tarfile.TarError, OSError) as error:
        raise GessoError(f"{file}: not a plain (uncompressed) tar file: {error}") from error
