"""Presets: a method, some of its options and some controls under the name of what they trade. Needs
no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gesso.errors import OptionError
from gesso.methods.registry import about
from gesso.options import of_pictures
from gesso.pipeline.styles import holds_card, method_of_cards


@dataclass(frozen=True)
class Preset:
    """One trade of time for quality.

    Attributes:
        method: the method it is made of.
        options: those of the method's options that differ from its defaults.
        controls: controls of every method, by name, where nothing is said of them.
        summary: what it is good for.
    """

    method: str
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)
    controls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """What it is made of, such as "matching, steps 30"."""
        parts = {**self.controls, **self.options}
        return ", ".join([self.method, *(f"{n} {v}" for n, v in parts.items())])


PRESETS: Mapping[str, Preset] = {
    "draft": Preset(
        "matching",
        "a painting in a second or two: the style's patches, and no steps",
        {"steps": 20, "fine_steps": 8, "half_steps": 0, "final_steps": 0},
    ),
    "balanced": Preset("matching", "the default"),
    "best": Preset(
        "matching",
        "to hang on a wall",
        {"steps": 150, "fine_steps": 60, "half_steps": 40, "final_steps": 80},
    ),
}


@dataclass(frozen=True)
class Chosen:
    """A method, and its options by name.

    Attributes:
        options: of adaptations and pictures, where they differ from the defaults.
        controls: of a preset, by name, for where nothing is said of them.
        retouch: those options that only concern pictures, and so are for given cards, too.
    """

    method: str
    options: Mapping[str, Any]
    controls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def retouch(self) -> dict[str, Any]:
        names = of_pictures(about(self.method).options)
        return {name: value for name, value in self.options.items() if name in names}


def chosen(
    preset: str | None, method: str | None, styles: Sequence[Any], given: Mapping[str, Any]
) -> Chosen:
    """The method that runs these styles, with the preset's options and those given, which go
    first; cards take of a preset what only concerns pictures.

    Raises:
        OptionError: an unknown preset, or one of another method than that asked for.
        GessoError: cards that do not go together.
    """
    found = method_of_cards(styles, method)
    if preset is None:
        return Chosen(found, given)
    if preset not in PRESETS:
        raise OptionError("preset", f"{preset} is unknown; allowed are {', '.join(PRESETS)}")
    made_of = PRESETS[preset]
    if method is None and not any(map(holds_card, styles)):
        found = made_of.method
    if found != made_of.method:
        raise OptionError("preset", f"{preset} is made of {made_of.method}; the method is {found}")
    return Chosen(found, {**made_of.options, **given}, made_of.controls)
