"""Avatar-Net's hourglass (Sheng et al. 2018): a decoder with skips, what it is made of and what it
learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder, check_blocks
from gesso.errors import GessoError
from gesso.losses.objectives import check_weights
from gesso.losses.terms import (
    Features,
    beyond_range,
    mean_squared_error,
    relative_squared_error,
    total_variation,
)
from gesso.nn.channels import Heard

PAPER_LEVELS = ("relu4_1", "relu3_1", "relu2_1", "relu1_1")


@dataclass(frozen=True)
class Config:
    """The shape of the hourglass, and what it was trained on; stored in its header.

    Attributes:
        blocks: the encoder that it mirrors, see `Encoder.widths`.
        encoder: the identity of that encoder; "": any of that shape.
        decorated: the levels that are made up of the style's patches, the deepest first; in the
            paper that one.
        aligned: shallower levels on which AdaIN works.
        pixel_weight, feature_weight, tv_weight, range_weight: of the terms of `avatar_losses`.
    """

    blocks: tuple[tuple[int, ...], ...]
    encoder: str = ""
    decorated: tuple[str, ...] = PAPER_LEVELS[:1]
    aligned: tuple[str, ...] = PAPER_LEVELS[1:]
    pixel_weight: float = 30.0
    feature_weight: float = 1.0
    tv_weight: float = 1.0
    range_weight: float = 10.0

    def __post_init__(self) -> None:
        check_weights(self)
        check_blocks("avatar_net", self.blocks)
        deepest = f"relu{len(self.blocks)}_{len(self.blocks[-1])}"
        if self.decorated[:1] != (deepest,):
            raise GessoError(f"avatar_net: {deepest} has to be the first level that is decorated")

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels that are decoded, the deepest first."""
        return (*self.decorated, *self.aligned)

    def build(self) -> Hourglass:
        """An untrained one."""
        return Hourglass(self)

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no hourglass."""
        try:
            whole = {name: tuple(values[name]) for name in ("decorated", "aligned")}
            blocks = tuple(tuple(block) for block in values["blocks"])
            return cls(**{**values, **whole, "blocks": blocks})
        except (KeyError, TypeError) as error:
            raise GessoError(f"not the configuration of avatar_net: {error!r}") from None


class Hourglass(Heard):
    """The decoder, and which channels of the decorated levels carry something."""

    def __init__(self, config: Config) -> None:
        decoder = Decoder(config.blocks, config.levels[1:])
        super().__init__({level: decoder.width(level) for level in config.decorated})
        self.config, self.decoder = config, decoder

    def scale(self, level: str) -> Tensor:
        return cast(Tensor, getattr(self.decoder, f"scale_{level}"))

    def measure(self, features: Features) -> None:
        """Scales and silent channels are those of `features` from now on."""
        self.decoder.measure(features)
        for level in self.config.decorated:
            self.listen(level, features[level])


def faded(x: Tensor, share: Tensor) -> Tensor:
    """Features (B, C, h, w) with a share (B,) of what they differ by from their mean."""
    return torch.lerp(x.mean((2, 3), keepdim=True).expand_as(x), x, share.view(-1, 1, 1, 1))


def avatar_losses(
    network: Hourglass, encoder: Encoder, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The terms of contents (B, 3, H, W) that are given back, means over the batch: ‖I_o − I_i‖²
    per pixel, Σ ‖Φ(I_o) − Φ(I_i)‖²/‖Φ(I_i)‖² over all levels, total variation, and values outside
    [0, 1]. Of the aligned levels only some share of detail is there, drawn for every content, so
    that the hourglass goes without it as well."""
    contents, config = batch["contents"], network.config
    with torch.no_grad():
        features = encoder(contents, config.levels)
        share = torch.rand(len(contents)).to(contents)
        given = {n: faded(x, share) if n in config.aligned else x for n, x in features.items()}
    out = network.decoder(given)
    again = encoder(out, config.levels)
    gaps = [relative_squared_error(again[level], x) for level, x in features.items()]
    pixel = mean_squared_error(out, contents).mean()
    return {
        "pixel": config.pixel_weight * pixel,
        "feature": config.feature_weight * torch.stack(gaps).sum(0).mean(),
        "tv": config.tv_weight * total_variation(out).mean(),
        "range": config.range_weight * beyond_range(out).mean(),
        "_pixel": pixel.detach(),
    }
