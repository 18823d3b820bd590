"""Commands made of groups of options, and their help in groups.

    def adapt(images: Images, *, out: Out, setup: Setup, given: OfMethods, talk: Talk) -> int: ...

`grouped(adapt)` is a command with every field of the dataclass Setup as an option of its own, and
with the flags that OfMethods derives from declarations (`gesso.cli.flags`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand
from typer.models import OptionInfo, ParameterInfo

from gesso.cli.flags import Derived, Flag
from gesso.cli.reading import Quick
from gesso.errors import GessoError, OptionError


class Command(Quick, TyperCommand):
    """A command whose options stand under headings: `rich_help_panel`, or else "Options"."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the help of all options, group by group."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            is_option = param.param_type_name == "option"
            title = (getattr(param, "rich_help_panel", "") or "Options") if is_option else ""
            if record is not None:
                groups.setdefault(title or "Arguments", []).append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def grouped(command: Callable[..., int], words: Sequence[str] | None = None) -> Callable[..., int]:
    """The command with the options of its groups as parameters of their own, as typer reads it.

    Fields without a default are required. A flag that the command has itself is not derived.
    Paths are read by `given_path`, and errors about an option name its flag.

    Args:
        words: of the command line. Where these are all known, only the options among them are made,
            and those that do something without being named; None: all are.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {p.name: _group(p, hints[p.name]) for p in signature(command).parameters.values()}
    usual = {p.name: p.default for group in groups.values() for p in group.written}
    parameters = [_reading_paths(p) for p in _made(list(groups.values()), words)]

    @wraps(command)
    def expanded(**values: Any) -> int:
        values = usual | values
        try:
            return command(**{name: group.take(values) for name, group in groups.items()})
        except OptionError as error:
            flag = _flag_of(error.option, list(groups.values()))
            raise GessoError(f"{flag}: {error.trouble}") from error

    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {p.name: p.annotation for p in parameters}
    return expanded


def _made(groups: Sequence[Group], words: Sequence[str] | None) -> list[Parameter]:
    """The parameters to make for the words, in the order of their groups."""
    taken = {flag for group in groups for one in group.written for flag in _all_flags(one)}
    named = {word.partition("=")[0] for word in words or () if word.startswith("-") and word != "-"}
    unknown, parts = named - taken, []
    for group in groups:
        derived = group.derive(taken) if words is None or unknown else []
        unknown -= {flag for one in derived for flag in _all_flags(one)}
        parts.append([*group.written, *derived])
    every = [parameter for part in parts for parameter in part]
    return every if words is None or unknown else [p for p in every if _is_needed(p, named)]


def _is_needed(parameter: Parameter, named: set[str]) -> bool:
    """Whether an option is named, or required, or does something in any case; or no option."""
    flags = _all_flags(parameter)
    notes = getattr(parameter.annotation, "__metadata__", ())
    acts = any(getattr(note, "callback", None) for note in notes)
    return not flags or acts or parameter.default is Parameter.empty or bool(named & set(flags))


def _flag_of(option: str, groups: Sequence[Group]) -> str:
    """What the command line calls an option that an error names."""
    names = {name: flag for group in groups for name, flag in group.names.items()}
    written = [parameter for group in groups for parameter in group.written]
    names |= {one.name: flags[0] for one in written if (flags := _flags(one))}
    return names.get(option, option)


def bare(command: Callable[..., int]) -> Callable[[], int]:
    """A command of that help without any options, for a list of commands."""

    def listed() -> int:
        raise NotImplementedError

    listed.__doc__ = command.__doc__
    return listed


class Group:
    """One parameter of a command: here the option it is, in subclasses several that make it."""

    def __init__(self, *written: Parameter) -> None:
        self.written = written

    @property
    def names(self) -> dict[str, str]:
        """What errors call an option → its flag, of those that are derived."""
        return {}

    def derive(self, taken: set[str]) -> list[Parameter]:
        """The parameters that are derived, without the flags that are taken."""
        return []

    def take(self, values: dict[str, Any]) -> Any:
        """The parameter's value, made of those of its options."""
        return values[self.written[0].name]


class Fields(Group):
    """The fields of a dataclass, each annotated as a parameter of a command would be."""

    def __init__(self, kind: type[Any]) -> None:
        self.kind, hints = kind, get_type_hints(kind, include_extras=True)
        written = (
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if field.default is MISSING else field.default,
                annotation=hints[field.name],
            )
            for field in fields(kind)
        )
        super().__init__(*written)

    def take(self, values: dict[str, Any]) -> Any:
        return self.kind(**{parameter.name: values[parameter.name] for parameter in self.written})


class Flags(Group):
    """Flags made of declarations."""

    def __init__(self, source: Derived) -> None:
        super().__init__()
        self.source = source
        self.flags: list[Flag] = []  # those derived

    @property
    def names(self) -> dict[str, str]:
        return {o.name: flag.name for flag in self.source.flags() for o in flag.owners.values()}

    def derive(self, taken: set[str]) -> list[Parameter]:
        self.flags = [flag for flag in self.source.flags() if flag.name not in taken]
        return [flag.parameter(self.source.heading(flag)) for flag in self.flags]

    def take(self, values: dict[str, Any]) -> Any:
        found = {flag.name: values[flag.key] for flag in self.flags if flag.key in values}
        return {name: value for name, value in found.items() if value is not None}


def _group(parameter: Parameter, kind: Any) -> Group:
    for note in getattr(kind, "__metadata__", ()):
        if isinstance(note, Derived):
            return Flags(note)
    if is_dataclass(kind) and isinstance(kind, type):
        return Fields(kind)
    return Group(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=kind))


def _flags(parameter: Parameter) -> list[str]:
    """Its names on the command line, long ones first; arguments have none."""
    for note in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(note, OptionInfo):
            first = () if note.default is ... else (note.default,)
            written = [
                flag for text in (*first, *(note.param_decls or ())) for flag in text.split("/")
            ]
            plain = "--" + parameter.name.replace("_", "-")
            return sorted(written, key=lambda flag: flag[:2] != "--") or [plain]
    return []


def _all_flags(parameter: Parameter) -> list[str]:
    """Its names, and that by which typer has a switch turned off."""
    kind, *notes = get_args(parameter.annotation)
    flags = _flags(parameter)
    plain = kind is bool and not any(getattr(note, "param_decls", None) for note in notes)
    return flags + [f"--no-{flag[2:]}" for flag in flags if plain and flag[:2] == "--"]


def _reading_paths(parameter: Parameter) -> Parameter:
    """The parameter with its paths read by `given_path`."""
    kind, *notes = get_args(parameter.annotation)
    inside = get_args(kind)
    if Path not in (kind, *inside, *(one for part in inside for one in get_args(part))):
        return parameter
    info = copy(next(note for note in notes if isinstance(note, ParameterInfo)))
    info.parser = _path
    return parameter.replace(annotation=Annotated[kind, info])


def _path(text: Any) -> Any:
    if not isinstance(text, str):
        return text  # a default
    from gesso.pipeline.sources import given_path  # which imports Pillow

    try:
        return given_path("path", text)
    except OptionError as error:
        raise typer.BadParameter(error.trouble) from None
