"""Options that commands write by hand, and share: what is the command's own and no method's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gesso.cli.console import limit_threads, set_up_logging
from gesso.errors import OptionError
from gesso.methods.registry import DEFAULT, methods
from gesso.pipeline.presets import PRESETS

SETUP, OUTPUT, RUNNING = "Method and weights", "Output", "Running"  # headings

Styles = Annotated[
    list[str],
    typer.Option(
        "-s",
        "--style",
        metavar="STYLE",
        help="A picture, a card of `gesso adapt`, the name of a bundled style, or - for standard "
        "input; several times: a mixture, or see --mask.",
    ),
]
Shares = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="A,B,…",
        help="Shares of the styles in the order given, such as 0.6,0.4; default: equal ones.",
    ),
]
Masks = Annotated[
    list[Path] | None,
    typer.Option(
        "--mask",
        metavar="IMAGE",
        help="Where a style goes: white, in shades of grey; one for each --style, in order, or "
        "one fewer: the last style takes the rest. Scaled to the photo.",
    ),
]
Frame = Annotated[
    int | None,
    typer.Option(
        "--frame",
        min=0,
        metavar="N",
        help="Which picture of an animation or of several pages, from 0; default: the first.",
        rich_help_panel=RUNNING,
    ),
]
Cache = Annotated[
    bool,
    typer.Option(
        "--cache/--no-cache", help="Keep and reuse styles adapted before.", rich_help_panel=SETUP
    ),
]
Float32 = Annotated[
    bool,
    typer.Option(
        "--float32", help="Keep float32, not float16: twice the size.", rich_help_panel=OUTPUT
    ),
]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="NAME",
        help=f"Method, see `gesso methods`; default: that of the card, or {DEFAULT}.",
        autocompletion=lambda: methods(),
    ),
]
PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="|".join(PRESETS),
        help="Time for quality, see `gesso methods`; options given beside it go first.",
        autocompletion=lambda: list(PRESETS),
    ),
]
EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="compact|vgg16|vgg19|FILE",
        help="What judges style and content while adapting; default: compact, the bundled one.",
        rich_help_panel=SETUP,
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FILE",
        help="The method's weights, such as `gesso train` writes; default: the bundled ones.",
        rich_help_panel=SETUP,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="cpu (default), cuda, mps, …", rich_help_panel=SETUP
    ),
]
ContentsFolder = Annotated[
    Path | None,
    typer.Option(
        "--contents",
        metavar="DIR|bundled",
        help="Adapt on the pictures in this folder, or on a bundled set, whose card serves any "
        "photo; default: on the photos, or without any on the bundled set.",
        rich_help_panel=SETUP,
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, metavar="N", help="Seed of all random choices.")
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite/--no-overwrite",
        help="Replace an output that exists, or leave it alone. An input is never overwritten.",
        rich_help_panel=OUTPUT,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        min=1,
        metavar="N",
        help="Refuse larger pictures; default: 100000000.",
        rich_help_panel=RUNNING,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        metavar="N",
        callback=limit_threads,
        help="CPU threads that compute; default: all cores, one where others use them.",
        rich_help_panel=RUNNING,
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        metavar="N",
        help="Quality of JPEG, WebP, AVIF, HEIF; default: about 39 dB.",
        rich_help_panel=OUTPUT,
    ),
]
KeepMetadata = Annotated[
    bool,
    typer.Option(
        "--keep-metadata",
        help="Copy EXIF data (place, camera, date).",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("-q", "--quiet", help="Say nothing but what went wrong.", rich_help_panel=RUNNING),
]
Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        callback=set_up_logging,
        show_default=False,
        help="Say more; twice: all.",
        rich_help_panel=RUNNING,
    ),
]


@dataclass(frozen=True)
class Setup:
    """Which method adapts, with which weights, and on what."""

    preset: PresetName = None
    method: MethodName = None
    contents: ContentsFolder = None
    model: Model = None
    encoder: EncoderName = None
    device: Device = None


@dataclass(frozen=True)
class Talk:
    """What a command says, and how it computes."""

    threads: Threads = None
    quiet: Quiet = False
    verbose: Verbose = 0


@dataclass(frozen=True)
class Running(Talk):
    """For commands that read pictures."""

    max_pixels: MaxPixels = None

    @property
    def pixels(self) -> int:
        """The largest picture to read, width × height."""
        from gesso.images.read import MAX_PIXELS

        return self.max_pixels or MAX_PIXELS


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
