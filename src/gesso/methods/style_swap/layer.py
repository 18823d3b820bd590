"""The inverse network of style swap: what it is made of, and the losses that train it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder, check_blocks
from gesso.losses.lattice import lattice
from gesso.losses.objectives import check_weights
from gesso.losses.terms import (
    beyond_range,
    mean_squared_error,
    relative_squared_error,
    total_variation,
)
from gesso.methods.style_swap.about import LEVEL
from gesso.nn.patches import Bank, patches_of
from gesso.options import from_json


@dataclass(frozen=True)
class Config:
    """The shape of an inverse network, and what it was trained on; stored in its header.

    Attributes:
        blocks: the encoder that it mirrors, see `Encoder.widths`; its last block may have more
            convolutions than the encoder's.
        encoder: the identity of that encoder; "": any of that shape.
        patch_size: places along a patch's side in training.
        feature_weight: of the features' error; 0: nothing is swapped, and the network only learns
            to give back contents and styles.
        tv_weight, lattice_weight, range_weight, identity_weight: of the other terms.
        match_weight: where it is not 0, the network learns to draw (`drawing_losses`): of the loss
            of matching.
        key_blur: then, how blurred a style at most is in which patches are looked for.
    """

    blocks: tuple[tuple[int, ...], ...] = ((64, 64), (128, 128), (256,))
    encoder: str = ""
    patch_size: int = 3
    feature_weight: float = 1.0
    tv_weight: float = 0.0
    lattice_weight: float = 0.0
    range_weight: float = 0.0
    identity_weight: float = 0.0
    match_weight: float = 0.0
    key_blur: float = 1.0

    def __post_init__(self) -> None:
        check_weights(self)
        check_blocks("style_swap", self.blocks)

    def build(self) -> Decoder:
        """An untrained network."""
        return Decoder(self.blocks)

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no network."""
        return from_json(cls, values, "the configuration of style_swap")

    def of_encoder(self, encoder: Encoder, depth: int = 1) -> Config:
        """This configuration for a network that mirrors `encoder`, with `depth` convolutions at the
        size of the features."""
        *blocks, (width, *_) = encoder.widths(LEVEL)
        return replace(self, blocks=(*blocks, (width,) * depth), encoder=encoder.identity)


@torch.no_grad()
def activations(features: Tensor, size: int) -> Tensor:
    """What the network learns on, of features (2·n, C, h, w) of n contents and n styles: these, and
    after them every content swapped with every style, (2·n + n², C, h, w)."""
    contents, styles = features.chunk(2)
    banks = [Bank([patches_of(style, size)]) for style in styles]
    swaps = [bank.swapped(content) for content, bank in product(contents, banks)]
    return torch.cat([features, torch.stack(swaps).to(features)])


def inverse_losses(
    network: Decoder, encoder: Encoder, config: Config, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """‖Φ(f(H)) − H‖² / ‖H‖², the mean over all `activations` H of a batch, and the weighted total
    variation of the pictures f(H), what of them repeats with the grid of the features or leaves
    [0, 1], and, of contents and styles, the error of the picture itself."""
    pictures = torch.cat([batch["contents"], batch["styles"]])
    with torch.no_grad():
        wanted = encoder(pictures, [LEVEL])[LEVEL]
    if config.feature_weight:
        wanted = activations(wanted, config.patch_size)
    decoded = network({network.deepest: wanted})
    terms: dict[str, Tensor] = {}
    if config.feature_weight:
        again = encoder(decoded, [LEVEL])[LEVEL]
        terms["features"] = config.feature_weight * relative_squared_error(again, wanted)
    if config.tv_weight:
        terms["tv"] = config.tv_weight * total_variation(decoded)
    if config.lattice_weight:
        terms["lattice"] = config.lattice_weight * lattice(decoded, network.stride)
    if config.range_weight:
        terms["range"] = config.range_weight * beyond_range(decoded)
    if config.identity_weight:
        known = decoded[: len(pictures)]
        as_large = pictures[..., : known.shape[-2], : known.shape[-1]]  # in whole places
        terms["identity"] = config.identity_weight * mean_squared_error(known, as_large)
    return {name: value.mean() for name, value in terms.items()}
