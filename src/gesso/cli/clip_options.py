"""Options of the commands that work on clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from gesso.cli import options as opt
from gesso.disk.atomic import shown
from gesso.errors import OptionError
from gesso.methods.registry import methods

if TYPE_CHECKING:
    from gesso.video.source import Taken

METHOD = "metastyle"  # a network, which serves every frame of the clip in a fraction of a second
MOST_FPS = 1000
OF_CLIP = "Clip"  # a heading


@dataclass(frozen=True)
class Setup(opt.Setup):
    """As for photos, with another default method."""

    method: Annotated[
        str | None,
        opt.option(
            f"Method, see `gesso methods`; default: that of the card, or {METHOD}. matching paints "
            "best and takes half a minute and more a frame.",
            "NAME",
            autocompletion=lambda: methods(),
        ),
    ] = None


@dataclass(frozen=True)
class Cut:
    """What is taken of the clip, and how it is written."""

    size: Annotated[
        int | None,
        opt.option(
            "Longer side of the result in px; default: the clip's. Never cropped.", "PX", min=1
        ),
    ] = None
    start: Annotated[
        str | None,
        opt.option("Where to begin, in seconds or mm:ss; default: at once.", "TIME", under=OF_CLIP),
    ] = None
    end: Annotated[
        str | None,
        opt.option("Where to end; default: with the clip.", "TIME", under=OF_CLIP),
    ] = None
    fps: Annotated[
        str | None,
        opt.option(
            "Frames a second, for a folder of frames, which does not say; default: 25.",
            "N|N/M",
            under=OF_CLIP,
        ),
    ] = None
    crf: Annotated[
        int | None,
        opt.option(
            "Quality of video, lower is better; default: 18 for H.264, 24 for VP9.",
            "N",
            under=opt.OUTPUT,
            min=0,
            max=63,
        ),
    ] = None
    overwrite: opt.Overwrite = True

    def taken(self, max_pixels: int) -> Taken:
        """What is taken of the clip. Raises OptionError."""
        from gesso.video.source import Taken, seconds

        start, end = seconds("start", self.start), seconds("end", self.end)
        if end is not None and end <= (start or 0):
            raise OptionError("end", f"{self.end}; allowed is what lies after the start")
        return Taken(self.size, start, end, frame_rate(self.fps), max_pixels)


@dataclass(frozen=True)
class Division:
    """Which part of the work is done."""

    resume: Annotated[
        bool,
        opt.option(
            "Go on where an interrupted run of the same command stopped.",
            flags="--resume",
            under=OF_CLIP,
        ),
    ] = False
    shard: Annotated[
        str | None,
        opt.option(
            "Do only part I of N, into the folder OUT.parts, for --join to put together.",
            "I/N",
            under=OF_CLIP,
        ),
    ] = None
    join: Annotated[
        bool,
        opt.option(
            "Put the parts in the folders CLIP together, with the sound; no style is needed.",
            flags="--join",
            under=OF_CLIP,
        ),
    ] = False


def check_report(path: Path, others: Sequence[Path]) -> None:
    """Raises OptionError where no report can be written to `path`, which is none of `others`."""
    if path.suffix.lower() != ".json":
        raise OptionError("report", f"{shown(path)}: a report's name ends in .json")
    if not path.parent.is_dir() or path.is_dir():
        raise OptionError("report", f"{shown(path)}: its folder does not exist; make it first")
    if any(other.exists() and path.exists() and path.samefile(other) for other in others):
        raise OptionError("report", f"{shown(path)}: is an input or the result")


def frame_rate(text: str | None) -> Fraction | None:
    """Frames a second. Raises OptionError."""
    try:
        rate = None if text is None else Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate is not None and not 0 < rate <= MOST_FPS:
        allowed = f"allowed are numbers above 0, up to {MOST_FPS}, such as 25 or 30000/1001"
        raise OptionError("fps", f"{text}; {allowed}")
    return rate
