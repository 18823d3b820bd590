"""Styles as a network takes them: paintings that were looked at, and cards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from gesso.cards.cache import CardCache
from gesso.cards.packing import PlainCard
from gesso.errors import GessoError, OptionError
from gesso.images.read import read_image
from gesso.runtime.colors import Colors, Tint
from gesso.runtime.sessions import Arrays

PALETTE = "style_colors"  # among a card's settings, as torch's cards have it
ORDINARY = {"light": "ordinary.light", "moments": "ordinary.moments"}
"""What a network makes of ordinary pictures: as a look has it → as a card in the cache does."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """A style as a network takes it.

    Attributes:
        numbers: by the names of the network's inputs.
        weights: of the network, in the place of the bundled ones.
        palette, thumbnail: of the style, where they are known.
        ordinary: what becomes of ordinary pictures in it, where that is known.
        keep: is told that where it is not.
    """

    numbers: Arrays
    weights: Arrays = field(default_factory=dict)
    palette: Colors | None = None
    thumbnail: bytes | None = None
    ordinary: Arrays | None = None
    keep: Callable[[Arrays], None] | None = None

    @classmethod
    def of(cls, card: PlainCard, numbers: Arrays, weights: Arrays | None = None) -> Self:
        """A card with what a network takes of it."""
        kept = card.settings.get(PALETTE)
        palette = None if kept is None else Colors.from_numbers(kept)
        return cls(numbers, weights or {}, palette, card.thumbnail)

    def known(self, key: str, stored: PlainCard, cache: CardCache | None) -> Self:
        """With what the cache knows, and is to know, of ordinary pictures: in the card `stored`
        there under the key."""

        def keep(found: Arrays) -> None:
            named = {ORDINARY[n]: value for n, value in found.items()}
            put(cache, key, replace(stored, tensors=stored.tensors | named))

        have = {n: stored.tensors[name] for n, name in ORDINARY.items() if name in stored.tensors}
        return replace(self, ordinary=have if len(have) == len(ORDINARY) else None, keep=keep)


def put(cache: CardCache | None, key: str, card: PlainCard) -> None:
    """Keep a card, if there is a cache; where that fails a warning says so."""
    if cache is not None:
        try:
            cache.put_plain(key, card)
        except GessoError as error:
            log.warning("%s; the style is not cached", error)


def scaled(shares: Sequence[float]) -> list[float]:
    """Shares that sum to 1. Raises OptionError where they sum to 0."""
    total = sum(shares)
    if not total:
        raise OptionError(
            "weights", f"{list(shares)} sum to 0; no mixture of styles is made of that"
        )
    return [share / total for share in shares]


def mixed(parts: Sequence[Mapping[str, np.ndarray]], shares: Sequence[float]) -> Arrays:
    """Numbers of one shape by name, mixed."""
    return {
        name: np.asarray(
            sum(np.float32(s) * part[name] for s, part in zip(shares, parts, strict=True))
        )
        for name in parts[0]
    }


def tint_of(styles: Sequence[Seen]) -> Tint | None:
    """That of all styles together; None where one has no thumbnail that can be read."""
    try:
        seen = [read_image(style.thumbnail) for style in styles if style.thumbnail]
    except GessoError:
        return None
    return Tint.of(seen) if len(seen) == len(styles) else None
