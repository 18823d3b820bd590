"""Options that commands write by hand, and share: what is the command's own and no method's."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gesso.cli.console import limit_threads, set_up_logging
from gesso.disk.hub import fetched, local, on_hub
from gesso.errors import OptionError
from gesso.methods.registry import DEFAULT, methods
from gesso.pipeline.presets import PRESETS

SETUP, OUTPUT, RUNNING = "Method and weights", "Output", "Running"  # headings
CONTROLS = "Controls"


def option(
    help: str, metavar: str | None = None, flags: str = "", under: str | None = None, **more: Any
) -> Any:
    """An option as typer has it. Without `flags`, such as "-o --out", its name is its parameter's;
    without a heading `under` which `--help` lists it, that is "Options"."""
    return typer.Option(*flags.split(), help=help, metavar=metavar, rich_help_panel=under, **more)


def _encoder(name: str | None) -> str | None:
    """The encoder's name, or its file on this machine."""
    return str(fetched(name)) if name and on_hub(name) else name


_STYLE = option(
    "A picture, a card of `gesso adapt` or of the Hugging Face Hub (hf:…), the name of a style "
    "(`gesso styles`), or - for standard input; several times: a mixture, or see --mask.",
    "STYLE",
    "-s --style",
)
Styles = Annotated[list[str], _STYLE]
StylesOrNone = Annotated[list[str] | None, _STYLE]
Shares = Annotated[
    str | None,
    option(
        "Shares of the styles in the order given, such as 0.6,0.4; default: equal ones.", "A,B,…"
    ),
]
Masks = Annotated[
    list[Path] | None,
    option(
        "Where a style goes: white, in shades of grey; one for each --style, in order, or "
        "one fewer: the last style takes the rest. Scaled to the photo.",
        "IMAGE",
        under=CONTROLS,
    ),
]
StyleMasks = Annotated[
    list[Path] | None,
    typer.Option(
        "--style-mask",
        metavar="IMAGE",
        help="Which part of a style counts: white; one for each --style, in order, or none. "
        "Scaled to the style.",
        rich_help_panel=CONTROLS,
    ),
]
Frame = Annotated[
    int | None,
    option(
        "Which picture of an animation or of several pages, from 0; default: the first.",
        "N",
        under=RUNNING,
        min=0,
    ),
]
Picture = Annotated[Path, option("The picture to write.", "OUT", "-o --out")]
Cache = Annotated[bool, option("Keep and reuse styles adapted before.", under=SETUP)]
Float32 = Annotated[
    bool, option("Keep float32, not float16: twice the size.", flags="--float32", under=OUTPUT)
]
PresetName = Annotated[
    str | None,
    option(
        "Time for quality, see `gesso methods`; options given beside it go first.",
        "|".join(PRESETS),
        autocompletion=lambda: list(PRESETS),
    ),
]
MethodName = Annotated[
    str | None,
    option(
        f"Method, see `gesso methods`; default: that of the card, or {DEFAULT}.",
        "NAME",
        autocompletion=lambda: methods(),
    ),
]
Model = Annotated[
    Path | None,
    option(
        "The method's weights, such as `gesso train` writes, or a pinned file of the Hugging Face "
        "Hub (hf:…); default: the bundled ones.",
        "FILE",
        under=SETUP,
        callback=local,
    ),
]
Overwrite = Annotated[
    bool,
    option(
        "Replace an output that exists, or leave it alone. An input is never overwritten.",
        under=OUTPUT,
    ),
]
Threads = Annotated[
    int | None,
    option(
        "CPU threads that compute; default: all cores, one where others use them.",
        "N",
        under=RUNNING,
        min=1,
        callback=limit_threads,
    ),
]
Verbose = Annotated[
    int,
    option(
        "Say more; twice: all.",
        flags="-v --verbose",
        under=RUNNING,
        count=True,
        callback=set_up_logging,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Setup:
    """Which method adapts, with which weights, and on what."""

    preset: PresetName = None
    method: MethodName = None
    contents: Annotated[
        Path | None,
        option(
            "Adapt on the pictures in this folder, or on a bundled set, whose card serves any "
            "photo; default: on the photos, or without any on the bundled set.",
            "DIR|bundled",
            under=SETUP,
        ),
    ] = None
    model: Model = None
    encoder: Annotated[
        str | None,
        option(
            "What judges style and content while adapting; default: compact, the bundled one.",
            "compact|vgg16|vgg19|FILE",
            under=SETUP,
            callback=_encoder,
        ),
    ] = None
    device: Annotated[str | None, option("cpu (default), cuda, mps, …", "NAME", under=SETUP)] = None


@dataclass(frozen=True)
class Talk:
    """What a command says, and how it computes."""

    threads: Threads = None
    quiet: Annotated[
        bool, option("Say nothing but what went wrong.", flags="-q --quiet", under=RUNNING)
    ] = False
    verbose: Verbose = 0


@dataclass(frozen=True)
class Running(Talk):
    """For commands that read pictures."""

    max_pixels: Annotated[
        int | None, option("Refuse larger pictures; default: 100000000.", "N", under=RUNNING, min=1)
    ] = None

    @property
    def pixels(self) -> int:
        """The largest picture to read, width × height."""
        from gesso.images.read import MAX_PIXELS

        return self.max_pixels or MAX_PIXELS


DecodeTimeout = Annotated[
    float | None,
    option(
        "Seconds for decoding one of many pictures, which is named then; default: 10.",
        "S",
        under=RUNNING,
        min=0.1,
    ),
]


Memory = Annotated[
    str | None,
    option(
        "Memory that may be taken in all, such as 2GB: photos that need more are painted in tiles "
        "or refused; default: three quarters of what is free.",
        "SIZE",
        under=RUNNING,
    ),
]


def decoding(timeout: float | None, many: bool = True) -> AbstractContextManager[object]:
    """Inside, pictures are decoded in processes of their own (`gesso.images.apart`), if there are
    many or there is a timeout."""
    if not many and timeout is None:
        return nullcontext()
    from gesso.images.apart import TIMEOUT, apart

    return apart(timeout or TIMEOUT)


@dataclass(frozen=True)
class Reading(Running):
    """For commands that read pictures in number."""

    decode_timeout: DecodeTimeout = None


def shares(text: str | None) -> list[float] | None:
    """The numbers of --weights. Raises OptionError for a text that holds others."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise OptionError(
            "weights",
            f"{text!r} is no list of numbers; allowed are shares of the styles, such as 0.6,0.4 "
            "(a file of weights is --model FILE)",
        )
    return numbers
