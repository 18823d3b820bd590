"""What the header of a card may hold: typed, counted, and short enough to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gesso.disk.header import brief

FIELDS = {"method": str, "base": str, "config": dict, "settings": dict, "provenance": dict}

MAX_VALUES = 2000
"""Values in config, settings and provenance together; adapted cards have about 40."""
MAX_TEXT = 2000
"""Characters of one text."""
MAX_WIDTH = 4096

_LARGEST = 1e20  # beyond any seed
_SHOWN = 100  # values of one field in a summary


def checked_fields(header: Mapping[str, Any]) -> dict[str, Any]:
    """The `FIELDS` of a header, each of its type and within the limits.

    Raises:
        ValueError: a field that is missing or of another type, too many or too long values.
    """
    found = {name: _field(header, name, kind) for name, kind in FIELDS.items()}
    for count, (name, value) in enumerate(_leaves(found)):
        if count >= MAX_VALUES + 2:  # method and base are counted, too
            raise ValueError(f"its header holds more than {MAX_VALUES} values")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(f"{brief(name, 30)} in its header has more than {MAX_TEXT} characters")
        if isinstance(value, int | float) and not abs(value) <= _LARGEST:
            number = f"{brief(name, 30)} in its header is {brief(value, 20)}"
            raise ValueError(f"{number}; allowed are numbers to 1e20")
    width = found["config"].get("width", 1)
    if type(width) is not int or not 1 <= width <= MAX_WIDTH:
        allowed = f"whole numbers from 1 to {MAX_WIDTH}"
        raise ValueError(f"width in its header is {brief(repr(width), 20)}; allowed are {allowed}")
    return found


def shown_field(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a summary has them: the first hundred, texts and lists cut short."""
    first = dict(list(values.items())[:_SHOWN])
    found = {brief(name): _shown(value) for name, value in first.items()}
    left = len(values) - len(first)
    return found | ({"…": f"{left} more"} if left > 0 else {})


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return shown_field(value)
    if isinstance(value, list | tuple):
        left = len(value) - 20
        return [_shown(item) for item in value[:20]] + ([f"… {left} more"] if left > 0 else [])
    return brief(value, 200) if isinstance(value, str) else value


def _field(header: Mapping[str, Any], name: str, kind: type) -> Any:
    value = header.get(name)
    if not isinstance(value, kind):
        raise ValueError(f"its header lacks {name}")
    return value


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every text, number, truth value and None, and every empty list or object; with its key."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if len(str(key)) > MAX_TEXT:
                raise ValueError(f"a key in its header has more than {MAX_TEXT} characters")
            yield from _leaves(item, str(key))
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from _leaves(item, name)
    else:
        yield name, value
