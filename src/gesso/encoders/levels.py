"""The levels at which encoders are compared, and VGG's layers by name. Needs no torch."""

from __future__ import annotations

from gesso.errors import GessoError

LEVELS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
"""Where styles are compared (Johnson et al. 2016, MetaStyle, Shen et al. 2018); the compact encoder
has these heads and no others."""

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions in each block of the encoders that are known by name."""

DEEPEST = "relu5_1"
"""The last level of VGG that is kept of the published weights."""


def layer_names(variant: str, deepest: str = DEEPEST) -> list[str]:
    """Convolutions in order, conv1_1 … up to the one under `deepest`.

    Raises:
        GessoError: `deepest` is no layer of this network.
    """
    names = [f"conv{b}_{i}" for b, d in enumerate(DEPTHS[variant], 1) for i in range(1, d + 1)]
    last = deepest.replace("relu", "conv")
    if last not in names:
        has = ", ".join(name.replace("conv", "relu") for name in names)
        raise GessoError(f"encoder {variant}: no level {deepest}; it has {has}")
    return names[: names.index(last) + 1]
