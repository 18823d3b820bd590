"""Options, declared once: a frozen dataclass whose fields carry help, unit and range.

    @dataclass(frozen=True)
    class Options:
        steps: Annotated[int, Option("Steps of adaptation.", "N", least=0)] = 60

The command line derives its flags from such classes, `gesso bench --set` and the documentation
too, and Python's keyword arguments are checked against them. Needs no torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gesso.errors import GessoError, OptionError

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """What is known of one field.

    Attributes:
        help: a sentence for `--help` and the documentation, without the default.
        metavar: the unit or kind of the value, such as "N" or "PX".
        least, most: the range of a number; None: no limit.
        flag: the name on the command line where it differs from the field's; "" is the field's.
        choices: the values a text may have; () any.
        follows: a field whose value this one takes where only that one is given: `lr` sets both
            learning rates.
        shown: whether the command line has a flag for it.
        main: whether it belongs to the few that `--help` shows first.
        on_pictures: whether it only concerns the pictures made with a card, and so can be changed
            for a card that is there already.
    """

    help: str
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    flag: str = ""
    choices: tuple[str, ...] = ()
    follows: str = ""
    shown: bool = True
    main: bool = False
    on_pictures: bool = False


@dataclass(frozen=True)
class Declared:
    """One field of an options class. `kind` is int, float, bool, str, …, without None."""

    name: str
    kind: Any
    default: Any
    optional: bool
    option: Option

    @property
    def flag(self) -> str:
        """The name on the command line, such as "--style-size"."""
        return "--" + (self.option.flag or self.name.replace("_", "-"))

    @property
    def words(self) -> tuple[str, ...]:
        """The values that a text may have; () any."""
        literal = get_origin(self.kind) is Literal
        return self.option.choices or (get_args(self.kind) if literal else ())


def declared(kind: type) -> list[Declared]:
    """The fields of an options class that carry an `Option`, in their order."""
    return list(_declared(kind))


@cache  # every check of options asks, and hints are texts that are compiled each time
def _declared(kind: type) -> tuple[Declared, ...]:
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in fields(kind):
        notes = getattr(hints[field.name], "__metadata__", ())
        option = next((note for note in notes if isinstance(note, Option)), None)
        if option is None:
            continue
        plain, optional = _without_none(get_args(hints[field.name])[0])
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        found.append(Declared(field.name, plain, default, optional, option))
    return tuple(found)


def of_pictures(kind: type) -> list[str]:
    """The fields of an options class that only concern pictures (`Option.on_pictures`)."""
    return [one.name for one in declared(kind) if one.option.on_pictures]


def check(options: Any) -> None:
    """Returns when every declared field has its type and lies in its range.

    Raises:
        OptionError: for the first field that does not.
    """
    for one in declared(type(options)):
        value = getattr(options, one.name)
        if not (value is None and one.optional):
            _check_value(one, value)


def changed(options: T, changes: Mapping[str, Any]) -> T:
    """`options` with the fields in `changes` that are not None, checked; a path is taken as text.

    Raises:
        OptionError: a field that the class does not have, or a value out of range.
    """
    known = [field.name for field in fields(options)]  # type: ignore[arg-type]
    for name in changes:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise OptionError(f"option {name}", f"unknown; allowed are {allowed}")
    given = {name: value for name, value in changes.items() if value is not None}
    given |= {name: str(value) for name, value in given.items() if isinstance(value, PurePath)}
    for one in declared(type(options)):
        if one.option.follows in given and one.name not in given:
            given[one.name] = given[one.option.follows]
    result = replace(options, **given)  # type: ignore[type-var]
    check(result)
    return result


def parsed(kind: type, texts: Mapping[str, str]) -> dict[str, Any]:
    """Field → value of texts as people type them: 200, 0.5, true, lbfgs; `changed` checks them.

    Raises:
        OptionError: a field that the class does not declare.
    """
    known = {one.name: one for one in declared(kind)}
    for name in texts:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise OptionError(f"option {name}", f"unknown; allowed are {allowed}")
    return {name: _read(known[name].kind, text) for name, text in texts.items()}


def _read(kind: Any, text: str) -> Any:
    if kind not in (int, float, bool):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if type(value) in (int, float, bool) else text


def from_json(kind: type[T], values: Any, what: str = "") -> T:
    """The dataclass `kind` from the JSON values that `dataclasses.asdict` made of it; fields
    that `values` lacks have their defaults, and nested dataclasses and tuples are made anew.

    Args:
        what: what the values describe, for the message; "" is the class's name.

    Raises:
        GessoError: values that are no such dataclass.
    """
    try:
        found: T = _built(kind, values)
        check(found)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, GessoError) else repr(error)
        raise GessoError(f"not {what or kind.__qualname__}: {reason[:120]}") from None
    return found


def _built(kind: Any, values: Any) -> Any:
    plain, optional = _without_none(kind)
    if values is None and optional:
        return None
    if is_dataclass(plain):
        hints = get_type_hints(plain)
        if not isinstance(values, dict) or not values.keys() <= hints.keys():
            raise ValueError(f"values of {getattr(plain, '__name__', plain)}")
        return plain(**{n: _built(hints[n], v) for n, v in values.items()})  # type: ignore[operator]
    if get_origin(plain) is tuple:
        inner = get_args(plain)
        if not isinstance(values, list | tuple):
            raise ValueError(f"{values!r} is no list")
        kinds = [inner[0]] * len(values) if inner[-1] is Ellipsis else list(inner)
        return tuple(_built(k, v) for k, v in zip(kinds, values, strict=True))
    if plain is float and type(values) is int:
        return float(values)
    if plain is not Any and isinstance(plain, type) and type(values) is not plain:
        raise ValueError(f"{values!r} is no {plain.__name__}")
    return values


def _without_none(kind: Any) -> tuple[Any, bool]:
    """The type without None, and whether None was allowed."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    others = [k for k in get_args(kind) if k is not NoneType]
    optional = len(others) < len(get_args(kind))
    return (others[0] if len(others) == 1 else Union[tuple(others)]), optional  # noqa: UP007


def _check_value(one: Declared, value: Any) -> None:
    rule, name = one.option, one.name
    if one.words and isinstance(value, str) and value not in one.words:
        raise OptionError(name, f"{value[:40]} is unknown; allowed are {', '.join(one.words)}")
    if one.kind in (int, float):
        fits = type(value) is int or (one.kind is float and type(value) is float)
        if not fits or not math.isfinite(value) or not _within(rule, value):
            raise OptionError(name, f"{str(value)[:40]}; allowed are {_range(one)}")
    elif one.kind in (bool, str) and type(value) is not one.kind:
        raise OptionError(name, f"{str(value)[:40]}; allowed is a {_WORDS[one.kind]}")


_WORDS = {bool: "yes or no", str: "text"}


def _within(rule: Option, value: float) -> bool:
    return (rule.least is None or value >= rule.least) and (rule.most is None or value <= rule.most)


def _range(one: Declared) -> str:
    kind = "whole numbers" if one.kind is int else "numbers"
    least, most = one.option.least, one.option.most
    if least is not None and most is not None:
        return f"{kind} from {least:g} to {most:g}"
    return kind if least is None else f"{kind} from {least:g}"
