"""The cards that stay: files in one folder, which the command line reads as well."""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import suppress
from pathlib import Path
from threading import RLock

from gesso.disk.atomic import make_folder
from gesso.errors import GessoError
from gesso.studio.refusals import UNUSABLE, Refused, unknown

SUFFIX = ".safetensors"
MOST_CARDS = 2000
_NAME = re.compile(r"[^\W_][\w .()'+-]{0,62}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)([. ].*)?", re.IGNORECASE)


def library_folder() -> Path:
    """$XDG_DATA_HOME/gesso/cards, else ~/.local/share/gesso/cards; it may not exist yet. Raises
    GessoError where there is no home folder."""
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    if shared.is_absolute():
        return shared / "gesso" / "cards"
    try:
        return Path.home() / ".local" / "share" / "gesso" / "cards"
    except RuntimeError:
        raise GessoError("no home folder for the cards; --cards DIR names another") from None


class Library:
    """Cards by name. A name from outside is looked for among the names that are there, or has to be
    `checked_name` before a file is called so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = RLock()

    def files(self) -> dict[str, Path]:
        """Name → file, in the order of the names."""
        if not self.folder.is_dir():
            return {}
        found = sorted(self.folder.iterdir(), key=lambda path: path.name.casefold())
        kept = [p for p in found if p.suffix == SUFFIX and not p.name.startswith(".")]
        return {p.stem: p for p in kept if p.is_file() and not p.is_symlink()}

    def file(self, name: str) -> Path:
        """The card of that name. Raises Refused for an unknown one."""
        found = self.files().get(name)
        if found is None:
            raise unknown("card")
        return found

    def put(self, name: str, made: Path) -> str:
        """Move a card's file into the library, under that name or, where it is taken, one with a
        number; returns the name. Raises Refused for a name that cannot be, and where there are too
        many cards."""
        wanted = checked_name(name)
        with self._lock:
            taken = {known.casefold() for known in self.files()}
            if len(taken) >= MOST_CARDS:
                raise Refused(UNUSABLE, f"cards: {len(taken)} are there; allowed are {MOST_CARDS}")
            found, number = wanted, 2
            while found.casefold() in taken:
                found, number = f"{wanted[:56]} {number}", number + 1
            make_folder(self.folder)
            self._moved(made, found)
        return found

    def rename(self, name: str, wanted: str) -> str:
        """Give a card another name; returns it. Raises Refused for one that is taken."""
        new = checked_name(wanted)
        with self._lock:
            path = self.file(name)
            others = {known.casefold() for known in self.files() if known != name}
            if new.casefold() in others:
                raise Refused(UNUSABLE, f"name: there is a card {new} already")
            self._moved(path, new)
        return new

    def remove(self, name: str) -> None:
        """Remove a card. Raises Refused for an unknown one."""
        with self._lock, suppress(FileNotFoundError):
            self.file(name).unlink()

    def _moved(self, path: Path, name: str) -> None:
        target = self.folder / f"{name}{SUFFIX}"
        try:
            os.replace(path, target)
        except OSError:  # another file system
            temporary = self.folder / f".{name}{SUFFIX}"
            temporary.write_bytes(path.read_bytes())
            os.chmod(temporary, 0o600)
            os.replace(temporary, target)


def checked_name(name: str) -> str:
    """A name as cards may have it. Raises Refused for any other."""
    plain = unicodedata.normalize("NFC", name.strip(" "))
    if (
        not _NAME.fullmatch(plain)
        or not plain.isprintable()
        or plain.endswith(".")
        or _RESERVED.fullmatch(plain)
    ):
        allowed = (
            "letters, digits, spaces and _.()'+-, beginning with a letter or digit, at most 63"
        )
        raise Refused(UNUSABLE, f"name: {plain[:40]!r}; allowed are {allowed}")
    return plain
