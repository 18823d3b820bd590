"""The controls as they are declared: help, units and ranges. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Annotated, Any, Literal, Self

from gesso.errors import OptionError
from gesso.options import Declared, Option, check, declared

Color = Literal["style", "content", "luminance"]
COLORS: tuple[Color, ...] = ("style", "content", "luminance")
Ground = Literal["calm", "painted"]
"""Whether empty places of a photo get one colour or stay as painted."""
MAX_STEPS = 1000  # of polish
# Controls that presets, old cards and the bench have a say in.
PAINTING = ("color_share", "paint_from", "paint_size", "ground")


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
    stroke: Annotated[
        float,
        Option(
            "How large strokes are, in the method's usual size: 2 paints a copy of half the size, "
            "0.5 an enlarged one.",
            "TIMES",
            least=0.25,
            most=8,
            main=True,
        ),
    ] = 1.0
    paint_from: Annotated[
        int | None,
        Option(
            "About the longer side of the smallest copy that is painted; each larger one begins "
            "with what was made of it. Smaller: bolder shapes; 0: the whole photo at once. "
            "Default: the method's, see `gesso methods`.",
            "PX",
            least=0,
        ),
    ] = None
    paint_size: Annotated[
        int | None,
        Option(
            "Longer side up to which pictures are painted whole; what changes in a smaller copy is "
            "carried over to larger ones. Smaller: larger strokes, less time and memory. Default: "
            "the method's limit, see `gesso methods`.",
            "PX",
            least=64,
        ),
    ] = None
    ground: Annotated[
        Ground | None,
        Option(
            "Empty places, such as the white behind a product: calm, in one colour of what was "
            "painted there, or as painted. Default: calm.",
            "KIND",
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

    def completed(self, others: Mapping[str, Any]) -> Self:
        """With these others, by name, where a control is None: nothing was said of it.

        Raises:
            OptionError: a value that makes no sense.
        """
        left_open = {n: v for n, v in others.items() if getattr(self, n) is None}
        return replace(self, **left_open) if left_open else self


def check_masks(masks: int, styles: int) -> None:
    """Raises OptionError where there is not one mask a style, or one fewer."""
    if masks in (styles, styles - 1):
        return
    fewer = f", or {styles - 1} (the last style takes the rest)" if styles > 1 else ""
    raise OptionError("mask", f"{masks} given, for {styles} styles; allowed are {styles}{fewer}")


def of_painting() -> list[Declared]:
    """The declarations of the controls in PAINTING."""
    return [one for one in declared(ControlOptions) if one.name in PAINTING]
