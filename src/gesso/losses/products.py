"""The products of all rows of a matrix with each other, and their gradient with one
multiplication where autograd takes two."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def products_among(rows: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(N, N): rows · rowsᵀ of (N, C), multiplied in `dtype`; of the type of `rows`. It has a first
    derivative; a second one raises RuntimeError."""
    found: Tensor = _Products.apply(rows, dtype)  # type: ignore[no-untyped-call]
    return found


class _Products(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, dtype: torch.dtype) -> Tensor:
        factor = rows.to(dtype)
        ctx.save_for_backward(factor)
        return (factor @ factor.T).to(rows.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None]:
        (grad,), (factor,) = grads, ctx.saved_tensors
        if not ctx.needs_input_grad[0]:
            return None, None
        return ((grad + grad.T).to(factor.dtype) @ factor).to(grad.dtype), None
