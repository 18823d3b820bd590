"""The network of the camera's frames: that of Meta Networks (`methods/meta_networks/generated.py`)
with the same weights, written to be quick in WebAssembly.

- Every layer reflects its own border. The network reflects 40 px of the photo once, which at 256 px
  is as much again as the photo. Means and deviations are those with the reflection, so that beside
  the border pictures differ by less than 1 % (tests/web/test_camera.py).
- Enlarging and then 3×3 is 2×2 with four times as many kernels on what is not enlarged yet.
- The last layer makes 2 × 2 px at once: products of twelve rows in place of three.
- How far a frame is normalised among ordinary pictures comes from the page, once a frame.

Kernels are inputs, under the names and in the shapes of the network's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from gesso.graphs.graph import Graph, Name
from gesso.graphs.layers import EPS, PICTURE, PLACES, padded

Arrays = Mapping[str, NDArray[np.float32]]
Shapes = Mapping[str, list[int]]

FACES = 4  # a pixel of the smaller picture has so many in the larger one
REACH = 4  # px of the first and the last layer around a pixel
LATE = 1 << 30


def frames_graph(weights: Arrays, kernels: Shapes) -> ModelProto:
    """image (1, 3, H, W), H and W multiples of 4 from 44, share (1,) of ordinary pictures, their
    moments (2, ΣC), and the kernels → picture (1, 3, H, W), in [0, 1]."""
    g = Graph()
    image, norms = g.input("image", PICTURE), Norms(g, weights, kernels)
    for name, shape in kernels.items():
        g.input(name, shape)
    first = [g.weight(n, weights[f"shared.{n}"]) for n in ("first.weight", "first.bias")]
    x = g.op("Relu", g.op("Conv", padded(g, image, REACH), *first))
    blocks = [name for name in kernels if name.startswith("block")]
    edge = len(blocks)  # px of reflection that the network still has at a quarter of the size
    for name, px in (("down1", 2 * edge), ("down2", edge)):
        x = g.op("Relu", norms(g.op("Conv", padded(g, x, 1), name, strides=[2, 2]), name, edge=px))
    for one, two in zip(blocks[::2], blocks[1::2], strict=True):
        y = g.op("Relu", norms(g.op("Conv", padded(g, x, 1), one), one, edge=edge - 1))
        x = g.op("Add", x, norms(g.op("Conv", padded(g, y, 1), two), two, edge=edge - 2))
        edge -= 2
    x = g.op("DepthToSpace", enlarged(g, x, "up1", kernels, norms), blocksize=2)
    x = last(g, enlarged(g, x, "up2", kernels, norms), weights)
    g.output(g.op("Clip", x, 0.0, 1.0), "picture", PICTURE)
    return g.model({})


class Norms:
    """Instance norms, each among the ordinary pictures' moments, in the order of the kernels."""

    def __init__(self, g: Graph, weights: Arrays, kernels: Shapes) -> None:
        self.g, self.weights = g, weights
        self.widths = {name: shape[0] for name, shape in kernels.items()}
        total, sizes = sum(self.widths.values()), list(self.widths.values())
        self.share, moments = g.input("share", [1]), g.input("moments", [2, total])
        self.rest = g.op("Sub", 1.0, self.share)
        self.between = g.op("Mul", self.share, self.rest)
        columns = g.op("Reshape", moments, [2, total, 1, 1])
        mean, variance = (g.op("Gather", columns, [row], axis=0) for row in (0, 1))
        spread = g.op("Add", g.op("Mul", self.share, variance), EPS)
        parts = (g.ops("Split", len(sizes), one, sizes, axis=1) for one in (mean, spread))
        self.far = dict(zip(self.widths, zip(*parts, strict=True), strict=True))

    def __call__(self, x: Name, name: str, faces: int = 1, edge: int = 0) -> Name:
        """Of (1, faces · C, H, W), where the faces of a channel are pixels of one picture, with the
        statistics that it has with so many px of its reflection."""
        g, (far, spread) = self.g, self.far[name]
        whole = padded(g, x, edge)
        mean, square = (self._mean(one, name, faces) for one in (whole, g.op("Mul", whole, whole)))
        away = g.op("Sub", far, mean)
        variance = g.op("Mul", self.rest, g.op("Sub", square, g.op("Mul", mean, mean)))
        apart = g.op("Mul", self.between, g.op("Mul", away, away))
        deviation = g.op("Sqrt", g.op("Add", g.op("Add", variance, apart), spread))
        gamma, beta = (self._weight(name, part) for part in ("gamma", "beta"))
        scale = g.op("Div", gamma, deviation)
        middle = g.op("Add", mean, g.op("Mul", self.share, away))
        shift = g.op("Sub", beta, g.op("Mul", middle, scale))
        if faces > 1:
            scale, shift = (g.op("Concat", *[one] * faces, axis=1) for one in (scale, shift))
        return g.op("Add", g.op("Mul", x, scale), shift)

    def _mean(self, x: Name, name: str, faces: int) -> Name:
        mean = self.g.op("ReduceMean", x, PLACES)
        if faces == 1:
            return mean
        split = self.g.op("Reshape", mean, [faces, self.widths[name], 1, 1])
        return self.g.op("ReduceMean", split, [0])

    def _weight(self, name: str, part: str) -> Name:
        value = self.weights[f"shared.norms.{name}.{part}"]
        return self.g.weight(f"{name}.{part}", value.reshape(1, -1, 1, 1))


def enlarged(g: Graph, x: Name, name: str, kernels: Shapes, norms: Norms) -> Name:
    """3×3 of x (1, C, H, W) twice as large, normed, without what is below 0: (1, 4 · C', H, W),
    the four pixels of a place one after the other."""
    outputs, inputs, *_ = kernels[name]
    rows = g.op("MatMul", g.op("Reshape", name, [outputs * inputs, 9]), _sums())
    split = g.op("Reshape", rows, [outputs, inputs, FACES, 2, 2])
    order = g.op("Transpose", split, perm=[2, 0, 1, 3, 4])
    kernel = g.op("Reshape", order, [FACES * outputs, inputs, 2, 2])
    y = g.op("Conv", padded(g, x, 1), kernel)
    parts = g.ops("Split", FACES, y, [outputs] * FACES, axis=1)
    faces = [
        g.op("Slice", part, [a, b], [LATE if one else -1 for one in (a, b)], PLACES)
        for part, (a, b) in zip(parts, np.ndindex(2, 2), strict=True)
    ]
    return g.op("Relu", norms(g.op("Concat", *faces, axis=1), name, FACES))


def _sums() -> NDArray[np.float32]:
    """(9, 16): which of the 3×3 numbers meet the same of 2×2 pixels, for every face."""
    line = np.zeros((2, 2, 3), np.float32)  # face, pixel, number
    for face, number in np.ndindex(2, 3):
        line[face, (face + number + 1) // 2 - face, number] = 1
    return np.einsum("aiu,bjv->uvabij", line, line).reshape(9, 16)


def last(g: Graph, x: Name, weights: Arrays) -> Name:
    """The last layer, of (1, 4 · C, H, W), which holds the pixels of (1, C, 2 · H, 2 · W)."""
    own = weights["shared.last.weight"]
    outputs, inputs, size, _ = own.shape
    blocks = size // 2 + 1
    kernel = np.zeros((2, 2, outputs, 2, 2, inputs, blocks, blocks), np.float32)
    for a, b, i, j in np.ndindex(2, 2, size, size):
        (y, down), (x_, right) = divmod(a + i, 2), divmod(b + j, 2)
        kernel[a, b, :, down, right, :, y, x_] = own[:, :, i, j]
    rows = kernel.reshape(4 * outputs, 4 * inputs, blocks, blocks)
    bias = np.tile(weights["shared.last.bias"], FACES)
    x = padded(g, x, REACH // 2)
    y = g.op("Conv", x, g.weight("last.weight", rows), g.weight("last.bias", bias))
    return g.op("DepthToSpace", y, blocksize=2)
