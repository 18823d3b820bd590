"""Where frames come from, whatever kind of file holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from gesso.errors import GessoError, OptionError
from gesso.images.read import MAX_PIXELS
from gesso.video.frames import Frame


@dataclass(frozen=True)
class Taken:
    """What is taken of a clip.

    Attributes:
        size: the longer side of its frames in px; None: their own.
        start, end: from where and up to where, in seconds; the clip then begins at `start`.
        rate: frames a second, of folders of pictures, which do not say; None: 25.
        max_pixels: the largest picture to read, width × height.
    """

    size: int | None = None
    start: Fraction | None = None
    end: Fraction | None = None
    rate: Fraction | None = None
    max_pixels: int = MAX_PIXELS


class Source(Protocol):
    """A clip that can be read, from the beginning or from any frame on.

    Attributes:
        path: the file or folder.
        tick: the unit of its times in seconds: every `Frame.time` is a multiple of it.
        rate: frames a second, about.
        count: how many frames it says to have.
        length: when its last frame is over, in seconds.
        loop: how often an animation is played; 0: for ever; None: it is none.
        notes: lines on what is not kept as it is.
        damage: what is wrong with it, in a few words, as far as it was read; None: nothing.
    """

    path: Path
    tick: Fraction
    rate: Fraction
    count: int
    length: Fraction
    loop: int | None
    notes: list[str]
    damage: str | None

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """The frames from number `first` on.

        Raises:
            GessoError: nothing that can be shown.
        """
        ...


def seconds(option: str, text: str | None) -> Fraction | None:
    """The seconds that a text such as "12.5", "1:30" or "1:02:03.5" names; None for None.

    Raises:
        OptionError: naming the `option`.
    """
    if text is None:
        return None
    parts = text.split(":")
    try:
        if not (1 <= len(parts) <= 3 and all(p.replace(".", "", 1).isdecimal() for p in parts)):
            raise ValueError(text)
        total = Fraction(0)
        for part in parts:
            total = 60 * total + Fraction(part)
    except ValueError:
        allowed = "allowed are seconds, such as 12.5, or minutes and seconds, such as 1:30"
        raise OptionError(option, f"{text!r} is no time; {allowed}") from None
    return total


def nothing_left(source: Source, taken: Taken) -> GessoError:
    """What to raise where no frame lies between start and end."""
    if taken.start is None and taken.end is None:
        return GessoError(f"{source.path}: holds no picture that can be shown")
    return OptionError("start", "no frame lies between start and end")
