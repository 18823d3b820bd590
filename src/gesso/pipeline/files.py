"""Files where a batch has them: on this machine, or behind a URL (`gesso.pipeline.remote`).

Names are paths and URLs as the command was given them. Needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from gesso.disk.atomic import (
    atomic_write,
    make_folder,
    os_error_line,
    sha256_file,
    shown,
    sweep_stale,
)
from gesso.disk.lock import locked
from gesso.errors import GessoError
from gesso.images.formats import SUFFIXES
from gesso.images.source import Source
from gesso.pipeline.plan import identity, listed
from gesso.pipeline.sources import given_path, is_url

Known = dict[str, Any]
"""What a photo is known by: its `sha256`, `bytes` and `mtime_ns`, as the manifest has them."""

Target = Path | IO[bytes]
"""Where `gesso.images.write.write_image` writes."""


class Found(NamedTuple):
    """A file: its name; a path by which names for its result are told apart; and what it is called
    below the folder that was given."""

    name: str
    trace: Path
    relative: Path


class Stamp(NamedTuple):
    """By which a file is taken for unchanged."""

    bytes: int
    mtime_ns: int


class Journal(Protocol):
    """A file to which lines are added."""

    ahead: int
    """How many jobs are written down as begun at a time, before the first of them is."""

    def read(self) -> bytes:
        """All that is in it; b"" where it is not there. Raises GessoError."""

    def append(self, data: bytes, now: bool = True) -> None:
        """Add to it: before this returns, or within a second. Raises GessoError."""

    def replace(self, data: bytes) -> None:
        """Have it hold nothing else. Raises GessoError."""

    def flush(self) -> None:
        """Returns when all is written. Raises GessoError."""


class Files(Protocol):
    """What a batch does with files. All but `sha256` and `stamp`, which raise OSError as well,
    raise GessoError, with a line that names the file."""

    shared: bool
    """Whether other processes reach them by the same names."""

    def find(self, name: str, out: str) -> tuple[list[Found], dict[str, str]]:
        """The photo `name`, or those below the folder, but for what lies below `out`, and what
        cannot be looked at: name → one line."""

    def below(self, folder: str, name: str) -> str:
        """The name of a file in a folder."""

    def identity(self, name: str) -> object:
        """Equal for two names of one file; None: there is none."""

    def stamp(self, name: str) -> Stamp:
        """Its size and time, now or when its folder was searched."""

    def sha256(self, name: str) -> str:
        """Of its bytes, in hexadecimal digits."""

    def was_there(self, name: str) -> bool:
        """Whether it is there, now or some time since `prepare` was called."""

    def source(self, name: str) -> tuple[Source, Known]:
        """A photo to be read, and what it is known by."""

    def saving(self, name: str) -> AbstractContextManager[Target]:
        """Where to write a file, which then appears whole or not at all."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""

    def make_folder(self, name: str) -> None:
        """Make a folder where none is."""

    def prepare(self, names: Collection[str]) -> None:
        """Make the folders of files that are to be written, and remove what killed writers left."""

    def journal(self, name: str) -> Journal:
        """A file to which lines are added."""

    def held(self, name: str, trouble: str) -> AbstractContextManager[None]:
        """Keep other commands away from a file, as far as can be; `trouble`: they are there."""


def files_at(name: str) -> Files:
    """Where a file or folder of this name is. Raises GessoError where nothing can be reached."""
    if not is_url(name):
        return LOCAL
    from gesso.pipeline.remote import remote

    return remote(name)


class LocalFiles:
    """Files of this machine, by their paths."""

    shared = True

    def find(self, name: str, out: str) -> tuple[list[Found], dict[str, str]]:
        found, failures = listed([given_path("photo", name)], Path(out), SUFFIXES, "pictures")
        lines = {os.fspath(path): line for path, line in failures.items()}
        return [Found(os.fspath(path), path, relative) for path, relative in found], lines

    def below(self, folder: str, name: str) -> str:
        return os.fspath(Path(folder) / name)

    def identity(self, name: str) -> object:
        return identity(Path(name))

    def stamp(self, name: str) -> Stamp:
        status = os.stat(name)
        return Stamp(status.st_size, status.st_mtime_ns)

    def sha256(self, name: str) -> str:
        return sha256_file(name)

    def was_there(self, name: str) -> bool:
        return os.path.exists(name)

    def source(self, name: str) -> tuple[Source, Known]:
        try:
            stamp = self.stamp(name)
            return Path(name), {"sha256": sha256_file(name), **stamp._asdict()}
        except (OSError, GessoError):
            return Path(name), {"sha256": "", "bytes": 0, "mtime_ns": 0}  # reading it says why

    @contextmanager
    def saving(self, name: str) -> Iterator[Target]:
        yield Path(name)  # pictures are written atomically by themselves

    def write(self, name: str, data: bytes) -> None:
        atomic_write(name, data)

    def remove(self, name: str) -> None:
        try:
            Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise GessoError(f"{shown(name)}: cannot be removed: {error.strerror}") from error

    def make_folder(self, name: str) -> None:
        if os.path.exists(name) and not os.path.isdir(name):
            raise GessoError(f"{shown(name)}: a file; a folder is needed")
        make_folder(name)

    def prepare(self, names: Collection[str]) -> None:
        folders = dict.fromkeys(map(os.path.dirname, names))
        own = set(map(os.path.basename, names))
        for folder in folders:
            make_folder(folder or ".")
            sweep_stale(folder or ".", 0, own)

    def journal(self, name: str) -> Journal:
        return Lines(name)

    def held(self, name: str, trouble: str) -> AbstractContextManager[None]:
        path = Path(name)
        return locked(path.with_name(f".{path.stem}.lock"), trouble)


class Lines:
    """A file of this machine to which lines are added, each in one piece."""

    ahead = 1

    def __init__(self, name: str) -> None:
        self.path = Path(name)

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise GessoError(os_error_line(self.path, error, "cannot be read")) from error

    def append(self, data: bytes, now: bool = True) -> None:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            try:
                written = os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise GessoError(os_error_line(self.path, error, "cannot be written")) from error
        if written < len(data):
            raise GessoError(f"{shown(self.path)}: cannot be written: the disk is full")

    def replace(self, data: bytes) -> None:
        atomic_write(self.path, data)

    def flush(self) -> None:
        pass


LOCAL = LocalFiles()
