"""The controls as they are declared: help, units and ranges. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Any, Literal

from gesso.errors import OptionError
from gesso.options import Option, check

Color = Literal["style", "content", "luminance"]
COLORS: tuple[Color, ...] = ("style", "content", "luminance")
MAX_STEPS = 1000  # of polish


@dataclass(frozen=True)
class ControlOptions:
    """The fields of `gesso.Controls`, which see."""

    strength: Annotated[
        float, Option("0 is the photo, 1 the whole style.", "SHARE", least=0, most=1, main=True)
    ] = 1.0
    weights: Sequence[float] | None = None
    color: Annotated[
        str,
        Option(
            "Whose colours: the style's; the photo's, where the photo has them; the photo's, with "
            "only its luminance stylized.",
            "|".join(COLORS),
            choices=COLORS,
            main=True,
        ),
    ] = "style"
    color_share: Annotated[
        float | None,
        Option(
            "How far colours go to the mean and covariance of the style's, with --color style; "
            "default: the method's.",
            "SHARE",
            least=0,
            most=1,
        ),
    ] = None
    masks: Sequence[Any] = ()
    feather: Annotated[float, Option("Soften the masks' edges over so many px.", "PX", least=0)] = (
        0.0
    )
    polish: Annotated[
        int | None,
        Option(
            "Steps on the finished picture itself, which bring texture into flat places; default: "
            "the method's, for cards that keep what it needs.",
            "N",
            least=0,
            most=MAX_STEPS,
        ),
    ] = None

    def __post_init__(self) -> None:
        check(self)
        if not all(isinstance(weight, Real) for weight in self.weights or ()):
            raise OptionError("weights", f"{str(self.weights)[:60]}; allowed are numbers")
        object.__setattr__(self, "masks", tuple(self.masks))  # a tensor (K, h, w) will do
        if self.weights is not None and self.masks:
            raise OptionError("weights", "of no use with masks, which give each style its region")
        if self.feather and not self.masks:
            raise OptionError("feather", "of no use without masks")
