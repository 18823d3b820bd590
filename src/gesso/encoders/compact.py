"""The bundled compact encoder: a student of VGG-19, half its width, that stands in for it in
every loss (docs/encoders.md).

Head i of the student approximates Pᵀf / √(E/k): the teacher's features f at level i, projected on
their k leading principal directions P (uncentred second moment) and scaled to mean square 1.
Differences of Gram matrices and of features are then projections of the teacher's, so losses keep
their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gesso.encoders.base import Convolution, Encoder, shapes_problem
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError
from gesso.graphs import layers
from gesso.graphs.graph import Graph, Name

WIDTHS = (32, 64, 128, 256)
DEPTHS = (2, 2, 3, 3)
HEADS = (16, 64, 128, 256)

Shapes = Mapping[str, tuple[int, ...]]


class CompactEncoder(Encoder):
    """Four blocks of 3×3 convolutions (zero padding) and ReLU, 2×2 max-pool before the last three;
    a linear 1×1 head after each block.

    `levels` are the heads. The student's own features, no projections of its teacher's, have the
    names `reluB_I`: the output of convolution I of block B after its ReLU.
    """

    name = "compact"
    levels = LEVELS

    def __init__(
        self,
        widths: Sequence[int] = WIDTHS,
        depths: Sequence[int] = DEPTHS,
        heads: Sequence[int] = HEADS,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        channels = 3
        for width, depth in zip(widths, depths, strict=True):
            inputs = [channels] + [width] * (depth - 1)
            self.blocks.append(nn.ModuleList(Convolution(i, width, 3) for i in inputs))
            channels = width
        self.heads = nn.ModuleList(
            Convolution(width, k, 1) for width, k in zip(widths, heads, strict=True)
        )

    def forward(self, image: Tensor, levels: Sequence[str] | None = None) -> dict[str, Tensor]:
        places = self._places(levels or self.levels)
        own = {name: place for name, place in places.items() if name not in self.levels}
        end = max(places.values())
        x = ((image - 0.45) * 4).contiguous(memory_format=torch.channels_last)
        features: dict[str, Tensor] = {}
        for i in range(end[0] + 1):
            x = nn.functional.max_pool2d(x, 2) if i else x
            for j, conv in enumerate(self.blocks[i].children()):
                if (i, j) <= end:
                    x = conv(x).relu_()  # in place: nothing else sees it
                    features |= {name: x for name, place in own.items() if place == (i, j)}
            if self.levels[i] in places:
                features[self.levels[i]] = self.heads[i](x)
        return features

    def written(self, g: Graph, image: Name, levels: Sequence[str]) -> dict[str, Name]:
        places = self._places(levels)
        end = max(places.values())
        x = g.op("Mul", g.op("Sub", image, 0.45), 4.0)
        features: dict[str, Name] = {}
        for i in range(end[0] + 1):
            x = g.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]) if i else x
            for j, conv in enumerate(self.blocks[i].children()):
                if (i, j) <= end:
                    name = f"{self.name}.blocks.{i}.{j}"
                    x = g.op("Relu", layers.conv(g, x, name, conv, zeros=1))
                    found = {n for n in levels if places[n] == (i, j) and n not in self.levels}
                    features |= dict.fromkeys(found, x)
            if self.levels[i] in places:
                head = self.heads[i]
                features[self.levels[i]] = layers.conv(g, x, f"{self.name}.heads.{i}", head)
        return {level: g.wide(features[level]) for level in levels}

    def widths(self, level: str) -> tuple[tuple[int, ...], ...]:
        block, _ = self._places([level])[level]
        if level in self.levels:
            raise GessoError(
                f"encoder {self.name}: {level} is a projection of its features, which no decoder "
                f"mirrors; relu{block + 1}_1 is none"
            )
        return self.layers(level)

    def layers(self, level: str) -> tuple[tuple[int, ...], ...]:
        block, place = self._places([level])[level]
        convs = [
            tuple(cast(Convolution, conv).out_channels for conv in block.children())
            for block in self.blocks[: block + 1]
        ]
        return (*convs[:-1], convs[-1][: place + 1])

    def require(self, levels: Sequence[str]) -> None:
        """Raises GessoError where the encoder lacks one of these levels."""
        self._places(levels)

    def _places(self, levels: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Block and convolution, from 0, after which each level comes."""
        depths = [len(list(block.children())) for block in self.blocks]
        places = {f"relu{b + 1}_{j + 1}": (b, j) for b, d in enumerate(depths) for j in range(d)}
        places |= {level: (b, depths[b] - 1) for b, level in enumerate(self.levels)}
        self.wanted([level for level in levels if level not in places])
        return {level: places[level] for level in levels}


def from_tensors(tensors: Mapping[str, Tensor]) -> CompactEncoder:
    """The encoder with these weights; widths and depths are read off their shapes.

    Only the order of the indices in `blocks.I.J` matters: a student saved as an nn.Sequential,
    whose indices count poolings and ReLUs, loads too.

    Raises:
        GessoError: tensors that are missing or do not fit together.
    """
    blocks = _convolutions(tensors)
    widths, heads = _widths({name: tuple(t.shape) for name, t in tensors.items()}, blocks)
    renamed = {f"heads.{i}": f"heads.{i}" for i in range(len(LEVELS))}
    renamed |= {
        f"blocks.{i}.{j}": old for i, olds in enumerate(blocks) for j, old in enumerate(olds)
    }
    state = {
        f"{new}.{part}": tensors[f"{old}.{part}"].float()
        for new, old in renamed.items()
        for part in ("weight", "bias")
    }
    encoder = CompactEncoder(widths, [len(names) for names in blocks], heads)
    encoder.load_state_dict(state)
    return encoder


def _convolutions(names: Mapping[str, object]) -> list[list[str]]:
    """`blocks.I.J` of each block's convolutions, in order."""
    blocks: list[dict[int, str]] = [{} for _ in LEVELS]
    for name in names:
        parts = name.split(".")
        fits = len(parts) == 4 and parts[0] == "blocks" and parts[3] == "weight"
        if fits and parts[1] in "0123" and parts[2].isdecimal():
            blocks[int(parts[1])][int(parts[2])] = ".".join(parts[:3])
    return [[block[j] for j in sorted(block)] for block in blocks]


def _widths(found: Shapes, blocks: list[list[str]]) -> tuple[list[int], list[int]]:
    """Widths of the blocks and of the heads, once every shape has been checked."""
    expected: dict[str, tuple[int, ...]] = {}
    widths, heads, channels = [], [], 3
    for i, names in enumerate(blocks):
        if not names:
            raise GessoError(f"not a compact encoder: blocks.{i}.0.weight is missing")
        width, head = (_outputs(found, name) for name in (names[0], f"heads.{i}"))
        for name in names:
            expected |= {f"{name}.weight": (width, channels, 3, 3), f"{name}.bias": (width,)}
            channels = width
        expected |= {f"heads.{i}.weight": (head, width, 1, 1), f"heads.{i}.bias": (head,)}
        widths.append(width)
        heads.append(head)
    problem = shapes_problem(dict(found), expected)
    if problem:
        raise GessoError(f"not a compact encoder: {problem}")
    return widths, heads


def _outputs(found: Shapes, name: str) -> int:
    shape = found.get(f"{name}.weight", ())
    return max(1, shape[0]) if shape else 1
