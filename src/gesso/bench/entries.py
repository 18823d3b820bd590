"""From the options of `gesso bench` to its entries: every method with what it is given to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from gesso.bench.contestants import Absent, Entry, picture_seconds, style_seconds
from gesso.bench.options import Options
from gesso.controls.options import ControlOptions, of_painting
from gesso.errors import OptionError
from gesso.methods.about import About
from gesso.methods.registry import about, methods
from gesso.options import Declared, Option, changed, declared, parsed

SLOW_S = 60.0  # a style, or a picture of 256 px, that takes longer makes a method a slow one
QUICK_STEPS = 20  # of slow methods, with --quick
LONG_S, QUICK_S = (1000.0, 1000.0), (20.0, 8.0)  # for a method's styles, and for its pictures


@dataclass(frozen=True)
class Limits:
    """How much a method is given to do; `--set` changes it as it does the method's options."""

    most_styles: Annotated[int | None, Option("Styles that it takes on.", "N", least=1)] = None
    most_pairs: Annotated[int | None, Option("Pictures that it makes.", "N", least=1)] = None


def entries(options: Options, judge: str) -> tuple[list[Entry], list[Absent]]:
    """An entry for every method, and one more polished where `gesso stylize` polishes by
    default; and the methods that are too slow.

    Args:
        judge: the encoder that measures: methods that descend on the objective do so on it.

    Raises:
        OptionError: an unknown method or option, weights of a method that takes no part.
    """
    names = _chosen(options.names)
    changes = _by_method(options.changes)
    for option, given in (("model", options.weights), ("set", changes)):
        for name in given:
            if name not in names:
                trouble = f"no such method takes part; allowed are {', '.join(names)}"
                raise OptionError(f"{option} {name}", trouble)
    found = [_entry(about(name), options, judge, changes.get(name, {})) for name in names]
    plain = [one for one in found if isinstance(one, Entry)]
    present = [
        entry
        for one in plain
        for entry in (one, replace(one, polish=about(one.method).polish))
        if entry.polish or entry is one
    ]
    return present, [one for one in found if isinstance(one, Absent)]


def _chosen(names: Sequence[str]) -> list[str]:
    known = methods()
    for name in names:
        if name not in known:
            raise OptionError("method", f"{name}: unknown; allowed are {', '.join(known)}")
    return list(dict.fromkeys(names)) or known


def _entry(known: About, options: Options, judge: str, texts: dict[str, str]) -> Entry | Absent:
    limits, controls, own = _read(known, texts)
    if known.descends and known.full_steps:
        own = {"steps": known.full_steps, **own}
    chosen = changed(known.options(), own)
    painted = controls.get("paint_size")
    style, picture = _seconds(known, chosen, painted)
    if options.quick and max(style, picture) > SLOW_S:
        if style > SLOW_S and known.name not in options.names:
            return Absent(known.name, "too slow for --quick")
        own["steps"] = QUICK_STEPS
        chosen = changed(chosen, {"steps": QUICK_STEPS})
        style, picture = _seconds(known, chosen, painted)
    for_styles, for_pictures = QUICK_S if options.quick else LONG_S
    return Entry(
        known.name,
        own,
        weights=str(options.weights[known.name]) if known.name in options.weights else None,
        encoder=judge if known.descends else options.encoder,
        device=options.device,
        controls=controls,
        most_styles=limits.most_styles or max(1, int(for_styles / style)),
        most_pairs=limits.most_pairs or max(1, int(for_pictures / picture)),
        note=_note(known, getattr(chosen, "steps", 0)),
    )


def _seconds(known: About, chosen: Any, painted: int | None) -> tuple[float, float]:
    """Those of a style and of a picture of 256 px, reckoned roughly."""
    picture = picture_seconds(known, chosen, 256, painted=painted)
    return style_seconds(known, chosen), picture


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


def _read(known: About, texts: dict[str, str]) -> tuple[Limits, dict[str, Any], dict[str, Any]]:
    """The limits, controls and the method's options, checked."""
    limits, others = _apart(texts, declared(Limits))
    controls, others = _apart(others, of_painting())
    try:
        options, look = parsed(known.options, others), parsed(ControlOptions, controls)
        changed(known.options(), options)
        changed(ControlOptions(), look)
        return changed(Limits(), parsed(Limits, limits)), look, options
    except OptionError as error:
        name = error.option.removeprefix("option ")
        raise OptionError(f"set {known.name}.{name}", _with_limits(error.trouble)) from None


def _apart(
    texts: dict[str, str], declarations: Sequence[Declared]
) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of these declarations, and the others."""
    names = {one.name for one in declarations}
    own = {name: text for name, text in texts.items() if name in names}
    return own, {name: text for name, text in texts.items() if name not in names}


def _with_limits(trouble: str) -> str:
    """A refusal of an unknown option names controls and limits, too."""
    if not trouble.startswith("unknown"):
        return trouble
    return ", ".join([trouble, *(one.name for one in [*of_painting(), *declared(Limits)])])
