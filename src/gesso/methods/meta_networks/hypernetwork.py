"""The meta network (Shen et al., CVPR 2018): statistics of a style → kernels of a network.

Mean and standard deviation of every channel at four levels of an encoder → one fully connected
layer and ReLU → the hidden vector, 14 groups of 128 → one fully connected layer for each generated
kernel, which sees only its own group.

Scales. Adam moves every weight by about its learning rate (the paper's: 1e-3), so a sum over n
inputs moves by n times that. The inputs are therefore small where there are many of them: the
normalised statistics are divided by their number, and the hidden vector starts at about 1/50. Then
no step moves a kernel by much more than an ordinary convolution's, which trains well at that rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.graphs import layers
from gesso.graphs.graph import Graph, Name
from gesso.losses.matched import matched_pairs
from gesso.losses.objectives import StatisticsObjective
from gesso.losses.terms import channel_statistics
from gesso.methods.meta_networks.factorised import LEFT, RIGHT, thin
from gesso.methods.meta_networks.generated import (
    SharedLayers,
    Upsample,
    kernel_shapes,
    output_channels,
    watched_spikes,
)

HIDDEN_SCALE = 0.02  # size of a hidden number at the start
STYLE_SHARE = 0.1  # how much of a kernel depends on the style at the start, in deviations
SEEN = 64  # hidden vectors of the last styles of the training that are kept
SMALLEST_DEVIATION = 1e-3


@dataclass(frozen=True)
class Config:
    """The shape of a hypernetwork, and what it was trained on; stored in its header."""

    width: int = 8  # the transfer network's; the paper's: 32 and, "fast", 8
    hidden: int = 128  # numbers in the hidden vector for each generated kernel
    upsample: Upsample = "deconv"
    statistics: int = 928  # numbers that describe a style; with VGG-16: 1,920
    encoder: str = ""  # identity of the encoder that took them; "": any with as many
    objective: StatisticsObjective = field(default_factory=StatisticsObjective)
    spike_weight: float = 0.0  # while training, against spots of huge activations
    match_weight: float = 0.0  # while training, of the distance to the matched feature vectors

    def __post_init__(self) -> None:
        for name, most in (("width", 256), ("hidden", 1024), ("statistics", 1 << 16)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise GessoError(f"meta_networks of {name} {value}: allowed are 1 to {most}")
        if self.upsample not in get_args(Upsample):
            allowed = " or ".join(get_args(Upsample))
            raise GessoError(f"meta_networks with upsample {self.upsample}: allowed are {allowed}")

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no network."""
        try:
            terms = {**values["objective"], "levels": tuple(values["objective"]["levels"])}
            return cls(**{**values, "objective": StatisticsObjective(**terms)})
        except (KeyError, TypeError) as error:
            raise GessoError(f"not the configuration of meta_networks: {error!r}") from None

    def build(self) -> HyperNetwork:
        """An untrained hypernetwork."""
        return HyperNetwork(self.statistics, self.width, self.hidden, self.upsample)


def style_statistics(features: Mapping[str, Tensor], levels: Sequence[str]) -> Tensor:
    """Mean and standard deviation of every channel, level after level: (B, 2·ΣC), float32.

    Of VGG-16's four levels these are the paper's 1,920 numbers.
    """
    return torch.cat([channel_statistics(features[level]) for level in levels], 1)


class HyperNetwork(nn.Module):
    """Everything that is trained: the fully connected layers, and the layers styles share.

    Args:
        statistics: how many numbers describe a style.
        width, upsample: of the transfer network.
        hidden: numbers in the hidden vector for each generated kernel (the paper's: 128).
    """

    mean: Tensor
    deviation: Tensor
    seen: Tensor

    def __init__(
        self, statistics: int, width: int = 8, hidden: int = 128, upsample: Upsample = "deconv"
    ) -> None:
        super().__init__()
        self.shapes = kernel_shapes(width, upsample)
        self.groups, self.group = len(self.shapes), hidden
        self.encode = nn.Linear(statistics, self.groups * hidden)
        self.generate = nn.ModuleDict(
            {name: nn.Linear(hidden, math.prod(shape)) for name, shape in self.shapes.items()}
        )
        self.shared = SharedLayers(width, upsample)
        self.register_buffer("mean", torch.zeros(statistics))
        self.register_buffer("deviation", torch.ones(statistics))
        self.register_buffer("seen", torch.zeros(SEEN, self.groups * hidden))
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        """Kernels with He's variance for every style, all but a part of it in the biases."""
        count = self.encode.in_features
        nn.init.normal_(self.encode.weight, std=HIDDEN_SCALE * math.sqrt(count))
        nn.init.zeros_(self.encode.bias)
        for name, shape in self.shapes.items():
            layer = cast(nn.Linear, self.generate[name])
            outputs = output_channels(name, shape)
            taps = math.prod(shape) / outputs / (4 if shape[-1] == 4 else 1)  # one of four phases
            he = math.sqrt(2 / taps)
            nn.init.normal_(layer.bias, std=he)
            length = HIDDEN_SCALE * math.sqrt(self.group / 2)  # ReLU leaves half of the squares
            nn.init.normal_(layer.weight, std=STYLE_SHARE * he / length)

    @torch.no_grad()
    def normalise(self, statistics: Tensor) -> None:
        """Fix the encoder's normalisation: mean and deviation of those of many styles (N, n)."""
        self.mean.copy_(statistics.mean(0))
        spread = statistics.std(0)
        floor = SMALLEST_DEVIATION + 0.1 * spread.mean()  # a channel that hardly varies is noise
        self.deviation.copy_(spread.clamp_min(floor))

    def hidden(self, statistics: Tensor) -> Tensor:
        """Statistics (B, n) → hidden vectors (B, 14·128), none below 0."""
        count = self.encode.in_features
        x = (statistics - self.mean) / self.deviation
        return torch.relu(self.encode(x.clamp(-5, 5) / count))

    def written(self, g: Graph, features: Mapping[str, Name]) -> dict[str, Name]:
        """A style's features by level → the kernels of its network, as operators of a graph."""
        rows: list[Name] = []
        for level in LEVELS:
            mean, variance, _ = layers.moments(g, features[level])
            rows += [mean, layers.deviation(g, variance)]
        x = g.op("Concat", *(g.op("Reshape", row, [1, -1]) for row in rows), axis=1)
        mean, spread = (g.weight(n, getattr(self, n).unsqueeze(0)) for n in ("mean", "deviation"))
        x = g.op("Clip", g.op("Div", g.op("Sub", x, mean), spread), -5.0, 5.0)
        x = g.op("Mul", x, 1 / self.encode.in_features)
        x = g.op("Relu", layers.linear(g, x, "encode.weight", self.encode.weight, self.encode.bias))
        return {
            name: g.op("Reshape", self._generated(g, x, i, name), list(shape))
            for i, (name, shape) in enumerate(self.shapes.items())
        }

    def _generated(self, g: Graph, hidden: Name, group: int, name: str) -> Name:
        """A kernel, by two thin layers where that makes no difference."""
        begin, layer = group * self.group, cast(nn.Linear, self.generate[name])
        place = f"generate.{name}"
        x = g.op("Slice", hidden, [begin], [begin + self.group], [1])
        left, right = thin(layer.weight)
        if left.numel() + right.numel() < layer.weight.numel():
            x = layers.linear(g, x, place + RIGHT, right, None)
            return layers.linear(g, x, place + LEFT, left, layer.bias)
        return layers.linear(g, x, f"{place}.weight", layer.weight, layer.bias)

    def kernels(self, hidden: Tensor) -> list[dict[str, Tensor]]:
        """Hidden vectors (B, 14·128) → the kernels of B networks by name; an affine function."""
        groups = hidden.view(len(hidden), self.groups, self.group)
        rows = {n: layer(groups[:, i]) for i, (n, layer) in enumerate(self.generate.items())}
        return [
            {name: row[b].view(self.shapes[name]) for name, row in rows.items()}
            for b in range(len(hidden))
        ]

    @torch.no_grad()
    def remember(self, hidden: Tensor) -> None:
        """Keep the hidden vectors (B, 14·128) of real styles, the newest first: new styles are
        drawn from their distribution."""
        known = hidden.detach()[torch.isfinite(hidden).all(1)]
        self.seen.copy_(torch.cat([known, self.seen])[:SEEN])

    @torch.no_grad()
    def drawn(self, count: int, generator: torch.Generator, uniform: bool = False) -> Tensor:
        """Random hidden vectors (count, 14·128) on the CPU.

        Normally distributed with mean and covariance of the styles seen last; with `uniform` every
        number for itself, between its least and its greatest value among those styles.

        Raises:
            GessoError: fewer than 2 styles were seen.
        """
        seen = self.seen.cpu()
        seen = seen[seen.abs().sum(1) > 0]
        if len(seen) < 2:
            raise GessoError("invent: these weights know fewer than 2 styles; train them longer")
        if uniform:
            low, high = seen.amin(0), seen.amax(0)
            return low + (high - low) * torch.rand(count, seen.shape[1], generator=generator)
        mean = seen.mean(0)
        numbers = torch.randn(count, len(seen), generator=generator)
        return (mean + numbers @ (seen - mean) / math.sqrt(len(seen) - 1)).clamp_min(0)

    def stylized(self, contents: Tensor, hidden: Tensor) -> Tensor:
        """Contents (B, 3, H, W) by the networks of S hidden vectors, each for one of S equal runs
        of contents: (B, 3, H, W), not clamped."""
        parts = torch.split(contents, len(contents) // len(hidden))
        pairs = zip(parts, self.kernels(hidden), strict=True)
        return torch.cat([self.shared(part, kernels, raw=True) for part, kernels in pairs])


def meta_losses(
    network: HyperNetwork,
    encoder: Encoder,
    objective: StatisticsObjective,
    batch: Mapping[str, Tensor],
    spike_weight: float = 0.0,
    match_weight: float = 0.0,
) -> dict[str, Tensor]:
    """The objective's terms for one step of Algorithm 1, and those of `watched_spikes` and
    `matched_pairs` if they have a weight: means over all pairs of a batch
    (`gesso.training.batches.style_batches`). The styles' hidden vectors are remembered."""
    contents, styles = batch["contents"], batch["styles"]
    with torch.no_grad():
        features = encoder(styles, LEVELS)
        target = objective.targets(features)
        wanted = encoder(contents, [objective.content_level])[objective.content_level]
    hidden = network.hidden(style_statistics(features, LEVELS))
    network.remember(hidden)
    watch: AbstractContextManager[list[Tensor]] = nullcontext([])
    if spike_weight:
        watch = watched_spikes(network.shared)
    with watch as spikes:
        raw = network.stylized(contents, hidden)
    target = {n: t.repeat_interleave(len(contents) // len(styles), 0) for n, t in target.items()}
    terms = objective.of_network(raw, encoder, wanted, target)
    terms |= matched_pairs(raw, encoder, contents, styles, match_weight)
    if spikes:
        terms["spikes"] = spike_weight * torch.stack(spikes).sum() / len(styles)
    return {name: value.mean() for name, value in terms.items()}
