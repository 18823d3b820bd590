"""The methods that take part: how each is loaded and set, and why another cannot take part."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.encoders import load_encoder
from gesso.encoders.base import Encoder
from gesso.errors import GessoError, MissingWeights
from gesso.methods.about import About
from gesso.methods.base import Method, OnStep
from gesso.methods.registry import checked_device, load_class
from gesso.methods.retouch import of_its_pictures
from gesso.stylizers.stylizer import Stylizer

PROBE_PX = 64


@dataclass(frozen=True)
class Entry:
    """How to load a method and what to adapt it with, as JSON values: another process can do it.

    Attributes:
        method: its name.
        options: those of the method's options that are not its defaults.
        weights, encoder, device: as for `gesso.load`.
        polish: steps of polish on every picture.
        controls: others of `gesso.Controls` that differ from its defaults.
        most_styles, most_pairs: takes on this many styles, makes this many pictures; None: all.
        label: its name in tables and files; "" is the method's, and "-polished" where it is.
        note: what a reader has to know about these settings.
    """

    method: str
    options: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    encoder: str = "compact"
    device: str = "cpu"
    polish: int = 0
    controls: dict[str, Any] = field(default_factory=dict)
    most_styles: int | None = None
    most_pairs: int | None = None
    label: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """The name in tables and files."""
        return self.label or (f"{self.method}-polished" if self.polish else self.method)

    def load(self, judge: Encoder | None = None) -> Method:
        """The method; on the CPU one that descends on the objective sees with the judge itself.

        Raises:
            GessoError: weights or an encoder that cannot be used.
        """
        kind = load_class(self.method)
        place = checked_device(self.device)
        own = partial(load_encoder, self.encoder, kind.about.needs.levels[-1])
        shared = judge if kind.about.descends and place.type == "cpu" else None
        weights = None if self.weights is None else Path(self.weights)
        return kind.load(shared or own, weights).to(place)

    def chosen(self, method: Method, steps: int | None = None) -> Any:
        """The method's options, with other steps if given."""
        return method.chosen(None, {**self.options, **({"steps": steps} if steps else {})})


@dataclass(frozen=True)
class Contestant:
    """A method that takes part.

    Attributes:
        parameters: all that are needed to take on a style and to run it.
        image_parameters: those that are needed for a picture.
        on_photo: practises on the photo that is stylized, not on the bundled contents.
    """

    entry: Entry
    method: Method
    parameters: int = 0
    image_parameters: int = 0
    on_photo: bool = False

    @property
    def name(self) -> str:
        """The entry's."""
        return self.entry.name

    @property
    def about(self) -> About:
        """What the method says of itself."""
        return self.method.about

    @property
    def steps(self) -> int | None:
        """Steps of adaptation or of a descent; None for methods that take none."""
        return getattr(self.entry.chosen(self.method), "steps", None) or None

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that decides cards, pictures and, with the machine, seconds."""
        device = device_name(self.entry.device)
        options = self.entry.chosen(self.method)
        return {
            "method": self.entry.method,
            "base": self.method.base,
            "encoder": self.method.encoder.identity,
            "adapt": self.method.adapt_settings(options) | of_its_pictures(options),
            **({"polish": self.entry.polish} if self.entry.polish else {}),
            "controls": self._controls,
            **({"on_photo": True} if self.on_photo else {}),
            **({} if device == "cpu" else {"device": device}),  # the CPU is the machine's
        }

    @property
    def _controls(self) -> dict[str, Any]:
        """Those that decide pictures, as the method has them or the entry changes them."""
        names = ("color_share", "paint_from", "paint_pixels")
        own = {name: getattr(self.about, name) for name in names}
        return own | self.entry.controls

    @property
    def in_words(self) -> str:
        """Its settings in words."""
        steps = "" if self.steps is None else f"{self.steps} steps"
        where = f"{'on' if steps else 'with'} {self.method.encoder.name}"
        polish = f"and {self.entry.polish} of polish" if self.entry.polish else ""
        words = " ".join(word for word in (steps, where, polish) if word)
        return "; ".join(text for text in (words, self.entry.note) if text)

    def adapt(
        self,
        style: Tensor,
        photo: Tensor,
        steps: int | None = None,
        on_step: OnStep | None = None,
    ) -> StyleCard:
        """The card of a style (3, h, w), with feature vectors only if it is to be polished."""
        contents, options = (
            [photo] if self.on_photo else None,
            self.entry.chosen(self.method, steps),
        )
        vectors = self.entry.polish > 0
        return self.method.adapt(style, contents, options, on_step=on_step, vectors=vectors)

    def stylizer(self, card: StyleCard) -> Stylizer:
        """The card's stylizer under the entry's controls, polished if there are steps of it."""
        controls = Controls(polish=self.entry.polish, **self.entry.controls)
        return controls.stylizer(self.method, card)

    def style_seconds(self, steps: int | None = None) -> float:
        """Roughly the seconds of taking on a style with at most these steps."""
        return style_seconds(self.about, self.entry.chosen(self.method), steps)

    def picture_seconds(self, size: int, steps: int | None = None) -> float:
        """Roughly the seconds of a picture of that size with at most these steps."""
        options, painted = self.entry.chosen(self.method), self.entry.controls.get("paint_size")
        return picture_seconds(self.about, options, size, steps, self.entry.polish, painted)


def style_seconds(about: About, options: Any, most: int | None = None) -> float:
    """Seconds on two cores of taking on a style, to an order of magnitude: enough to say how
    many styles there is time for. At most `most` steps are counted."""
    steps = getattr(options, "steps", 0)
    if about.steps_on == "picture" or not steps:
        return 0.3
    return 0.15 * min(steps, most or steps) * int(getattr(options, "batch", 1))


def picture_seconds(
    about: About,
    options: Any,
    size: int,
    most: int | None = None,
    polish: int = 0,
    painted: int | None = None,
) -> float:
    """Seconds on two cores of a picture of `size` px, painted at no more than `painted` px or the
    method's limit, as roughly."""
    steps = getattr(options, "steps", 0) if about.steps_on == "picture" else 0
    size = min(size, painted or round((about.paint_pixels or size**2) ** 0.5))
    return max(0.1, 0.2 * (min(steps, most or steps) + polish / 2) * (size / 256) ** 2)


@dataclass(frozen=True)
class Absent:
    """A method that does not take part, and why in one line."""

    name: str
    reason: str


def enter(entry: Entry, judge: Encoder) -> Contestant | Absent:
    """Load a method and try it on a small picture.

    Raises:
        GessoError: it fails with weights or options that the user has given.
    """
    try:
        return _tried(entry, entry.load(judge))
    except MissingWeights:
        return Absent(entry.name, "no weights")
    except GessoError as error:
        if entry.weights is not None or entry.options:
            raise
        return Absent(entry.name, str(error))


def _tried(entry: Entry, method: Method) -> Contestant:
    picture = torch.rand(3, PROBE_PX, PROBE_PX, generator=torch.Generator().manual_seed(0))
    once = 1 if hasattr(entry.chosen(method), "steps") else None
    tried = Contestant(entry, method, on_photo=True)
    network = method.stylizer(tried.adapt(picture, picture, once)).network
    needed = _count(method.encoder) if method.about.needs.encoder_to_run else 0
    own = _count(method, list(method.encoder.parameters())) + needed
    image = own if network is None else _count(network)
    return Contestant(entry, method, max(own, image), image)


def _count(module: nn.Module, without: list[nn.Parameter] | None = None) -> int:
    """Numbers in a module's parameters, some left out."""
    skipped = {id(parameter) for parameter in without or ()}
    return sum(p.numel() for p in module.parameters() if id(p) not in skipped)


def device_name(device: str) -> str:
    """A GPU's model: another one takes another time."""
    kind = torch.device(device).type
    return torch.cuda.get_device_name(device) if kind == "cuda" else kind
