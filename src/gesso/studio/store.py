"""The run's folder: what was sent and what was made, under names that nobody chose or can guess.

The folder lies in the system's folder for temporary files, is its owner's only, and goes when the
server does. What a killed server left is removed when the next one starts.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import IO, Any

from gesso.studio.refusals import BUSY, Refused, unknown

PREFIX = "gesso-studio-"
LOCK = "lock"
CACHE = "cache"
YOUNG_SECONDS = 60.0  # a folder that is not locked yet may be about to be
LONGEST_NAME = 80
MOST_ENTRIES = 4000
_ID = re.compile(r"[0-9a-f]{32}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass
class Entry:
    """A picture or clip that was sent, or a file that a job made.

    Attributes:
        id: 32 hexadecimal digits that cannot be guessed.
        session: whose it is.
        name: what its owner calls it, harmless as a file's name.
        path: the file, as it was sent or made.
        preview: a picture of it, encoded by us; it may not exist.
        facts: what is known of it, JSON values.
        size: bytes on the disk.
        pins: how many jobs need it; it stays as long as there is one.
    """

    id: str
    session: str
    name: str
    path: Path
    preview: Path
    facts: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    pins: int = 0

    def shown(self) -> dict[str, Any]:
        """What its owner is told of it."""
        return {"id": self.id, "name": self.name, "bytes": self.size, **self.facts}


class Store:
    """Entries by session and id, in a folder of their own.

    Args:
        most: bytes that they may take together.
        parent: where the folder is made; None: in the system's folder for temporary files.
    """

    def __init__(self, most: int, parent: Path | None = None) -> None:
        base = Path(parent or tempfile.gettempdir())
        sweep(base)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base)).resolve()
        self._lock_file = _locked(self.folder / LOCK)
        self.most = most
        self._entries: OrderedDict[str, Entry] = OrderedDict()  # the least recently used first
        self._lock = RLock()
        (self.folder / CACHE).mkdir(mode=0o700)

    def new(self, session: str, name: str, suffix: str = "") -> Entry:
        """A new entry. It gets a folder of its own (`place`), then its file, then it is `add`ed."""
        key = secrets.token_hex(16)
        folder = self.folder / key
        plain = harmless(name) + suffix
        return Entry(key, session, plain, folder / plain, folder / ".preview.webp")

    def place(self, entry: Entry) -> None:
        """Make the folder of a new entry."""
        entry.path.parent.mkdir(mode=0o700, exist_ok=True)

    def add(self, entry: Entry) -> Entry:
        """Keep an entry whose file is written. Raises Refused where there is no room for it."""
        entry.size = _bytes(entry.path.parent)
        with self._lock:
            self._entries[entry.id] = entry
            self._make_room(entry)
        return entry

    def get(self, session: str, key: str) -> Entry:
        """A session's entry. Raises Refused for an unknown one, and for another session's."""
        with self._lock:
            found = self._entries.get(key) if _ID.fullmatch(key) else None
            if found is None or found.session != session:
                raise unknown("picture")
            self._entries.move_to_end(key)
            return found

    def of(self, session: str) -> list[Entry]:
        """All of a session's entries, the least recently used first."""
        with self._lock:
            return [entry for entry in self._entries.values() if entry.session == session]

    def drop(self, entry: Entry) -> None:
        """Remove an entry with its files."""
        with self._lock:
            self._entries.pop(entry.id, None)
        shutil.rmtree(entry.path.parent, ignore_errors=True)

    @contextmanager
    def writing(self, entry: Entry) -> Iterator[IO[bytes]]:
        """The entry's file, open for writing; with the entry it is gone where that fails."""
        self.place(entry)
        try:
            descriptor = os.open(entry.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield file
        except BaseException:
            self.drop(entry)
            raise

    def pin(self, entries: list[Entry], by: int) -> None:
        """Let entries stay for one job more (1) or less (-1)."""
        with self._lock:
            for entry in entries:
                entry.pins += by

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock_file.close()

    def _make_room(self, newest: Entry) -> None:
        idle = [e for e in self._entries.values() if not e.pins and e is not newest]
        total = sum(entry.size for entry in self._entries.values())
        while idle and (total > self.most or len(self._entries) > MOST_ENTRIES):
            oldest = idle.pop(0)
            total -= oldest.size
            self.drop(oldest)
        if total > self.most:
            self.drop(newest)
            text = f"pictures take more than {self.most // 10**6} MB, which are allowed"
            raise Refused(BUSY, f"{text}; waiting jobs need them", retry_after=30)


def harmless(name: str) -> str:
    """A name that is one file's name on every system: what follows its last slash, letters, digits
    and .-_ only, not hidden, of at most 80 characters and 200 bytes."""
    last = re.split(r"[/\\:]", unicodedata.normalize("NFC", name))[-1]
    plain = re.sub(r"[^\w.-]+", "-", last).strip(".-")[-LONGEST_NAME:].lstrip(".-")
    while len(plain.encode()) > 200:
        plain = plain[1:]
    return f"_{plain}" if _RESERVED.fullmatch(plain) else plain or "picture"


def sweep(base: Path) -> list[Path]:
    """Remove the folders that killed servers left in `base`; returns what was removed."""
    removed: list[Path] = []
    if find_spec("fcntl") is None:  # nothing says there whether a server still runs
        return removed
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
            if not mine or folder.is_symlink() or time.time() - status.st_mtime < YOUNG_SECONDS:
                continue
            lock = _locked(folder / LOCK)
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()
            removed.append(folder)
    return removed


def _locked(path: Path) -> IO[bytes]:
    """The file, locked as long as this process lives. Raises OSError where another holds it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise
    return file


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
