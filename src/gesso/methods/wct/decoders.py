"""WCT's decoders, one for each level (Li et al. 2017): their configuration and what they learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Blocks, Decoder, check_blocks
from gesso.errors import GessoError
from gesso.losses.objectives import check_weights
from gesso.losses.terms import (
    Features,
    beyond_range,
    mean_squared_error,
    relative_squared_error,
)
from gesso.nn.channels import Heard

PAPER_LEVELS = ("relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")


@dataclass(frozen=True)
class Config:
    """The shape of the decoders, and what they were trained on; stored in their header.

    Attributes:
        blocks: the encoder that the deepest decoder mirrors, see `Encoder.widths`.
        encoder: the identity of that encoder; "": any of that shape.
        levels: each with a decoder, the deepest first.
        skips: those that are also decoded with the next deeper one; none in the paper.
        pixel_weight, feature_weight, range_weight: of the terms of `wct_losses`.
    """

    blocks: tuple[tuple[int, ...], ...]
    encoder: str = ""
    levels: tuple[str, ...] = PAPER_LEVELS
    skips: tuple[str, ...] = ()
    pixel_weight: float = 30.0
    feature_weight: float = 1.0
    range_weight: float = 10.0

    def __post_init__(self) -> None:
        check_weights(self)
        check_blocks("wct", self.blocks)
        names = [f"relu{b}_{i}" for b, w in enumerate(self.blocks, 1) for i in range(1, len(w) + 1)]
        known = [level for level in names[::-1] if level in self.levels]
        if not self.levels or list(self.levels) != known:
            allowed = f"some of {', '.join(names[::-1])}, in this order"
            raise GessoError(f"wct with levels {', '.join(self.levels)}: allowed are {allowed}")
        odd = [level for level in self.skips if level not in self.levels[1:]]
        if odd:
            raise GessoError(f"skip {odd[0]}: none of the levels below {self.levels[0]}")

    def decoded(self, level: str) -> tuple[str, ...]:
        """The levels that are decoded at a level, the deepest first."""
        following = self.levels[self.levels.index(level) + 1 :][:1]
        return (level, *(skip for skip in following if skip in self.skips))

    def build(self) -> Decoders:
        """Untrained decoders."""
        return Decoders(self)

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no decoders."""
        try:
            whole = {name: tuple(values[name]) for name in ("levels", "skips")}
            blocks = tuple(tuple(block) for block in values["blocks"])
            return cls(**{**values, **whole, "blocks": blocks})
        except (KeyError, TypeError) as error:
            raise GessoError(f"not the configuration of wct: {error!r}") from None


class Decoders(Heard):
    """A decoder for each level, which gives back the picture."""

    def __init__(self, config: Config) -> None:
        blocks = {level: blocks_to(config.blocks, level) for level in config.levels}
        super().__init__({level: blocks[level][-1][-1] for level in config.levels})
        self.config, self.levels = config, config.levels
        self.of = nn.ModuleDict(
            {level: Decoder(blocks[level], config.decoded(level)[1:]) for level in config.levels}
        )

    def at(self, level: str) -> Decoder:
        """The decoder of a level."""
        return cast(Decoder, self.of[level])

    def scale(self, level: str) -> Tensor:
        return cast(Tensor, getattr(self.at(level), f"scale_{level}"))

    def measure(self, features: Features) -> None:
        """Scales and silent channels are those of `features` from now on."""
        for level in self.levels:
            self.at(level).measure(features)
            self.listen(level, features[level])


def blocks_to(blocks: Blocks, level: str) -> tuple[tuple[int, ...], ...]:
    """The blocks of an encoder that ends at `level`, such as relu3_1."""
    block, place = (int(n) for n in level.removeprefix("relu").split("_"))
    return (*(tuple(one) for one in blocks[: block - 1]), tuple(blocks[block - 1][:place]))


def wct_losses(
    decoders: Decoders, encoder: Encoder, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The terms of contents (B, 3, H, W) that are given back, means over the batch: ‖I_o − I_i‖²
    per pixel, ‖Φ(I_o) − Φ(I_i)‖²/‖Φ(I_i)‖² at the decoder's level and values outside [0, 1], each
    the sum over the levels. `_pixel.LEVEL` are the single levels' without weight."""
    contents, config = batch["contents"], decoders.config
    with torch.no_grad():
        features = encoder(contents, config.levels)
    sums: dict[str, Tensor] = {}
    shown: dict[str, Tensor] = {}
    for level in config.levels:
        out = decoders.at(level)(features)
        pixel = mean_squared_error(out, contents).mean()
        shown[f"_pixel.{level}"] = pixel.detach()
        terms = {"pixel": config.pixel_weight * pixel}
        if config.feature_weight:
            again = encoder(out, [level])[level]
            error = relative_squared_error(again, features[level]).mean()
            terms["feature"] = config.feature_weight * error
        terms["range"] = config.range_weight * beyond_range(out).mean()
        sums = {name: sums.get(name, 0) + value for name, value in terms.items()}
    return sums | shown
