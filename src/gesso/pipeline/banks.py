"""The styles that a user's own weights hold, by name. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gesso.disk.atomic import open_regular, shown
from gesso.disk.header import parse_json, read_layout
from gesso.disk.hub import local
from gesso.errors import GessoError, OptionError
from gesso.images.styles import bundled_styles, meant, no_such_style, style_file
from gesso.methods.about import About

KIND = "bank"  # what files of weights with styles of their own call themselves


@dataclass(frozen=True)
class BankStyle:
    """A style of a bank: as a card, it needs no adaptation.

    Attributes:
        name: in the bank.
        method: the bank's.
    """

    name: str
    method: str


@dataclass(frozen=True)
class Bank:
    """The styles of a file of weights.

    Attributes:
        method: whose weights they are.
        names: of the styles, in the order of the weights.
        source: what messages call the bank.
        listing: the command that lists its styles.
    """

    method: str
    names: tuple[str, ...]
    source: str = "the bank"
    listing: str = "gesso info"

    @property
    def styles(self) -> dict[str, BankStyle]:
        """Name → style."""
        return {name: BankStyle(name, self.method) for name in self.names}

    def find(self, style: str | os.PathLike[str]) -> Path | BankStyle:
        """What a style's path or name names: a file of that name comes first, then the bank's
        style, then the bundled one.

        Raises:
            OptionError: there is none, with the styles of a similar name.
        """
        if os.path.lexists(style):
            return Path(style)
        name = meant(os.fspath(style), self.names)
        if name is not None:
            return self.styles[name]
        try:
            return style_file(style)
        except OptionError as error:
            names, kind = [*self.names, *bundled_styles()], f"style of {self.source} or bundled one"
            trouble = no_such_style(style, names, kind, self.listing)
            raise OptionError("style", trouble) from error


def bank_of(weights: str | Path | None) -> Bank | None:
    """The bank that a file of weights is; None where it is none, or cannot be read, which loading
    it says in full. Only the header is read. Raises GessoError for a file of the Hugging Face Hub,
    as `gesso.disk.hub.fetched` does."""
    weights = local(weights)
    if weights is None:
        return None
    try:
        with open_regular(weights) as file:
            header = parse_json(read_layout(weights, file).metadata.get("gesso", ""))
        names = names_in(header)
        method = str(header["method"])
    except (GessoError, KeyError, TypeError, ValueError):
        return None
    place = shown(weights)
    return Bank(method, names, place, f"gesso info {place}") if names else None


def own_bank(about: About, names: Sequence[str]) -> Bank | None:
    """That of a method's weights with styles of these names; None for the bundled ones, whose names
    are those of pictures."""
    if not names or tuple(names) == about.bank:
        return None
    return Bank(about.name, tuple(names), listing="method.names")


def names_in(header: Any) -> tuple[str, ...]:
    """The names of the styles that a file's header lists; none where it is no bank's."""
    config = header.get("config") if header.get("kind") == KIND else None
    names = config.get("styles") if isinstance(config, dict) else None
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if named and names else ()
