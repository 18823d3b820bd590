"""The cards that a session made or read: in memory, and in the user's cache."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from gesso.cards.cache import CardCache
from gesso.cards.card import StyleCard
from gesso.errors import GessoError

log = logging.getLogger(__name__)

MOST_CARDS = 64  # in memory; a card of a whole network takes 2 MB


class KeptCards:
    """Cards by name. Several threads may use it: what one makes under `lock_of` a name, another
    finds."""

    def __init__(self, cache: CardCache | None) -> None:
        self.cache = cache
        self._cards: dict[str, StyleCard] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._cards

    def get(self, name: str, cached: bool = True) -> StyleCard | None:
        """The card of that name in memory, or in the cache where it is `cached`; None: unknown."""
        if name in self._cards or not cached or self.cache is None:
            return self._cards.get(name)
        return self.cache.get(name)

    def remember(self, name: str, card: StyleCard) -> None:
        """Keep the card in memory, and forget the oldest beyond MOST_CARDS."""
        with self._lock:
            self._cards[name] = card
            for old in list(self._cards)[:-MOST_CARDS]:
                del self._cards[old]
                self._locks.pop(old, None)

    def put(self, name: str, card: StyleCard) -> None:
        """Keep the card in the cache. One that cannot be written costs a warning, not the card."""
        if self.cache is None:
            return
        try:
            self.cache.put(name, card)
        except GessoError as error:
            log.warning("%s; the style is not cached", error)

    @contextmanager
    def lock_of(self, name: str) -> Iterator[None]:
        """Only one thread at a time is inside for a name."""
        with self._lock:
            lock = self._locks.setdefault(name, Lock())
        with lock:
            yield
