"""Styles adapted before: their cards, in the user's cache, under a key of all that made them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.disk.atomic import make_folder, open_regular, sweep_stale
from gesso.disk.cache_dir import cache_dir
from gesso.disk.header import brief, parse_json, read_layout
from gesso.errors import GessoError
from gesso.version import __version__

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.cards.packing import PlainCard

CARDS = "cards"
MAX_BYTES = 512 * 2**20  # hundreds of whole networks; beyond it the least recently used ones go

_CARD = re.compile(r"[0-9a-f]{64}\.safetensors")


def card_key(style_sha256: str, method: str, base: str, settings: Mapping[str, Any]) -> str:
    """64 hexadecimal digits that differ when any of the arguments or gesso's version does.

    Args:
        style_sha256: of the style file's bytes.
        method: the method's name.
        base: SHA-256 of the weights it starts from.
        settings: all else that decides the card (JSON values): encoder, sizes, steps, seed, …
    """
    parts = {
        "gesso": __version__,
        "style": style_sha256,
        "method": method,
        "base": base,
        "settings": dict(settings),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class CachedCard:
    """One file of the cache; `style`, `method` and `steps` are as its header says."""

    path: Path
    bytes: int
    used: float  # seconds since the epoch
    style: str = ""
    method: str = ""
    steps: int | None = None


class CardCache:
    """Cards by key in one folder; no torch is needed to list or clear it."""

    def __init__(self, folder: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self.folder = cache_dir() / CARDS if folder is None else folder
        self.max_bytes = max_bytes

    def get(self, key: str) -> StyleCard | None:
        """The card, or None; a damaged one is removed."""
        from gesso.cards.card import StyleCard

        card = self.get_plain(key)
        return None if card is None else StyleCard.of(card)

    def get_plain(self, key: str) -> PlainCard | None:
        """The card in numpy arrays, or None; a damaged one is removed. Needs no torch."""
        from gesso.cards.packing import read_card  # numpy; what lists the cache does without

        path = self._path(key)
        if not path.is_file():
            return None
        try:
            card = read_card(path)
        except GessoError:
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)  # used just now: the last one to be dropped
        return card

    def put(self, key: str, card: StyleCard) -> None:
        """Keep a card, without any loss: taken from the cache it gives the very same pictures.

        Raises:
            GessoError: the folder cannot be created or written.
        """
        self.put_plain(key, card.plain())

    def put_plain(self, key: str, card: PlainCard) -> None:
        """`put` of a card in numpy arrays. Needs no torch."""
        from gesso.cards.packing import narrowest, write_card

        make_folder(self.folder)
        write_card(self._path(key), card, narrowest(card))
        self._trim()

    def entries(self) -> list[CachedCard]:
        """What the cache holds, the most recently used first."""
        return sorted((_described(path) for path in self._files()), key=lambda e: -e.used)

    def clear(self) -> int:
        """Remove all cards; returns how many there were. Nothing else in the folder is touched."""
        removed = 0
        for path in self._files():
            with suppress(OSError):
                path.unlink()
                removed += 1
        sweep_stale(self.folder)
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(p for p in self.folder.iterdir() if _CARD.fullmatch(p.name) and p.is_file())

    def _trim(self) -> None:
        status = []
        for path in self._files():
            with suppress(OSError):  # another process may be trimming, too
                status.append((path.stat().st_mtime, path.stat().st_size, path))
        total = sum(size for _, size, _ in status)
        for _, size, path in sorted(status)[:-1]:  # what was put last stays, however large
            if total <= self.max_bytes:
                break
            with suppress(OSError):
                path.unlink()
            total -= size


def _described(path: Path) -> CachedCard:
    status = path.stat()
    try:
        with open_regular(path) as file:
            header = parse_json(read_layout(path, file).metadata["gesso"])
        origin = header["provenance"]
        known = brief(origin.get("style", "")), brief(header["method"]), origin.get("steps")
    except (GessoError, ValueError, KeyError, TypeError, AttributeError):  # damaged: listed, too
        return CachedCard(path, status.st_size, status.st_mtime)
    return CachedCard(path, status.st_size, status.st_mtime, *known)
