"""Adaptive instance normalisation (Huang & Belongie, ICCV 2017): the layer, its configuration and
the losses that train its decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder, check_blocks
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.losses.objectives import StatisticsObjective, check_weights
from gesso.losses.terms import Features, channel_statistics, mean_squared_error
from gesso.nn.precision import widen

LEVEL = "relu4_1"  # where the paper aligns the features
SKIPS = ("relu1_1", "relu2_1", "relu3_1")  # for the compact encoder, which keeps less detail
PAPER_LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

OBJECTIVE = StatisticsObjective(content_level=LEVEL, style_weight=3.0)
"""Relative errors, so that one style weight serves every encoder; for `LEVELS`."""

PAPER_OBJECTIVE = StatisticsObjective(
    relative=False,
    content_level=LEVEL,
    style_weight=20.0,  # λ = 10, twice: our error is the mean over means and deviations, not a sum
    range_weight=0.0,
    levels=PAPER_LEVELS,
)
"""The paper's ℒ_c + λℒ_s with mean squared errors, for VGG-19 in the convention of
`vgg_normalised`."""


def mean_and_deviation(features: Tensor) -> tuple[Tensor, Tensor]:
    """μ and σ of every channel, (B, C) each, of features (B, C, H, W): float32, divisor H·W, and
    1e-6 added to the variance."""
    mean, deviation = channel_statistics(features).chunk(2, 1)
    return mean, deviation


Statistics = tuple[Tensor, Tensor]
"""μ and σ of channels."""


def adain(
    content_features: Tensor,
    style_mean: Tensor,
    style_std: Tensor,
    own: Statistics | None = None,
) -> Tensor:
    """AdaIN(x, y) = σ(y)·(x − μ(x))/σ(x) + μ(y), equation 8 of Huang & Belongie (2017).

    Linear in (style_mean, style_std), so a mixture of results is the result of the mixture; with
    x's own statistics the result is x.

    Args:
        content_features: x, (B, C, H, W).
        style_mean, style_std: μ(y) and σ(y) as from `mean_and_deviation`: (C,), (1, C) or (B, C).
        own: μ(x) and σ(x), (B, C) each, where they are to be those of a part of x.

    Returns:
        Features of the shape of x, in float32, whose channels have the style's mean and deviation.
    """
    x = widen(content_features)
    mean, deviation = (s[:, :, None, None] for s in own or mean_and_deviation(x))
    style_mean, style_std = (
        s.reshape(-1, x.shape[1], 1, 1) for s in (widen(style_mean), widen(style_std))
    )
    return torch.addcmul(style_mean, (x - mean) / deviation, style_std)


def affine(own: Statistics, style: Statistics) -> Statistics:
    """AdaIN of features with statistics `own` as one affine map of every channel: what to multiply
    by and what to add then, (B, C) each."""
    mean, deviation = own
    style_mean, style_std = style
    scale = style_std / deviation
    return scale, style_mean - mean * scale


@dataclass(frozen=True)
class Config:
    """The shape of a decoder, and what it was trained on; stored in its header.

    Attributes:
        blocks: the encoder that the decoder mirrors, see `Encoder.widths`.
        encoder: the identity of that encoder; "": any of that shape.
        objective: its content level is where AdaIN works; without a style weight the decoder
            learns to give back its content.
        skips: shallower levels on which AdaIN works too, and which are decoded with it; none in
            the paper.
        identity_weight: weight of the squared error, per pixel, of the content decoded as it is.
    """

    blocks: tuple[tuple[int, ...], ...] = ((64, 64), (128, 128), (256,) * 4, (512,))
    encoder: str = ""
    objective: StatisticsObjective = field(default_factory=lambda: OBJECTIVE)
    identity_weight: float = 0.0
    skips: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_weights(self)
        check_blocks("adain", self.blocks)

    @property
    def level(self) -> str:
        """The encoder's level on which AdaIN works."""
        return self.objective.content_level

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels on which AdaIN works, the deepest first."""
        return (self.level, *self.skips)

    def build(self) -> Decoder:
        """An untrained decoder."""
        return Decoder(self.blocks, self.skips)

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no decoder."""
        try:
            terms = {**values["objective"], "levels": tuple(values["objective"]["levels"])}
            blocks = tuple(tuple(block) for block in values["blocks"])
            objective = StatisticsObjective(**terms)
            whole = {"blocks": blocks, "objective": objective, "skips": tuple(values["skips"])}
            return cls(**{**values, **whole})
        except (KeyError, TypeError) as error:
            raise GessoError(f"not the configuration of adain: {error!r}") from None

    def of_encoder(self, encoder: Encoder) -> Config:
        """This configuration for a decoder that mirrors `encoder`."""
        return replace(self, blocks=encoder.widths(self.level), encoder=encoder.identity)


def style_levels(encoder: Encoder) -> tuple[str, ...]:
    """Where a style's statistics are compared by default: the paper's levels, or those of the
    compact encoder, which stand for VGG's."""
    return LEVELS if encoder.levels == LEVELS else PAPER_LEVELS


def adain_losses(
    decoder: Decoder, encoder: Encoder, config: Config, batch: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The terms of ℒ for pairs of contents and styles (B, 3, H, W), means over the batch.

    ℒ_c compares f(g(t)) with t, ℒ_s the statistics of g(t) with the style's; "identity" is the
    error of the content decoded as it is, "range" is against values outside [0, 1].
    """
    contents, objective = batch["contents"], config.objective
    with torch.no_grad():
        content = encoder(contents, config.levels)
        target, style = _target(encoder, config, content, batch["styles"])
    terms: dict[str, Tensor] = {}
    if objective.style_weight or objective.content_weight:
        decoded = decoder(target)
        terms |= objective.of_network(decoded, encoder, target[config.level], style)
    if config.identity_weight:
        again = decoder(content)
        terms["identity"] = config.identity_weight * mean_squared_error(again, contents)
    return {name: value.mean() for name, value in terms.items()}


def _target(
    encoder: Encoder, config: Config, content: Features, styles: Tensor
) -> tuple[Features, dict[str, Tensor]]:
    """t by level, and the style's statistics by level; t is the content's own features where the
    style has no weight."""
    levels = config.objective.style_levels
    if not levels:
        return content, {}
    features = encoder(styles, sorted({*levels, *config.levels}))
    target = {
        level: adain(content[level], *mean_and_deviation(features[level]))
        for level in config.levels
    }
    return target, config.objective.targets(features)
