"""What the method `gatys` can be told, and the objectives it knows by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from gesso.encoders.base import Encoder
from gesso.encoders.vgg import DEEPEST, VGG
from gesso.errors import GessoError
from gesso.fitting.picture import Descent
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.registry import methods

OBJECTIVES = ("relative", "paper", "metastyle")
INITS = ("content", "noise")  # or another method's name

GATYS = Objective(
    relative=False,
    content_level="relu4_2",
    content_weight=1.0,
    style_weight=1e3,
    levels=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
)
"""The levels of Gatys et al. (2016). The paper's ratio of weights, 1e-3, holds for a VGG whose
channels were scaled to a mean activation of one; these weights are those Gatys released for VGG-19
as published (Caffe's inputs): 1e3 / C² on Gram matrices divided by H·W, 1e3 on C·H·W."""

INPUT_SCALE = 255 * 0.226  # of Caffe's inputs to torchvision's, whose mean standard deviation it is
GRAM_SCALE = 2.0**-12  # of Caffe's Gram matrices in cards, about INPUT_SCALE⁻²: float16 holds them


@dataclass(frozen=True)
class Config(Descent):
    """What `Gatys.adapt` takes: how the pictures of a card will be optimised.

    Attributes:
        init: what to begin with: content, noise, or the picture of another method, such as
            metastyle (Gatys from MetaStyle, Zhang et al. 2019).
        objective: relative (`Objective()`, for any encoder), paper (`GATYS`, for VGG-19),
            metastyle (`gesso.losses.PAPER`), or an Objective.
        seed: of the noise, and of the other method's adaptation.
    """

    init: str = "content"
    objective: str | Objective = "relative"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.objective, str) and self.objective not in OBJECTIVES:
            allowed = ", ".join(OBJECTIVES)
            raise GessoError(f"objective {self.objective}: unknown; allowed are {allowed}")
        inits = [*INITS, *(name for name in methods() if name != "gatys")]
        if self.init not in inits:
            raise GessoError(f"init {self.init}: unknown; allowed are {', '.join(inits)}")

    @classmethod
    def of(cls, options: dict[str, Any]) -> Config:
        """The defaults with the options given; raises GessoError for one that makes no sense."""
        known = cls.__dataclass_fields__
        for name in options:
            if name not in known:
                allowed = ", ".join(["style_size", *known])
                raise GessoError(f"option {name}: unknown; allowed are {allowed}")
        return cls(**{name: value for name, value in options.items() if value is not None})

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        values = asdict(self)
        if isinstance(self.objective, Objective):
            values["objective"]["levels"] = list(self.objective.levels)
        return values

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that are no configuration."""
        try:
            found = {name: values[name] for name in cls.__dataclass_fields__}
            kinds = {"steps": int, "coarse": int, "seed": int, "lr": float}
            found |= {name: kind(found[name]) for name, kind in kinds.items()}
            if isinstance(found["objective"], dict):
                levels = tuple(found["objective"]["levels"])
                found["objective"] = Objective(**{**found["objective"], "levels": levels})
            return cls(**found)
        except GessoError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise GessoError(f"not the configuration of a Gatys card: {error!r}") from None


def objective_for(config: Config, encoder: Encoder) -> Objective:
    """The objective, with the weights that go with the scale of the encoder's features.

    Raises:
        GessoError: the paper's objective with another encoder than VGG-19 up to relu5_1.
    """
    if isinstance(config.objective, Objective):
        return config.objective
    if config.objective == "relative":
        return Objective()
    caffe = isinstance(encoder, VGG) and encoder.caffe
    # With k times larger features, content terms grow by k² and style terms by k⁴.
    if config.objective == "metastyle":  # its weights are for torchvision's VGG-16
        return replace(PAPER, style_weight=PAPER.style_weight / (INPUT_SCALE**2 if caffe else 1))
    if encoder.name != "vgg19" or DEEPEST not in encoder.levels:
        raise GessoError(
            f"objective paper: needs VGG-19 up to {DEEPEST} (encoder vgg19, or a file of it); "
            f"the encoder is {encoder.name} up to {encoder.levels[-1]}"
        )
    return replace(GATYS, style_weight=GATYS.style_weight * (1 if caffe else INPUT_SCALE**2))


def gram_scale(encoder: Encoder) -> float:
    """Of the Gram matrices in cards, which hold float16."""
    return GRAM_SCALE if isinstance(encoder, VGG) and encoder.caffe else 1.0
