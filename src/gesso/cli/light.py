"""`gesso stylize` without torch: by a method's bundled graphs, or a network that was exported."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
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
    from gesso.runtime.look import Look
    from gesso.runtime.looks import AnyStyle

Engine = Literal["auto", "torch", "onnxruntime"]
"""Those of a batch, whose workers have one each."""

KNOWN = ("strength", "stroke", "weights", *PAINTING)  # of the controls
STYLE_SIZE = "--style-size"


def files_of(styles: Sequence[Any]) -> list[Any]:
    """The styles, with the file in the place of a folder that `gesso export` wrote."""
    from gesso.runtime.looks import NETWORK, is_exported

    return [s / NETWORK if is_exported(s) and s.is_dir() else s for s in styles]


def is_light(styles: Sequence[Any], engine: Engine) -> bool:
    """Whether a batch of these styles is painted without torch: as the engine says; `auto` takes
    torch where it is installed and none of them was exported. Raises OptionError where that cannot
    be."""
    from gesso.runtime.looks import is_exported

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
    from gesso.runtime.looks import bundled_methods, is_exported

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
    ) -> None:
        from gesso.pipeline.styles import holds_card
        from gesso.runtime.look import Painting
        from gesso.runtime.looks import bundled_methods, is_exported

        self.exported = any(map(is_exported, styles))
        self.controls, self.setup, self.quiet = look, setup, quiet
        self.use_cache, self.engine = use_cache, engine
        self.style_size = given.get(STYLE_SIZE)
        how = {one.name: getattr(look, one.name) for one in fields(Painting)}
        self.painting = Painting(**how)
        if self.exported and len(styles) > 1:
            raise GessoError("style: an exported network is the only style; it cannot be mixed")
        if not self.exported:
            checked(styles, setup, given, polished=bool(look.polish))
        flags = [*_controls(look), *_setup(setup), *(f for f in given if f != STYLE_SIZE)]
        flags += ["--style-mask"] if masks else []
        if self.exported:
            flags += [f for f in ("--method", STYLE_SIZE) if self._is_given(f)]
            if flags:
                what = f"{shown(styles[0])}, an exported network"
                raise GessoError(f"{', '.join(flags)}: of no use with {what}")
        if flags:
            raise NotLight(f"{', '.join(flags)}: {self.why}")
        for card in filter(holds_card, styles):
            what = shown(card) if isinstance(card, Path) else "a style"
            raise NotLight(f"{what}: a card {self.why}; or gesso export it where torch is")
        known = bundled_methods()
        if not self.exported and setup.method not in (None, *known):
            needed = f"{self.why}; {' and '.join(known)} run without"
            raise NotLight(f"--method {setup.method}: {needed}")
        self._any_style: AnyStyle | None = None

    @property
    def name(self) -> str:
        """The method's name; of an exported network "exported"."""
        return self._any_style.method if self._any_style is not None else "exported"

    @property
    def why(self) -> str:
        """What is wrong with options that need torch."""
        return "needs --engine torch" if torch_is_there() else NEEDS_TORCH

    def _is_given(self, flag: str) -> bool:
        value = self.setup.method if flag == "--method" else self.style_size
        return value is not None

    def look(self, styles: Sequence[Any]) -> Look:
        """The look of styles. Raises GessoError for one that cannot be read."""
        from gesso.cards.cache import CardCache
        from gesso.runtime.looks import AnyStyle, exported_look

        with stage("adapting"):
            if self.exported:
                return exported_look(styles[0], self.painting, self.engine)
            if self._any_style is None:
                cache = CardCache() if self.use_cache else None
                self._any_style = AnyStyle(self._method(), cache, self.engine)
            shares = self.controls.weights
            if shares is not None and len(shares) != len(styles):
                counts = f"{len(shares)} numbers for {len(styles)} styles; one a style"
                raise GessoError(f"--weights: {counts}")
            return self._any_style.look(styles, shares, self.painting, self.style_size)

    def _method(self) -> str:
        from gesso.runtime.looks import DEFAULT

        if self.setup.method is None:
            say(f"painted by {DEFAULT}; the default method {self.why}", self.quiet)
        return self.setup.method or DEFAULT


def _controls(look: ControlOptions) -> list[str]:
    usual = ControlOptions()
    names = [f.name for f in fields(ControlOptions) if f.name not in KNOWN]
    changed = [n for n in names if getattr(look, n) != getattr(usual, n)]
    without = [n for n in changed if (n, getattr(look, n)) != ("polish", 0)]
    return ["--mask" if n == "masks" else f"--{n.replace('_', '-')}" for n in without]


def _setup(setup: Setup) -> list[str]:
    given = {f.name: getattr(setup, f.name) for f in fields(setup) if f.name != "method"}
    return [f"--{n}" for n, v in given.items() if v not in (None, "cpu")]
