"""`gesso stylize` without torch: by a method's bundled graphs, or a network that was exported."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gesso.cli.cards import checked
from gesso.cli.console import say
from gesso.cli.engines import GRAPHS, quickest
from gesso.controls.options import PAINTING, ControlOptions
from gesso.disk.atomic import shown
from gesso.errors import NEEDS_TORCH, GessoError, OptionError, torch_is_there
from gesso.reports import stage

if TYPE_CHECKING:
    from gesso.cli.options import Setup
    from gesso.runtime.drafts import Drafts
    from gesso.runtime.look import Paints
    from gesso.runtime.looks import AnyStyle

Engine = Literal["auto", "torch", "onnxruntime"]
"""Those of a batch, whose workers have one each."""

KNOWN = ("strength", "stroke", "weights", "color", "masks", "feather", *PAINTING)  # of the controls
STYLE_SIZE = "--style-size"
DRAFT = ("preset", "draft")  # of the setup


def files_of(styles: Sequence[Any]) -> list[Any]:
    """The styles, with the file in the place of a folder that `gesso export` wrote."""
    from gesso.runtime.exported import NETWORK, is_exported

    return [s / NETWORK if is_exported(s) and s.is_dir() else s for s in styles]


def is_light(styles: Sequence[Any], engine: Engine) -> bool:
    """Whether a batch of these styles is painted without torch: as the engine says; `auto` takes
    torch where it is installed and none of them was exported. Raises OptionError where that cannot
    be."""
    from gesso.runtime.exported import is_exported

    exported = next(filter(is_exported, styles), None)
    if engine == "torch" and exported is not None:
        what = f"{shown(exported)} is an exported network, which runs in ONNX Runtime"
        raise OptionError("engine", f"torch; {what}")
    if engine == "auto":
        return exported is not None or not torch_is_there()
    return engine == "onnxruntime"


def find_light(
    engine: str,
    styles: Sequence[Any],
    method: str | None,
    work: float,
    make: Callable[[str], Light],
) -> Light | None:
    """The way without torch by the engine asked for, or by the one that is done first with `work`
    megapixels; None: torch goes on, as with "auto" where it is installed.

    Args:
        method: the one asked for.
        make: the way by an engine; it raises `NotLight` where options need torch.

    Raises:
        GessoError: there is no such way, and torch is not there or was not asked for.
    """
    from gesso.pipeline.styles import holds_card
    from gesso.runtime.exported import is_exported
    from gesso.runtime.styles import bundled_methods

    exported = next(filter(is_exported, styles), None)
    if engine in ("torch", "compile"):
        if exported is not None:
            what = f"{shown(exported)} is an exported network, which runs in ONNX Runtime"
            raise OptionError("engine", f"{engine}; {what} or OpenVINO")
        return None
    must = exported is not None or not torch_is_there()
    if engine in ("auto", "fastest"):
        same, engine = engine == "auto", quickest(work, GRAPHS, method)
        ours = method in bundled_methods() and not os.environ.get("GESSO_WEIGHTS")
        if not must and (same or not ours or quickest(work, ("torch", engine), method) == "torch"):
            return None
    elif method is None and not any(map(holds_card, styles)):
        must = True
    try:
        return make(engine)
    except NotLight:
        if must:
            raise
        return None


class NotLight(GessoError):
    """Options that need torch."""


class Light:
    """Looks of styles under the options of a command, which it checks first.

    Raises:
        NotLight: options that need torch.
        GessoError: options that are of no use with an exported network.
    """

    def __init__(
        self,
        styles: Sequence[Any],
        look: ControlOptions,
        setup: Setup,
        given: Mapping[str, Any],
        masks: Sequence[Path],
        quiet: bool,
        use_cache: bool,
        engine: str = GRAPHS[0],
        max_pixels: int | None = None,
    ) -> None:
        from gesso.runtime.exported import is_exported

        self.exported = any(map(is_exported, styles))
        self.controls, self.setup, self.quiet = look, setup, quiet
        self.use_cache, self.engine, self.max_pixels = use_cache, engine, max_pixels
        self.style_size = given.get(STYLE_SIZE)
        if self.exported and len(styles) > 1:
            raise GessoError("style: an exported network is the only style; it cannot be mixed")
        flags = [*_controls(look), *_setup(setup), *(f for f in given if f != STYLE_SIZE)]
        flags += ["--style-mask"] if masks else []
        flags += ["--preset"] if self.exported and setup.preset is not None else []
        self.method = None if self.exported else self._chosen(styles, given)
        if self.exported:
            flags += [f for f in ("--method", STYLE_SIZE) if self._is_given(f)]
            if flags:
                what = f"{shown(styles[0])}, an exported network"
                raise GessoError(f"{', '.join(flags)}: of no use with {what}")
        if flags:
            raise NotLight(f"{', '.join(flags)}: {self.why}")
        self._check_method(styles)
        self._styles: AnyStyle | Drafts | None = None

    def _chosen(self, styles: Sequence[Any], given: Mapping[str, Any]) -> str | None:
        """The method asked for, or that of cards; None: nobody says."""
        from gesso.pipeline.styles import holds_card

        found, _ = checked(styles, self.setup, given, polished=bool(self.controls.polish))
        return found.method if any(map(holds_card, styles)) else self.setup.method

    def _check_method(self, styles: Sequence[Any]) -> None:
        """Raises NotLight for a method without bundled graphs."""
        from gesso.pipeline.styles import holds_card
        from gesso.runtime.styles import bundled_methods, drawn_methods

        known = bundled_methods() + drawn_methods()
        card = next(filter(holds_card, styles), None)
        if self.method in (None, *known):
            return
        if card is None:
            needed = f"{self.why}; {', '.join(known)} run without"
            raise NotLight(f"--method {self.method}: {needed}")
        what = shown(card) if isinstance(card, Path) else "a style"
        needed = f"a card of {self.method} {self.why}; or gesso export it where torch is"
        raise NotLight(f"{what}: {needed}")

    @property
    def name(self) -> str:
        """The method's name; of an exported network "exported"."""
        return self._styles.method if self._styles is not None else "exported"

    @property
    def why(self) -> str:
        """What is wrong with options that need torch."""
        return "needs --engine torch" if torch_is_there() else NEEDS_TORCH

    def _is_given(self, flag: str) -> bool:
        value = self.setup.method if flag == "--method" else self.style_size
        return value is not None

    def look(self, styles: Sequence[Any]) -> Paints:
        """The look of styles. Raises GessoError for one that cannot be read."""
        from gesso.cards.cache import CardCache
        from gesso.runtime.drafts import DEFAULT, styles_of
        from gesso.runtime.exported import exported_look

        with stage("adapting"):
            how, shares = self._controls_with_masks, self.controls.weights
            if self.exported:
                return exported_look(styles[0], how, self.engine)
            begun = self._styles is not None
            if self._styles is None:
                cache = CardCache() if self.use_cache else None
                self._styles = styles_of(self.method or DEFAULT, cache, self.engine)
            found = self._styles.look(styles, shares, how, self.style_size)
        if not begun:
            self._say_what_paints()
        return found

    def _say_what_paints(self) -> None:
        """Where it is less than was asked for."""
        from gesso.runtime.styles import drawn_methods

        if self.name in drawn_methods() and self.setup.preset is None:
            what = f"painted by {self.name}, the preset {DRAFT[1]}"
            say(f"{what}; the preset balanced {self.why}", self.quiet)

    @cached_property
    def _controls_with_masks(self) -> ControlOptions:
        """With the masks read. Raises GessoError for one that cannot be."""
        from gesso.images.read import MAX_PIXELS
        from gesso.runtime.masks import read_mask

        most = self.max_pixels or MAX_PIXELS
        return replace(self.controls, masks=[read_mask(one, most) for one in self.controls.masks])


def _controls(look: ControlOptions) -> list[str]:
    usual = ControlOptions()
    names = [f.name for f in fields(ControlOptions) if f.name not in KNOWN]
    changed = [n for n in names if getattr(look, n) != getattr(usual, n)]
    without = [n for n in changed if (n, getattr(look, n)) != ("polish", 0)]
    return [f"--{n.replace('_', '-')}" for n in without]


def _setup(setup: Setup) -> list[str]:
    given = {f.name: getattr(setup, f.name) for f in fields(setup) if f.name != "method"}
    return [f"--{n}" for n, v in given.items() if v not in (None, "cpu") and (n, v) != DRAFT]
