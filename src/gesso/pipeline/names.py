"""Names for results: none twice, and none that moves to another source when there are more."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from gesso.disk.atomic import shown
from gesso.errors import GessoError

Wish = tuple[Path, Path]  # a source, and the name its result should have


def distinct(wishes: Sequence[Wish]) -> list[Path]:
    """One name for each (source, wished name); the wished one unless another source wishes it, too.

    A contested name goes to none of those that wish for it. Each takes the names of its own
    folders in front, as many as are needed ("2024/a.jpg"); sources of one folder first take eight
    hexadecimal digits that stand for their own name ("a-1f3c9a07.jpg"). What a source passed over
    goes to no other, so adding sources never gives a name that was one's result to another.
    Names count as equal if a file system that ignores case or Unicode forms takes them so. Raises
    GessoError for a source that is given twice with one name.
    """
    twice = [wish for wish, count in Counter(map(_wish, wishes)).items() if count > 1]
    if twice:  # nothing could tell them apart
        raise GessoError(f"{shown(twice[0][0])}: given twice")
    alike = Counter(map(_place, wishes))
    marked = [alike[_place(wish)] > 1 for wish in wishes]
    levels = [0] * len(wishes)
    while True:
        claims = [set(_claims(*one)) for one in zip(wishes, marked, levels, strict=True)]
        names = [_name(*one) for one in zip(wishes, marked, levels, strict=True)]
        counts = Counter(claim for claimed in claims for claim in claimed)
        contested = [i for i, name in enumerate(names) if counts[_folded(name)] > 1]
        if not contested:
            return names
        for i in contested:
            levels[i] += 1


def _wish(wish: Wish) -> tuple[str, Path]:
    return os.path.abspath(wish[0]), wish[1]


def _place(wish: Wish) -> tuple[str, str]:
    """Names for wishes that folders' names cannot distinguish."""
    source, name = wish
    return os.path.dirname(os.path.abspath(source)), _folded(name)


def _claims(wish: Wish, marked: bool, level: int) -> Iterator[str]:
    """All names up to `level`, folded: those passed over and the one taken. A marked source claims
    every name that it might have had unmarked, before there was another like it."""
    depth = len(os.path.abspath(wish[0]).split(os.sep)) if marked else level
    yield from (_folded(_name(wish, False, lower)) for lower in range(depth + 1))
    if marked:
        yield from (_folded(_name(wish, True, lower)) for lower in range(level + 1))


def _name(wish: Wish, marked: bool, level: int) -> Path:
    """The wished name below `level` folders of the source."""
    source, name = wish
    if marked:
        name = _with_digits(name, source.name)
    folders = Path(os.path.abspath(source)).parts[1:-1]
    above = folders[: max(0, len(folders) - len(name.parts) + 1)]
    if level > len(above):  # folders whose names differ only in case
        return _with_digits(name, os.path.abspath(source))
    return Path(*above[len(above) - level :], name)


def _with_digits(name: Path, text: str) -> Path:
    digits = hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
    return name.with_name(f"{name.stem}-{digits}{name.suffix}")


def _folded(name: Path) -> str:
    """What file systems that ignore case or normalise Unicode take for one name."""
    return unicodedata.normalize("NFC", str(name)).casefold()
