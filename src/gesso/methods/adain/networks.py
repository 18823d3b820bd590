"""AdaIN as one plain network, and as the graphs of two for any style."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gesso.encoders import tiles
from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder
from gesso.graphs import layers
from gesso.graphs.graph import INT64, Graph, Name
from gesso.graphs.layers import Surroundings
from gesso.methods.adain.layer import Statistics, adain

LEAST = 1e-6  # is added to every variance


class AdaINNetwork(nn.Module):
    """Encoder, AdaIN with a style's statistics and decoder as one plain network: contents
    (B, 3, H, W), sides divisible by the decoder's stride, → pictures of the same shape. It works
    without tiles and margins, which the method's stylizer has against seams and frames."""

    def __init__(
        self, encoder: Encoder, decoder: Decoder, statistics: dict[str, Statistics]
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.statistics = encoder, decoder, statistics

    def forward(self, content: Tensor) -> Tensor:
        features = self.encoder(content, list(self.statistics))
        aligned = {name: adain(x, *self.statistics[name]) for name, x in features.items()}
        out: Tensor = self.decoder(aligned)
        return out.clamp(0, 1)

    def written(self, g: Graph, image: Name, around: Surroundings) -> Name:
        """What the method's stylizer does, as operators of a graph: with margins, for any H, W."""
        rows = torch.cat([torch.stack(pair) for pair in self.statistics.values()], 1)
        values = {"statistics": g.weight("statistics", rows), "alpha": g.constant(1.0)}
        levels = tuple(self.statistics)
        return Graphs(self.encoder, self.decoder, levels).network(g, image, values, around)


@dataclass(frozen=True)
class Graphs:
    """The operators of the whole picture at once, without tiles.

    Attributes:
        levels: on which AdaIN works, the deepest first.
    """

    encoder: Encoder
    decoder: Decoder
    levels: tuple[str, ...]

    def style(self, g: Graph, style: Name) -> dict[str, Name]:
        """The style's statistics (2, ΣC): means, and deviations, level after level."""
        features = self._encoded(g, style, g.constant(tiles.SEEN_CELLS))
        rows: list[Name] = []
        for level in self.levels:
            mean, variance = self._moments(g, features[level], level)
            pair = (g.op("Reshape", one, [1, -1]) for one in (mean, g.op("Sqrt", variance)))
            rows.append(g.op("Concat", *pair, axis=0))
        return {"statistics": g.op("Concat", *rows, axis=1)}

    def network(
        self, g: Graph, image: Name, values: Mapping[str, Name], around: Surroundings
    ) -> Name:
        """The picture, of which features go the share α of the way to the style's statistics."""

        def change(level: str, x: Name, first: int, last: int) -> Name:
            style = g.op("Slice", values["statistics"], [first], [last], [1])
            return self._aligned(g, x, level, style, values, around)

        return self._painted(g, image, around, change)

    def regions(
        self, g: Graph, image: Name, values: Mapping[str, Name], around: Surroundings
    ) -> Name:
        """The picture, of which features go to the statistics (K, 2, ΣC) of K styles in their
        regions (K, 1, H, W), which sum to 1: put together among the features, as
        `gesso.encoders.coding.by_regions` does it."""
        margin = tiles.MARGIN_CELLS * self.decoder.stride
        places = self._reflected(g, values["regions"], image, g.constant(margin))

        def change(level: str, x: Name, first: int, last: int) -> Name:
            styles = g.op("Slice", values["statistics"], [first], [last], [2])
            cells = self.decoder.stride // self._positions(level)
            how = {"kernel_shape": [cells] * 2, "strides": [cells] * 2}
            shares = g.op("AveragePool", places, **how)
            scale, shift = self._map(g, x, level, styles, values, around, -1)
            grown = g.op("ReduceSum", g.op("Mul", shares, scale), [0])
            moved = g.op("ReduceSum", g.op("Mul", shares, shift), [0])
            return g.op("Add", g.op("Mul", x, grown), moved)

        return self._painted(g, image, around, change)

    def _painted(
        self,
        g: Graph,
        image: Name,
        around: Surroundings,
        change: Callable[[str, Name, int, int], Name],
    ) -> Name:
        """The picture of features that are changed, each by its level and the places of its
        channels among those of all levels."""
        flat = g.op("Cast", g.op("Greater", around.lacking, 0.0), to=INT64)
        usual, most = tiles.SEEN_CELLS, tiles.MARGIN_CELLS + tiles.reach(self.decoder.blocks)
        cells = g.op("Add", g.op("Mul", flat, most - usual), usual)
        features = self._encoded(g, image, cells)
        changed, first = {}, 0
        for level in self.levels:
            last = first + self.decoder.width(level)
            changed[level] = change(level, features[level], first, last)
            first = last
        out = self.decoder.written(g, changed)
        out = layers.cut(g, out, tiles.MARGIN_CELLS * self.decoder.stride)
        return g.op("Clip", layers.cropped(g, out, layers.size_of(g, image)), 0.0, 1.0)

    def _encoded(self, g: Graph, image: Name, cells: Name) -> dict[str, Name]:
        """Features by level with MARGIN_CELLS at every side, of the image with so many cells of
        its reflection around."""
        seen = self._reflected(g, image, image, g.op("Mul", cells, self.decoder.stride))
        hidden = g.op("Sub", cells, tiles.MARGIN_CELLS)
        return {
            level: layers.cut(g, x, g.op("Mul", hidden, self._positions(level)))
            for level, x in self.encoder.written(g, seen, self.levels).items()
        }

    def _reflected(self, g: Graph, x: Name, image: Name, edge: Name) -> Name:
        """x, which is as large as the image, with `edge` px of its reflection around."""
        for axis in (2, 3):
            side = g.op("Squeeze", g.op("Shape", image, start=axis, end=axis + 1))
            x = g.op("Gather", x, self._mirrored(g, side, edge), axis=axis)
        return x

    def _mirrored(self, g: Graph, side: Name, edge: Name) -> Name:
        """The index map of `gesso.encoders.tiles.mirrored_positions`, for `edge` px at both ends
        of a side."""
        stride = self.decoder.stride
        whole = layers.whole(g, side, stride, tiles.SMALLEST_SIDE * stride)
        places = g.op("Range", g.op("Neg", edge), g.op("Add", whole, edge), 1)
        last = g.op("Sub", whole, 1)
        back = g.op("Abs", g.op("Sub", last, g.op("Abs", places)))
        turned = g.op("Where", g.op("Greater", whole, edge), g.op("Sub", last, back), places)
        return g.op("Min", g.op("Max", turned, 0), g.op("Sub", side, 1))

    def _positions(self, level: str) -> int:
        """How many of "reluB_I" a side of a cell has."""
        block = int(level[len("relu")])
        return 1 << len(self.decoder.blocks) - block

    def _moments(self, g: Graph, x: Name, level: str) -> tuple[Name, Name]:
        inner = layers.cut(g, x, tiles.MARGIN_CELLS * self._positions(level))
        mean, variance, _ = layers.moments(g, inner, (0, 2, 3))
        return mean, g.op("Add", variance, LEAST)

    def _aligned(
        self,
        g: Graph,
        x: Name,
        level: str,
        style: Name,
        values: Mapping[str, Name],
        around: Surroundings,
    ) -> Name:
        """(x − μ)·(1 + α·(σs/σ − 1)) + μ + α·(μs − μ)."""
        scale, shift = self._map(g, x, level, style, values, around)
        return g.op("Add", g.op("Mul", x, scale), shift)

    def _map(
        self,
        g: Graph,
        x: Name,
        level: str,
        styles: Name,
        values: Mapping[str, Name],
        around: Surroundings,
        count: int = 1,
    ) -> tuple[Name, Name]:
        """What x is multiplied by, and what is added then, (K, C, 1, 1) each, for the statistics
        (2, C) of one style, or (K, 2, C) of K where their `count` is −1: any."""
        channels, alpha = self.decoder.width(level), values["alpha"]
        mean, variance = around.pooled(g, *self._moments(g, x, level), channels)
        wanted, spread = (
            g.op(
                "Reshape",
                g.op("Gather", styles, row, axis=0 if count == 1 else 1),
                [count, channels, 1, 1],
            )
            for row in (0, 1)
        )
        grown = g.op("Sub", g.op("Div", spread, g.op("Sqrt", variance)), 1.0)
        scale = g.op("Add", 1.0, g.op("Mul", alpha, grown))
        goal = g.op("Add", mean, g.op("Mul", alpha, g.op("Sub", wanted, mean)))
        return scale, g.op("Sub", goal, g.op("Mul", mean, scale))
