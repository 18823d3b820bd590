"""Texture networks, as the rest of gesso sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from gesso.errors import OptionError
from gesso.fitting.config import FitOptions
from gesso.methods.about import About, Needs
from gesso.options import Option

RANDOM = "random"  # else a file
OBJECTIVES = ("relative", "matching")
PURPOSES = ("both", "photos", "textures")


@dataclass(frozen=True)
class Options(FitOptions):
    """What `TextureNets.adapt` takes."""

    steps: Annotated[int, Option("Steps of adaptation; more: closer.", "N", least=0)] = 500
    purpose: Annotated[
        str,
        Option("What the network learns: to stylize, to make textures, or both.", choices=PURPOSES),
    ] = "both"
    noise: Annotated[
        float,
        Option(
            "Noise in stylized pictures, as a share of what was trained with; 0: none.",
            "SHARE",
            least=0,
            most=2,
            on_pictures=True,
        ),
    ] = 1.0
    noise_seed: Annotated[
        int,
        Option("Seed of the noise in stylized pictures.", "N", least=0, on_pictures=True),
    ] = 0
    diversity: Annotated[
        float,
        Option("Weight of the distance between pictures of different noise.", "WEIGHT", least=0),
    ] = 0.02
    copies: Annotated[
        int, Option("Pictures of a crop, or textures, of different noise in a step.", "N", least=1)
    ] = 2
    scales: Annotated[int, Option("Scales of the generator.", "N", least=2, most=8)] = 5
    width: Annotated[int, Option("Its channels more at every scale.", "N", least=1, most=64)] = 8
    start: Annotated[str, Option("The weights to begin with.", "random|FILE|hf:…")] = RANDOM
    objective: Annotated[
        Any,  # or an objective of gesso.losses
        Option("What to minimise: relative or matching.", choices=OBJECTIVES),
    ] = "relative"
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 512
    content_size: Annotated[
        int | None, Option("Longer side of the contents; default: their own.", "PX", least=16)
    ] = None
    lr: Annotated[float, Option("Learning rate of the adaptation.", "RATE", least=0)] = 5e-3
    affine_lr: Annotated[
        float, Option("Learning rate of γ and β.", "RATE", least=0, follows="lr")
    ] = 5e-3
    crop: Annotated[int, Option("Side of the contents' crops.", "PX", least=16)] = 192
    pool: Annotated[int, Option("Different crops that are drawn at most.", "N", least=1)] = 128

    def check_for_photos(self) -> None:
        """Raises OptionError where cards are not for photos."""
        if self.purpose == "textures":
            raise OptionError("purpose", "textures: stylizes no photo; allowed are both, photos")


ABOUT = About(
    name="texture_nets",
    title="Texture networks (Ulyanov et al., ICML 2016, CVPR 2017)",
    summary="a small generator learns one style from noise: textures of any size, and pictures",
    options=Options,
    needs=Needs(levels=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    styles="1",
    textures="own",
    tileable=True,
    full_steps=50_000,
    paint_pixels=2_000_000,
)
