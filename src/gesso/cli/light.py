"""`gesso stylize` without torch: by a method's bundled graphs, or a network that was exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gesso.cli.cards import checked
from gesso.cli.console import say
from gesso.controls.options import ControlOptions
from gesso.disk.atomic import shown
from gesso.errors import NEEDS_TORCH, GessoError, OptionError, torch_is_there
from gesso.reports import stage

if TYPE_CHECKING:
    from gesso.cli.options import Setup
    from gesso.runtime.looks import AnyStyle, Look

Engine = Literal["auto", "torch", "onnxruntime"]
KNOWN = ("weights", "color_share", "paint_from", "paint_size", "ground")  # of the controls
STYLE_SIZE = "--style-size"


def files_of(styles: Sequence[Any]) -> list[Any]:
    """The styles, with the file in the place of a folder that `gesso export` wrote."""
    from gesso.runtime.looks import NETWORK, is_exported

    return [s / NETWORK if is_exported(s) and s.is_dir() else s for s in styles]


def is_light(styles: Sequence[Any], engine: Engine) -> bool:
    """Whether these styles are painted without torch: as the engine says; `auto` takes torch where
    it is installed and none of them was exported. Raises OptionError where that cannot be."""
    from gesso.runtime.looks import is_exported

    exported = next(filter(is_exported, styles), None)
    if engine == "torch" and exported is not None:
        what = f"{shown(exported)} is an exported network, which runs in ONNX Runtime"
        raise OptionError("engine", f"torch; {what}")
    if engine == "auto":
        return exported is not None or not torch_is_there()
    return engine == "onnxruntime"


class Light:
    """Looks of styles under the options of a command, which it checks first.

    Raises:
        GessoError: options that need torch, or that are of no use with an exported network.
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
    ) -> None:
        from gesso.pipeline.styles import holds_card
        from gesso.runtime.looks import Painting, is_exported

        self.exported = any(map(is_exported, styles))
        self.controls, self.setup, self.quiet = look, setup, quiet
        self.use_cache = use_cache
        self.style_size = given.get(STYLE_SIZE)
        self.painting = Painting(look.color_share, look.paint_from, look.paint_size, look.ground)
        if self.exported and len(styles) > 1:
            raise GessoError("style: an exported network is the only style; it cannot be mixed")
        if not self.exported:
            checked(styles, setup, given, polished=bool(look.polish))
        flags = [*_controls(look), *_setup(setup), *(f for f in given if f != STYLE_SIZE)]
        flags += ["--style-mask"] if masks else []
        if self.exported:
            flags += [f for f in ("--method", STYLE_SIZE) if self._is_given(f)]
            _refuse(flags, f"of no use with {shown(styles[0])}, an exported network")
        _refuse(flags, self.why)
        for card in filter(holds_card, styles):
            what = shown(card) if isinstance(card, Path) else "a style"
            raise GessoError(f"{what}: a card {self.why}; or gesso export it where torch is")
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
                return exported_look(styles[0], self.painting)
            if self._any_style is None:
                cache = CardCache() if self.use_cache else None
                self._any_style = AnyStyle(self._method(), cache)
            shares = self.controls.weights
            if shares is not None and len(shares) != len(styles):
                counts = f"{len(shares)} numbers for {len(styles)} styles; one a style"
                raise GessoError(f"--weights: {counts}")
            return self._any_style.look(styles, shares, self.painting, self.style_size)

    def _method(self) -> str:
        from gesso.runtime.looks import DEFAULT, bundled_methods

        name = self.setup.method
        if name is None:
            say(f"painted by {DEFAULT}; the default method {self.why}", self.quiet)
            return DEFAULT
        if name not in bundled_methods():
            known = " and ".join(bundled_methods())
            raise GessoError(f"--method {name}: {self.why}; {known} run without")
        return name


def _controls(look: ControlOptions) -> list[str]:
    usual = ControlOptions()
    names = [f.name for f in fields(ControlOptions) if f.name not in KNOWN]
    changed = [n for n in names if getattr(look, n) != getattr(usual, n)]
    without = [n for n in changed if (n, getattr(look, n)) != ("polish", 0)]
    return ["--mask" if n == "masks" else f"--{n.replace('_', '-')}" for n in without]


def _setup(setup: Setup) -> list[str]:
    given = {f.name: getattr(setup, f.name) for f in fields(setup) if f.name != "method"}
    return [f"--{n}" for n, v in given.items() if v not in (None, "cpu")]


def _refuse(flags: Sequence[str], why: str) -> None:
    if flags:
        raise GessoError(f"{', '.join(flags)}: {why}")
