"""Smaller files of a hypernetwork: its layers as products of two thin matrices.

A layer that generates a kernel maps 128 hidden numbers to thousands; yet the hidden vectors of
real styles hardly leave a space of a few dimensions. What the layer does there is kept, nothing
else: of all matrices of rank r the product is the one whose kernels are nearest, in the mean over
styles, to the layer's own (Eckart and Young, in the metric of the hidden vectors' covariance).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

LEFT, RIGHT = ".left", ".right"
LEAST = 1e-6  # of a matrix' largest singular value: what is smaller is rounding


def factorised(weight: Tensor, bias: Tensor, inputs: Tensor, share: float) -> dict[str, Tensor]:
    """A linear layer y = W x + b as (left, right, bias), with y ≈ left · right · x + bias.

    Args:
        weight, bias: W (m, n) and b (m,).
        inputs: what the layer is to be right for, (N, n).
        share: of the variance of y over these inputs that is kept, in (0, 1]; it decides the rank.
    """
    w, x = weight.double(), inputs.double()
    mean = x.mean(0)
    spread = (x - mean) / max(1, len(x) - 1) ** 0.5
    values, vectors = torch.linalg.eigh(spread.T @ spread)
    known = values > 1e-9 * values[-1].clamp_min(1e-30)  # the directions inputs go in
    scale, vectors = values[known].sqrt(), vectors[:, known]
    u, s, v = torch.linalg.svd((w @ vectors) * scale, full_matrices=False)
    rank = _rank(s, share)
    left = u[:, :rank] * s[:rank].sqrt()
    right = s[:rank, None].sqrt() * (v[:rank] / scale) @ vectors.T
    shift = bias.double() + w @ mean - left @ (right @ mean)
    return {"left": left.float(), "right": right.float(), "bias": shift.float()}


def _rank(singular: Tensor, share: float) -> int:
    energy = singular.square().cumsum(0)
    if not len(energy) or energy[-1] == 0:
        return 0
    return min(len(energy), int((energy < share * energy[-1]).sum()) + 1)


@torch.no_grad()
def thin(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Left and right, whose product is the matrix but for rounding, as thin as its rank allows."""
    u, s, v = torch.linalg.svd(weight, full_matrices=False)
    rank = int((s > LEAST * s[0]).sum())
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]


def multiplied(tensors: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file whose weights may be factorised: NAME.weight, float32, from NAME.left
    and NAME.right where their product has the shape it has in `like`; all others as they are."""
    whole = dict(tensors)
    for name in [n.removesuffix(LEFT) for n in tensors if n.endswith(LEFT)]:
        left, right = tensors[name + LEFT], tensors.get(name + RIGHT)
        wanted = like.get(name + ".weight")
        if right is None or wanted is None or left.dim() != 2 or right.dim() != 2:
            continue
        if left.shape[1] != right.shape[0] or wanted.shape != (left.shape[0], right.shape[1]):
            continue
        del whole[name + LEFT], whole[name + RIGHT]
        whole[name + ".weight"] = left.float() @ right.float()
    return whole
