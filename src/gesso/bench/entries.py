"""From the options of `gesso bench` to its entries: every method with what it is given to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from gesso.bench.contestants import Absent, Entry, picture_seconds, style_seconds
from gesso.errors import OptionError
from gesso.methods.about import About
from gesso.methods.registry import about, methods
from gesso.options import Option, changed, declared, parsed

SLOW_S = 60.0  # a style, or a picture of 256 px, that takes longer makes a method a slow one
QUICK_STEPS = 20  # of slow methods, with --quick


@dataclass(frozen=True)
class Limits:
    """How much a method is given to do; `--set` changes it as it does the method's options."""

    most_styles: Annotated[int | None, Option("Styles that it takes on.", "N", least=1)] = None
    most_pairs: Annotated[int | None, Option("Pictures that it makes.", "N", least=1)] = None


@dataclass(frozen=True)
class Wishes:
    """Which methods take part, and how.

    Attributes:
        names: methods; none: all.
        weights: method → file.
        changes: texts METHOD.OPTION=VALUE.
        encoder: what methods adapt on; those that descend on the objective do on the judge.
        quick: a first impression: slow methods take few steps, or no part.
    """

    names: Sequence[str] = ()
    weights: dict[str, Path] = field(default_factory=dict)
    changes: Sequence[str] = ()
    encoder: str = "compact"
    judge: str = "compact"
    device: str = "cpu"
    quick: bool = False

    def entries(self) -> tuple[list[Entry], list[Absent]]:
        """An entry for every method, and one more polished where `gesso stylize` polishes by
        default; and the methods that are too slow.

        Raises:
            OptionError: an unknown method or option, weights of a method that takes no part.
        """
        names = self._chosen()
        changes = _by_method(self.changes)
        for name in (*self.weights, *changes):
            if name not in names:
                option = "model" if name in self.weights else "set"
                trouble = f"no such method takes part; allowed are {', '.join(names)}"
                raise OptionError(f"{option} {name}", trouble)
        present: list[Entry] = []
        absent: list[Absent] = []
        for name in names:
            found = self._entry(name, changes.get(name, {}))
            if isinstance(found, Absent):
                absent.append(found)
                continue
            polish = about(name).polish
            present += [found, *([replace(found, polish=polish)] if polish else [])]
        return present, absent

    def _chosen(self) -> list[str]:
        known = methods()
        for name in self.names:
            if name not in known:
                raise OptionError("method", f"{name}: unknown; allowed are {', '.join(known)}")
        return list(dict.fromkeys(self.names)) or known

    def _entry(self, name: str, texts: dict[str, str]) -> Entry | Absent:
        known = about(name)
        limits, options = _read(known, texts)
        if known.descends and known.full_steps:
            options = {"steps": known.full_steps, **options}
        chosen = changed(known.options(), options)
        style, picture = style_seconds(known, chosen), picture_seconds(known, chosen, 256)
        if self.quick and max(style, picture) > SLOW_S:
            if style > SLOW_S and name not in self.names:
                return Absent(name, "too slow for --quick")
            options["steps"] = QUICK_STEPS
            chosen = changed(chosen, {"steps": QUICK_STEPS})
        room = (20.0, 8.0) if self.quick else (1000.0, 1000.0)
        styles = max(1, int(room[0] / style_seconds(known, chosen)))
        pairs = max(1, int(room[1] / picture_seconds(known, chosen, 256)))
        return Entry(
            name,
            options,
            weights=str(self.weights[name]) if name in self.weights else None,
            encoder=self.judge if known.descends else self.encoder,
            device=self.device,
            most_styles=limits.most_styles or styles,
            most_pairs=limits.most_pairs or pairs,
            note=_note(known, getattr(chosen, "steps", 0)),
        )


def _note(known: About, steps: int) -> str:
    """What a reader has to know: fewer steps than the reference's or the paper's."""
    return f"not {known.full_steps:,}" if steps < known.full_steps else ""


def _by_method(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """Method → option → text of METHOD.OPTION=VALUE."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        target, equals, value = text.partition("=")
        name, dot, option = target.partition(".")
        if not (name and dot and option and equals and value):
            trouble = f"{text[:80]}: expected METHOD.OPTION=VALUE, as metastyle.steps=100"
            raise OptionError("set", trouble)
        found.setdefault(name, {})[option] = value
    return found


def _read(known: About, texts: dict[str, str]) -> tuple[Limits, dict[str, Any]]:
    """The limits and the method's options, checked."""
    kinds = {one.name for one in declared(Limits)}
    limits = {name: text for name, text in texts.items() if name in kinds}
    others = {name: text for name, text in texts.items() if name not in kinds}
    try:
        options = parsed(known.options, others)
        changed(known.options(), options)
        return changed(Limits(), parsed(Limits, limits)), options
    except OptionError as error:
        name = error.option.removeprefix("option ")
        raise OptionError(f"set {known.name}.{name}", _with_limits(error.trouble)) from None


def _with_limits(trouble: str) -> str:
    """A refusal of an unknown option names the limits, too."""
    if not trouble.startswith("unknown"):
        return trouble
    return ", ".join([trouble, *(one.name for one in declared(Limits))])
