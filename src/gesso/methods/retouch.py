"""Options that only concern the pictures made with a card, changed in a card that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gesso.cards.card import StyleCard
from gesso.errors import OptionError
from gesso.methods.base import Method
from gesso.options import of_pictures


def retouched(method: Method, card: StyleCard, values: Mapping[str, Any]) -> StyleCard:
    """The card with other options of its pictures (`Option.on_pictures`).

    Raises:
        OptionError: an option that only matters while adapting, or a value out of range.
    """
    names = of_pictures(method.about.options)
    for name in values:
        if name not in names:
            allowed = ", ".join(names) or "none"
            trouble = f"of no use with a card, which is adapted already; allowed are {allowed}"
            raise OptionError(name, trouble)
    chosen = method.chosen(None, values)
    given = {name: getattr(chosen, name) for name in values}
    if all(card.config.get(name) == value for name, value in given.items()):
        return card
    return replace(card, config=card.config | given, settings=card.settings | given)


def of_its_pictures(options: Any) -> dict[str, Any]:
    """The values of those options that only concern pictures, by name."""
    return {name: getattr(options, name) for name in of_pictures(type(options))}
