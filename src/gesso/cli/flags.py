"""Flags that no command writes down: they are made of what methods and controls declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from gesso.controls.options import ControlOptions, of_painting
from gesso.errors import GessoError
from gesso.methods.registry import DEFAULT, about, methods
from gesso.options import Declared, Option, declared

_METAVARS = {int: "N", float: "X", str: "TEXT", Path: "FILE"}

Given = Mapping[str, Any]
"""Flag → value, of those derived flags that were given."""


@dataclass(frozen=True)
class Flag:
    """One flag, such as "--steps", and what declares it: method → declaration; the key is "" where
    no method does."""

    name: str
    owners: dict[str, Declared]

    @property
    def key(self) -> str:
        """Its name among the command's parameters; no parameter written by hand is called so."""
        return "derived" + self.name.replace("-", "_")

    @property
    def main(self) -> bool:
        """Whether it stands among those that `--help` shows first."""
        return any(one.option.main for one in self.owners.values())

    def parameter(self, heading: str) -> Parameter:
        """As typer reads it."""
        kinds = {_kind(one) for one in self.owners.values()}
        kind = kinds.pop() if len(kinds) == 1 else float if kinds == {int, float} else str
        words = [one.words for one in self.owners.values()]
        known = list(dict.fromkeys(word for some in words for word in some))
        metavars = [one.option.metavar for one in self.owners.values()]
        metavars += ["|".join(some) for some in words]
        if len(set(filter(None, words))) > 1:
            metavars.insert(0, "|".join(dict.fromkeys(word for some in words for word in some)))
        switched = any(one.default is True for one in self.owners.values())
        option = typer.Option(
            f"{self.name}/--no-{self.name[2:]}" if switched else self.name,
            metavar=next(filter(None, metavars), _METAVARS.get(kind)),
            help=self.help(),
            rich_help_panel=None if self.main else heading,
            autocompletion=(lambda: known) if known else None,
        )
        return Parameter(
            self.key,
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind | None, option],
        )

    def help(self) -> str:
        """Its help with the default; what methods say differently is listed by their names."""
        texts: dict[str, list[str]] = {}
        defaults: dict[str, list[str]] = {}
        for owner, one in self.owners.items():
            texts.setdefault(one.option.help, []).append(owner)
            if default := self._default(one):
                defaults.setdefault(default, []).append(owner)
        (text, _), *others = texts.items()
        ranges = {_range(one.option) for one in self.owners.values()}
        limits = ranges.pop() if len(ranges) == 1 else ""
        for other, owners in others:
            own = other.removeprefix(text.rstrip(".")).lstrip("; ")
            text += f" {', '.join(owners)}: {own[0].lower()}{own[1:]}"
        if not defaults:
            return text + limits
        (first, _), *rest = defaults.items()
        apart = ", ".join(f"{owner}: {value}" for value, owners in rest for owner in owners)
        return f"{text} Default: {first}{apart and f' ({apart})'}.{limits}"

    def _default(self, one: Declared) -> str:
        either = {o.default for o in self.owners.values()} == {True, False}
        if isinstance(one.default, bool):
            return ("yes" if one.default else "no") if either or one.default else ""
        if isinstance(one.default, float):
            return f"{one.default:g}"
        if isinstance(one.default, tuple):
            return ",".join(map(str, one.default))
        return "" if one.default is None else str(one.default)


@dataclass(frozen=True)
class Derived:
    """Marks the parameter of a command that takes derived flags (`Given`)."""

    found: Callable[[], dict[str, list[Declared]]]
    heading: Callable[[Flag], str]

    def flags(self) -> list[Flag]:
        """All of them, in the order of the declarations."""
        flags: dict[str, Flag] = {}
        for owner, declarations in self.found().items():
            for one in declarations:
                flags.setdefault(one.flag, Flag(one.flag, {})).owners[owner] = one
        return list(flags.values())


def of_methods() -> dict[str, list[Declared]]:
    """What the methods declare of their adaptation; the default method comes first."""
    names = sorted(methods(), key=lambda name: (name != DEFAULT, name))
    return {name: fields_shown(about(name).options) for name in names}


def fields_shown(kind: type) -> list[Declared]:
    """The fields of an options class that the command line has a flag for."""
    return [one for one in declared(kind) if one.option.shown]


def _heading(flag: Flag) -> str:
    return "Adapting to a style" if len(flag.owners) > 2 else f"Only {' and '.join(flag.owners)}"


OfMethods = Annotated[Given, Derived(of_methods, _heading)]
OfControls = Annotated[
    Given, Derived(lambda: {"": fields_shown(ControlOptions)}, lambda flag: "Controls")
]


OfPainting = Annotated[Given, Derived(lambda: {"": of_painting()}, lambda flag: "Controls")]


def method_values(method: str, given: Given) -> dict[str, Any]:
    """Field → value, of the flags given. Raises GessoError for one that the method lacks."""
    known = {one.flag: one for one in fields_shown(about(method).options)}
    for flag in given:
        if flag not in known:
            allowed = ", ".join(known) or "none"
            raise GessoError(f"{flag}: method {method} has no such option; allowed are {allowed}")
    return values_of(known.values(), given)


def values_of(declarations: Any, given: Given) -> dict[str, Any]:
    """Field → value, of the flags given."""
    return {one.name: _value(one, given[one.flag]) for one in declarations if one.flag in given}


def _kind(one: Declared) -> Any:
    return one.kind if one.kind in (bool, int, float, Path) else str


def _value(one: Declared, value: Any) -> Any:
    if one.kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if get_origin(one.kind) is tuple and isinstance(value, str):
        inner = get_args(one.kind)[0]
        return tuple(inner(part.strip()) for part in value.split(",") if part.strip() != "none")
    return value


def _range(rule: Option) -> str:
    """The range of a number as click writes it; it is checked by `gesso.options`."""
    least = "" if rule.least is None else f"{rule.least:g}"
    most = "" if rule.most is None else f"{rule.most:g}"
    if least and most:
        return f"  [{least}<=x<={most}]"
    return f"  [x>={least}]" if least else f"  [x<={most}]" if most else ""
