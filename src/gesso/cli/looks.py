"""From the options of a command to what paints the frames of a clip, a pipe or a camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from gesso.cli import options as opt
from gesso.cli.cards import Source, make_card, open_session
from gesso.cli.clip_options import METHOD
from gesso.cli.console import threads_are_chosen
from gesso.cli.engines import MANY, EngineName, checked, megapixels, one_network
from gesso.cli.flags import Given, fields_shown, values_of
from gesso.controls.options import ControlOptions
from gesso.errors import OptionError
from gesso.methods.registry import about
from gesso.pipeline.presets import chosen
from gesso.pipeline.sources import STDIN
from gesso.pipeline.styles import holds_card
from gesso.reports import OnProgress
from gesso.video.needed import opencv

if TYPE_CHECKING:
    from gesso.cards.card import StyleCard
    from gesso.controls.controls import Controls
    from gesso.pipeline.session import Session
    from gesso.stylizers.stylizer import Stylizer
    from gesso.video.beside import Beside
    from gesso.video.flow import Motions
    from gesso.video.frames import Look
    from gesso.video.keys import Keys
    from gesso.video.report import Measured
    from gesso.video.source import Source as Clip
    from gesso.video.steady import Steady

STEADY_WEIGHT = 3.0  # a third of the flicker, a tenth more of the style gap (docs/video.md)
_STEADY = "--steady"
START = Fraction(0)


@dataclass(frozen=True)
class Painting:
    """What frames look like."""

    style: opt.StylesOrNone = None
    key: Annotated[
        list[str] | None,
        opt.option(
            "From when on there is a style, or a strength, such as 0=a.safetensors, 4=neon or "
            "8=0.5; several times: mixed along the time between them.",
            "TIME=STYLE|STRENGTH",
        ),
    ] = None
    steady: Annotated[
        bool,
        opt.option(
            "Let pictures follow what they show, by the frames' motion, and adapt against flicker; "
            "or paint every frame by itself."
        ),
    ] = True
    weights: opt.Shares = None
    mask: opt.Masks = None
    style_mask: opt.StyleMasks = None
    engine: EngineName = "auto"


@dataclass(frozen=True)
class Painters:
    """What makes looks: the values of a command's options."""

    painting: Painting
    controls: Given
    given: Given
    setup: opt.Setup
    cache: bool
    running: opt.Running
    size: int | None = None
    method: str = METHOD

    @cached_property
    def look(self) -> ControlOptions:
        """The controls, with masks as files. Pictures are not polished unless asked for."""
        found = values_of(fields_shown(ControlOptions), self.controls)
        found.setdefault("polish", 0)
        shares = opt.shares(self.painting.weights)
        return ControlOptions(**found, weights=shares, masks=self.painting.mask or [])

    @cached_property
    def keys(self) -> Keys:
        """What --key says. Raises OptionError for what goes with no key."""
        from gesso.video.keys import Keys

        keys = Keys.of(self.painting.key or [])
        useless = {
            "style": self.painting.style,
            "weights": self.painting.weights,
            "mask": self.painting.mask,
            "style_mask": self.painting.style_mask,
        }
        for name, value in useless.items():
            if keys.styles and value:
                raise OptionError(name, "of no use with keys that name styles")
        if "--strength" in self.controls and keys.strengths:
            raise OptionError("strength", "of no use with keys that name strengths")
        return keys

    @cached_property
    def styles(self) -> list[Source]:
        """The styles, those of keys in their order. Raises GessoError for none."""
        from gesso.pipeline.banks import bank_of
        from gesso.pipeline.sources import style_source

        named = [name for _, name in self.keys.styles] or self.painting.style
        if not named:
            raise OptionError("style", "none given; at least one is needed")
        bank = bank_of(self.setup.model)
        return [style_source(text, bank) for text in named]

    def refuse_stdin(self) -> None:
        """Raises OptionError for a style that would come from where frames do."""
        if STDIN in [*(self.painting.style or []), *(name for _, name in self.keys.styles)]:
            raise OptionError("style", f"{STDIN}: standard input is where the frames come from")

    def inputs(self) -> list[Path]:
        """All files that are read."""
        files = [style for style in self.styles if isinstance(style, Path)]
        return [*files, *self.look.masks, *(self.painting.style_mask or [])]

    def session(self) -> Session:
        """Adapts to the styles. Raises GessoError where that cannot be."""
        from gesso.pipeline.styles import check_for_photos

        setup, given, styles = self.setup, self.given, self.styles
        if setup.method is None and setup.preset is None and not any(map(holds_card, styles)):
            setup = replace(setup, method=self.method)
        if self.painting.steady and not all(map(holds_card, styles)):
            name = chosen(setup.preset, setup.method, styles, {}).method
            flags = {one.flag for one in fields_shown(about(name).options)}
            given = {_STEADY: STEADY_WEIGHT, **given} if _STEADY in flags else given
        same = one_network(self.look) and not (self.keys.styles or self.keys.strengths)
        session = open_session(
            styles, setup, given, self.running,
            size=self.size, use_cache=self.cache, vectors=bool(self.look.polish),
            engine=checked(self.painting.engine), work=megapixels(MANY, self.size) * same,
        )  # fmt: skip
        check_for_photos(styles, session.options)
        return session

    def opened(self, show: OnProgress, clip: Clip | None = None) -> Painter:
        """The styles' cards, practised on a clip where there is one; all that can be wrong is."""
        from gesso.controls.controls import Controls
        from gesso.nn.masks import checked_style_masks, read_mask
        from gesso.video.look import practice

        session = self.session()
        masks = [read_mask(path, self.running.pixels) for path in self.look.masks]
        controls = Controls(**vars(self.look) | {"masks": masks}).completed(session.defaults)
        controls.check(1 if self.keys.styles else len(self.styles))
        of_styles = checked_style_masks(self.painting.style_mask or [], len(self.styles))
        practises = session.contents is None and session.method.practises(session.options)
        wanted = clip is not None and practises and not all(map(holds_card, self.styles))
        frames = practice(clip) if clip is not None and wanted else None
        cards = [
            make_card(session, style, show, frames, mask)
            for style, mask in zip(self.styles, of_styles, strict=True)
        ]
        return Painter(session, controls, cards, self.keys, self.painting.steady)


@dataclass(frozen=True)
class Painter:
    """Cards and controls, ready to be looks."""

    session: Session
    controls: Controls
    cards: Sequence[StyleCard]
    keys: Keys
    steady: bool = False

    @property
    def identity(self) -> str:
        """What the looks are known by."""
        from gesso.video.look import identity

        name = identity(self.cards, self.controls)
        if self.keys.styles or self.keys.strengths:
            times = [*(time for time, _ in self.keys.styles), *self.keys.strengths]
            name += f" keys {times}"
        engine = self.session.method.engine
        if engine is not None:
            name += f" {engine}"
        if self.steady:
            from gesso.video.steady import SHARE

            name += f" steady {SHARE}"
            if self.descends:
                from gesso.stylizers.begun import FEWER
                from gesso.stylizers.begun import SHARE as BEGUN

                name += f" begun {BEGUN} {FEWER:.3f}"
        return name

    @property
    def descends(self) -> bool:
        """Whether pictures are descended on, by the method or to be polished."""
        method = self.session.method
        if method.about.steps_on == "picture":
            return True
        return self.controls.polish_steps(method, self.cards) > 0

    def stylizer(self, cards: Sequence[StyleCard], **controls: Any) -> Stylizer:
        """The stylizer of cards with some controls changed."""
        # Of cards: the colours of styles would be matched to every frame's, and adapted to, anew.
        return self.session.stylizer(cards, replace(self.controls, **controls))

    @cached_property
    def beside(self) -> Beside | None:
        """What paints every frame by itself, two at a time; None where a frame's picture depends
        on the one before."""
        from gesso.video.beside import Beside

        if self.descends:
            return None
        return Beside(self._plain(None), watch=not threads_are_chosen())

    def plain(self) -> Look:
        """What paints every frame by itself."""
        from gesso.nn.threads import ThreadWatch

        return self.beside or self._plain(None if threads_are_chosen() else ThreadWatch())

    def _plain(self, watch: Callable[[], None] | None) -> Look:
        from gesso.video.keys import Keyed
        from gesso.video.look import Stylized

        keys = self.keys
        if not (keys.styles or keys.strengths):
            return Stylized(self.stylizer(self.cards), watch)
        times = [time for time, _ in keys.styles]
        cards = list(zip(times, self.cards, strict=True)) if times else [(START, self.cards[0])]
        strengths = keys.strengths or [(START, self.controls.strength)]

        def make(cards: Sequence[StyleCard], shares: Sequence[float], strength: float) -> Stylizer:
            if not times:
                return self.stylizer(self.cards, strength=strength)
            weights = shares if len(cards) > 1 else None
            return self.stylizer(cards, weights=weights, strength=strength)

        return Keyed(cards, strengths, make, watch)

    def look(self) -> Look:
        """What paints frames, steadily where that is wanted."""
        return self._steady(None) if self.steady else self.plain()

    def measured(self) -> Measured:
        """The look, whose flicker is measured. Raises GessoError where OpenCV is missing."""
        opencv()
        from gesso.video.flow import Motions
        from gesso.video.report import Measured

        motions = Motions()
        if not self.steady:
            return Measured(self.plain(), motions=motions)
        look = self._steady(motions)
        return Measured(look, None if self.descends else lambda: look.plain, motions)

    def _steady(self, motions: Motions | None) -> Steady:
        opencv()
        from gesso.video.steady import Steady

        return Steady(self.plain(), motions=motions, descends=self.descends)
