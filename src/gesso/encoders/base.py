"""The base of all encoders: frozen networks from images in [0, 1] to feature maps by level."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from gesso.errors import GessoError
from gesso.graphs.graph import Graph, Name, NotWritten
from gesso.nn.convolution import conv2d


class Encoder(nn.Module):
    """Subclasses set `name`, `levels` (shallow to deep) and `forward`.

    `identity` is the hash of the weights, part of a cached card's key.
    """

    name: str
    levels: tuple[str, ...]
    identity: str = ""
    rounds_up = False  # whether a pooling of an odd side keeps its last position

    def forward(self, image: Tensor, levels: Sequence[str] | None = None) -> dict[str, Tensor]:
        """RGB in [0, 1] (B, 3, H, W) → {level: (B, C, H', W')}; stops at the deepest level asked
        for (all by default).

        Raises:
            GessoError: a level this encoder does not have.
        """
        raise NotImplementedError

    def written(self, g: Graph, image: Name, levels: Sequence[str]) -> dict[str, Name]:
        """`forward` as operators of a graph. Raises NotWritten where nobody wrote it down."""
        raise NotWritten(f"export: encoder {self.name}: only the compact one is exported")

    def widths(self, level: str) -> tuple[tuple[int, ...], ...]:
        """`layers`, as a decoder mirrors them.

        Raises:
            GessoError: a level this encoder does not have, or that no decoder mirrors.
        """
        return self.layers(level)

    def layers(self, level: str) -> tuple[tuple[int, ...], ...]:
        """Widths of the convolutions up to `level`, block by block, with a 2×2 max-pool between
        blocks.

        Raises:
            GessoError: a level this encoder does not have.
        """
        raise NotImplementedError

    def grid(self, level: str, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a level of pictures of height × width px."""
        for _ in self.layers(level)[1:]:
            height, width = ((n + self.rounds_up) // 2 for n in (height, width))
        return height, width

    def freeze(self) -> Encoder:
        """No gradients for the weights, evaluation mode."""
        return self.requires_grad_(False).eval()

    def require(self, levels: Sequence[str]) -> None:
        """Raises GessoError where the encoder lacks one of these levels."""
        self.wanted(levels)

    def wanted(self, levels: Sequence[str] | None) -> tuple[set[str], int]:
        """The levels asked for and the index of the deepest of them."""
        names = set(levels or self.levels)
        unknown = sorted(names.difference(self.levels))
        if unknown:
            has = ", ".join(self.levels)
            raise GessoError(f"encoder {self.name}: no level {', '.join(unknown)}; it has {has}")
        return names, max(map(self.levels.index, names))


class Convolution(nn.Conv2d):
    """Convolution with zero padding ("same" for odd kernels) and a fast double backward."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.kernel_size[0] // 2
        return conv2d(x, self.weight, self.bias, padding=padding)


def shapes_problem(found: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> str:
    """The first of the `expected` tensors that is missing or of another shape; empty if none."""
    for name, shape in expected.items():
        if name not in found:
            return f"{name} is missing"
        if tuple(found[name]) != shape:
            return f"{name} is {list(found[name])}, expected {list(shape)}"
    return ""
