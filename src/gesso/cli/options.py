"""Options that several commands share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gesso.cli.console import set_up_logging
from gesso.errors import GessoError

MethodName = Annotated[
    str | None, typer.Option("--method", metavar="NAME", help="Method; default: metastyle.")
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="Start weights; default: the bundled ones."),
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
StyleSize = Annotated[
    int | None,
    typer.Option(
        "--style-size",
        min=16,
        metavar="PX",
        help="Longer side of the style in px; default: 512 (meta_networks: 256).",
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


@dataclass(frozen=True)
class AdaptOptions:
    """The options of an adaptation as given; None: not given."""

    method: str | None = None
    weights: Path | None = None
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

    @property
    def pixels(self) -> int:
        """The largest picture to read, width × height."""
        from gesso.image import MAX_PIXELS

        return self.max_pixels or MAX_PIXELS

    def fit(self) -> dict[str, Any]:
        """Those given, by their names in `Method.adapt`; one --lr is the rate of all weights."""
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr >= 0):
            raise GessoError(f"--lr: {self.lr} is no learning rate; allowed are numbers from 0")
        options = {
            "steps": self.steps,
            "only_affine": self.only_in or None,
            "lr": self.lr,
            "affine_lr": self.lr,
            "seed": self.seed,
            "crop": self.crop,
            "batch": self.batch,
            "refine": self.refine,
            "kernels": self.kernels or None,
        }
        return {name: value for name, value in options.items() if value is not None}

    def given(self) -> list[str]:
        """The names of the options that only matter while adapting, where given."""
        named = {
            "--encoder": self.encoder,
            "--contents": self.contents,
            "--style-size": self.style_size,
            "--steps": self.steps,
            "--only-in": self.only_in or None,
            "--lr": self.lr,
            "--seed": self.seed,
            "--refine": self.refine,
        }
        return [name for name, value in named.items() if value is not None]
