"""The options of the method `gatys` in cards, and the objectives it knows by name."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from gesso.encoders.base import Encoder
from gesso.encoders.levels import DEEPEST
from gesso.encoders.vgg import VGG
from gesso.errors import GessoError, OptionError
from gesso.fitting.picture import Descent
from gesso.losses.objectives import PAPER, Objective
from gesso.methods.gatys.about import ABOUT, INITS, Options
from gesso.methods.registry import methods
from gesso.options import from_json

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


def check(options: Options) -> Options:
    """Returns the options. Raises OptionError for values that make no sense together."""
    others = [name for name in methods() if name != ABOUT.name]
    if options.init not in (*INITS, *others):
        allowed = ", ".join([*INITS, *others])
        raise OptionError("init", f"{options.init} is unknown; allowed are {allowed}")
    if not isinstance(options.objective, str | Objective):
        raise OptionError("objective", "allowed are a name or an Objective")
    descent(options)
    return options


def descent(options: Options) -> Descent:
    """How to descend on the pixels."""
    shared = {name: getattr(options, name) for name in Descent.__dataclass_fields__}
    return Descent(**shared)


def as_header(options: Options) -> dict[str, Any]:
    """JSON values for a card's configuration: all that its stylizer needs."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(options)))
    del values["style_size"]
    return values


def from_header(values: dict[str, Any]) -> Options:
    """The inverse of `as_header`; raises GessoError for values that are no configuration."""
    known = {name: v for name, v in values.items() if name in Options.__dataclass_fields__}
    objective = known.get("objective")
    if isinstance(objective, dict):
        known["objective"] = from_json(Objective, objective)
    missing = {"steps", "lr", "optimizer", "init", "objective"} - known.keys()
    if missing:
        raise GessoError(f"not the configuration of a gatys card: it lacks {min(missing)}")
    return check(from_json(Options, known, "the configuration of a gatys card"))


def objective_for(options: Options, encoder: Encoder) -> Objective:
    """The objective, with the weights that go with the scale of the encoder's features.

    Raises:
        GessoError: the paper's objective with another encoder than VGG-19 up to relu5_1.
    """
    if isinstance(options.objective, Objective):
        return options.objective
    if options.objective == "relative":
        return Objective()
    caffe = isinstance(encoder, VGG) and encoder.caffe
    # With k times larger features, content terms grow by k² and style terms by k⁴.
    if options.objective == "metastyle":  # its weights are for torchvision's VGG-16
        return replace(PAPER, style_weight=PAPER.style_weight / (INPUT_SCALE**2 if caffe else 1))
    if encoder.name != "vgg19" or DEEPEST not in encoder.levels:
        raise GessoError(
            f"objective paper: needs VGG-19 up to {DEEPEST} (encoder vgg19, or a file of it); "
            f"the encoder is {encoder.name} up to {encoder.levels[-1]}"
        )
    return replace(GATYS, style_weight=GATYS.style_weight * (1 if caffe else INPUT_SCALE**2))


def gram_scale(encoder: Encoder) -> float:
    """The factor that Gram matrices are stored with in cards, which hold float16."""
    return GRAM_SCALE if isinstance(encoder, VGG) and encoder.caffe else 1.0
