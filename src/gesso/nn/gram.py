"""The Gram matrix of a feature map, with a gradient of one matrix product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gesso.nn.precision import widen


def gram(f: Tensor) -> Tensor:
    """fᵀf of f (B, N, C) → (B, C, C), float32 for half-precision features."""
    product: Tensor = _Gram.apply(f)  # type: ignore[no-untyped-call]
    return product


class _Gram(Function):
    """fᵀf of f (B, N, C), at least in float32, with the gradient f·(G + Gᵀ) in one product where
    autograd makes two.

    To first order bfloat16 is multiplied without widening, three to five times as fast: sums are
    float32, only the C × C results are rounded.
    """

    @staticmethod
    def forward(ctx: Any, f: Tensor) -> Tensor:
        ctx.save_for_backward(f)
        if _multiplies_half(f):
            return torch.stack([(one.t() @ one).float() for one in f])
        f = widen(f)
        return f.transpose(1, 2) @ f

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (grad,) = grads
        (f,) = ctx.saved_tensors
        grad = grad + grad.transpose(1, 2)
        if torch.is_grad_enabled() or not _multiplies_half(f):
            product: Tensor = (widen(f) @ grad).to(f.dtype)
            return product
        products = [one @ g for one, g in zip(f, grad.to(f.dtype), strict=True)]
        return products[0].unsqueeze(0) if len(f) == 1 else torch.stack(products)


def _multiplies_half(f: Tensor) -> bool:
    """True for bfloat16 on a CPU. Sums of float16 overflow, and a GPU may add up in bfloat16."""
    return f.dtype == torch.bfloat16 and f.device.type == "cpu"
