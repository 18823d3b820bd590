"""Options that several commands share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli.console import limit_threads, set_up_logging
from gesso.errors import GessoError

if TYPE_CHECKING:
    from gesso.methods.base import Method

MethodName = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help="Method; default: metastyle.")
]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FILE",
        help="The method's weights, such as `gesso train` writes; default: the bundled ones.",
    ),
]
EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="compact|vgg16|vgg19|FILE",
        help="What judges style and content while adapting; default: compact, the bundled one.",
    ),
]
Device = Annotated[
    str | None, typer.Option("--device", metavar="NAME", help="cpu (default), cuda, mps, …")
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=0, metavar="N", help="Steps of adaptation; more: closer."),
]
OnlyIn = Annotated[
    bool,
    typer.Option("--only-in", help="Adapt instance norm's γ and β alone: a card of some kB."),
]
Refine = Annotated[
    int | None,
    typer.Option(
        "--refine",
        min=0,
        metavar="N",
        help="meta_networks: continue with N gradient steps on the generated network.",
    ),
]
Rate = Annotated[
    float | None, typer.Option("--lr", metavar="RATE", help="Learning rate of the adaptation.")
]
Optimizer = Annotated[
    str | None,
    typer.Option("--optimizer", metavar="adam|lbfgs", help="Of gatys; default: adam."),
]
Init = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="content|noise|METHOD",
        help="What gatys begins with; METHOD, such as metastyle: its picture. Default: content.",
    ),
]
ObjectiveName = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="relative|paper|metastyle",
        help="Of gatys; paper needs --encoder vgg19. Default: relative.",
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="random|metastyle|FILE",
        help="The weights johnson begins with; default: random.",
    ),
]
StyleSize = Annotated[
    int | None,
    typer.Option(
        "--style-size",
        min=16,
        metavar="PX",
        help="Longer side of the style in px; default: 512 (meta_networks: 384).",
    ),
]
Style = Annotated[
    list[Path],
    typer.Option(
        "-s",
        "--style",
        metavar="IMAGE_OR_CARD",
        help="A picture, or a card of `gesso adapt`; several times: a mixture, or see --mask.",
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
Mask = Annotated[
    list[Path] | None,
    typer.Option(
        "--mask",
        metavar="IMAGE",
        help="Where a style goes: white, in shades of grey; one for each --style, in order, or "
        "one fewer: the last style takes the rest. Scaled to the photo.",
    ),
]
Feather = Annotated[
    float | None,
    typer.Option("--feather", min=0, metavar="PX", help="Soften the masks' edges over so many px."),
]
Polish = Annotated[
    int | None,
    typer.Option(
        "--polish",
        min=0,
        max=1000,
        metavar="N",
        help="Steps on the finished picture itself, which bring texture into flat places; default: "
        "8 with metastyle, none with other methods, --only-in, or cards without --grams.",
    ),
]
Color = Annotated[
    str,
    typer.Option(
        "--color",
        metavar="style|content|luminance",
        help="Whose colours: the style's; the photo's, matched in mean and covariance; the "
        "photo's, with only its luminance stylized.",
    ),
]
Cache = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Keep and reuse styles adapted before.")
]
ContentsFolder = Annotated[
    Path | None,
    typer.Option(
        "--contents", metavar="DIR", help="Adapt on the pictures in this folder, not on the photos."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, metavar="N", help="Of all random choices; default: 0."),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels", min=1, metavar="N", help="Refuse larger pictures; default: 100000000."
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite/--no-overwrite",
        help="Replace an output that exists, or leave it alone. An input is never overwritten.",
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
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but what went wrong.")]
Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        callback=set_up_logging,
        show_default=False,
        help="Say more; twice: all.",
    ),
]


# Option → what it sets in `Method.adapt`; each is the field of that name in AdaptOptions.
NAMES: dict[str, tuple[str, ...]] = {
    "--contents": ("contents",),
    "--style-size": ("style_size",),
    "--steps": ("steps",),
    "--only-in": ("only_affine",),
    "--lr": ("lr", "affine_lr"),
    "--seed": ("seed",),
    "--crop": ("crop",),
    "--batch": ("batch",),
    "--optimizer": ("optimizer",),
    "--init": ("init",),
    "--objective": ("objective",),
    "--start": ("start",),
    "--refine": ("refine",),
    "--kernels": ("kernels",),
}
ENCODER: dict[str, tuple[str, ...]] = {"--encoder": ()}  # every method takes one


def shares(text: str | None) -> list[float] | None:
    """The numbers of --weights. Raises GessoError for a text that holds others."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise GessoError(
            f"--weights: {text!r} is no list of numbers; allowed are shares of the styles, such "
            "as 0.6,0.4 (a file of weights is --model FILE)"
        )
    return numbers


@dataclass(frozen=True)
class AdaptOptions:
    """The options of an adaptation as given; None: not given."""

    method: str | None = None
    model: Path | None = None
    encoder: str | None = None
    device: str | None = None
    contents: Path | None = None
    style_size: int | None = None
    steps: int | None = None
    only_in: bool = False
    lr: float | None = None
    seed: int | None = None
    crop: int | None = None
    batch: int | None = None
    max_pixels: int | None = None
    refine: int | None = None
    kernels: bool = False
    optimizer: str | None = None
    init: str | None = None
    objective: str | None = None
    start: str | None = None
    grams: bool | None = None  # keep Gram matrices in cards; None: if the method is polished

    @property
    def pixels(self) -> int:
        """The largest picture to read, width × height."""
        from gesso.images.read import MAX_PIXELS

        return self.max_pixels or MAX_PIXELS

    def fit(self, method: type[Method]) -> dict[str, Any]:
        """Those given, by their names in `method.adapt`; one --lr is the rate of all weights.

        Raises:
            GessoError: an option that the method does not know.
        """
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr >= 0):
            raise GessoError(f"--lr: {self.lr} is no learning rate; allowed are numbers from 0")
        known = {flag: [n for n in names if n in method.options] for flag, names in NAMES.items()}
        for flag in self.given():
            if not known.get(flag, [flag]):
                allowed = ", ".join(other for other, names in known.items() if names)
                raise GessoError(
                    f"{flag}: method {method.name} has no such option; allowed are {allowed}"
                )
        apart = ("--contents", "--style-size")  # not handed on by these names
        return {
            name: value
            for flag, value in self.given().items()
            if flag not in apart
            for name in known.get(flag, [])
        }

    def given(self) -> dict[str, Any]:
        """The options that only matter while adapting, where given."""
        values = {flag: getattr(self, flag[2:].replace("-", "_")) for flag in ENCODER | NAMES}
        return {f: v for f, v in values.items() if v is not None and v is not False}
