"""Convolutions that are fast on a CPU, in first and in second order.

torch's own double backward of a convolution is several times slower than its first backward. A
convolution is bilinear, so every derivative of it, of any order, is one of three kernels that torch
has and runs well: the convolution itself, its gradient in the input and its gradient in the weight.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from gesso.nn.inference import is_traced
from gesso.nn.precision import compute_dtype


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0
) -> Tensor:
    """F.conv2d with zero padding, in the dtype of `compute_in`, with a fast double backward.

    x (B, C, H, W), weight (O, C, k, k), bias (O,) → (B, O, H', W').
    """
    dtype = compute_dtype(weight)
    weight = weight.to(dtype).contiguous(memory_format=torch.channels_last)
    bias = None if bias is None else bias.to(dtype)
    if is_traced():
        return F.conv2d(x.to(dtype), weight, bias, stride=stride, padding=padding)
    y: Tensor = _apply(_Convolution, x.to(dtype), weight, bias, stride, padding)
    return y


def conv_transpose2d(x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """F.conv_transpose2d in the dtype of `compute_in`; its double backward is torch's slow one.

    x (B, C, H, W), weight (C, O, k, k) → (B, O, (H − 1)·stride − 2·padding + k, …).
    """
    dtype = compute_dtype(weight)
    return F.conv_transpose2d(x.to(dtype), weight.to(dtype), stride=stride, padding=padding)


def reflect_pad(x: Tensor, size_px: int) -> Tensor:
    """Reflection padding by `size_px` on all four sides; x must be larger than the padding."""
    return F.pad(x, (size_px,) * 4, mode="reflect")


def conv2d_to_few(x: Tensor, weight: Tensor, bias: Tensor, block: int = 4) -> Tensor:
    """A stride-1 convolution to very few channels, computed on blocks of block × block pixels.

    A 9×9 convolution to three channels leaves most of a CPU's vector lanes idle. Seen on blocks of
    pixels it is a convolution with a small kernel to 3·block² channels: more multiplications, yet
    two to four times faster. x (B, C, H, W) is already padded by (k − 1)/2; the output's height and
    width must be multiples of `block`.
    """
    reach = weight.shape[-1] - 1
    span = (block + reach + block - 1) // block * block  # pixels that one block's outputs see
    spare = span - block - reach
    y = conv2d(_to_blocks(F.pad(x, (0, spare, 0, spare)), block), _block_weight(weight, block))
    return _from_blocks(y, block) + bias.to(y.dtype).view(1, -1, 1, 1)


def _block_weight(weight: Tensor, block: int) -> Tensor:
    """(O, C, k, k) → (block²·O, block²·C, n, n): one kernel for every position in a block."""
    out, channels, k, _ = weight.shape
    n = (block + k - 1 + block - 1) // block
    spare = n * block - k
    rows = torch.stack([F.pad(weight, (0, 0, i, spare - i)) for i in range(block)])
    full = torch.stack([F.pad(rows, (j, spare - j)) for j in range(block)], dim=1)
    full = full.view(block, block, out, channels, n, block, n, block)
    return full.permute(0, 1, 2, 5, 7, 3, 4, 6).reshape(block**2 * out, block**2 * channels, n, n)


def _to_blocks(x: Tensor, block: int) -> Tensor:
    b, c, h, w = x.shape
    x = x.permute(0, 2, 3, 1).reshape(b, h // block, block, w // block, block, c)
    x = x.permute(0, 1, 3, 2, 4, 5).reshape(b, h // block, w // block, block * block * c)
    return x.permute(0, 3, 1, 2)


def _from_blocks(y: Tensor, block: int) -> Tensor:
    b, c, h, w = y.shape
    y = y.permute(0, 2, 3, 1).reshape(b, h, w, block, block, c // block**2)
    y = y.permute(0, 1, 3, 2, 4, 5).reshape(b, h * block, w * block, c // block**2)
    return y.permute(0, 3, 1, 2)


def _apply(function: type[Function], *args: Any) -> Any:
    return function.apply(*args)  # type: ignore[no-untyped-call]


class _Convolution(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = (stride, padding)
        return F.conv2d(x, weight, bias, stride=stride, padding=padding)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        need_x, need_weight, need_bias = ctx.needs_input_grad[:3]
        dx = _apply(_InputGradient, grad, weight, x, *ctx.geometry) if need_x else None
        dw = _apply(_WeightGradient, grad, x, weight, *ctx.geometry) if need_weight else None
        db = grad.sum((0, 2, 3)) if need_bias else None
        return dx, dw, db, None, None


class _InputGradient(Function):
    """∂⟨grad, conv(x, w)⟩/∂x; linear in grad and in w."""

    @staticmethod
    def forward(
        ctx: Any, grad: Tensor, weight: Tensor, x: Tensor, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(grad, weight)
        ctx.geometry = (stride, padding)
        return _native_backward(grad, x.detach(), weight, stride, padding, 0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (outer,) = grads
        grad, weight = ctx.saved_tensors
        need_grad, need_weight = ctx.needs_input_grad[:2]
        dgrad = _apply(_Convolution, outer, weight, None, *ctx.geometry) if need_grad else None
        dw = _apply(_WeightGradient, grad, outer, weight, *ctx.geometry) if need_weight else None
        return dgrad, dw, None, None, None


class _WeightGradient(Function):
    """∂⟨grad, conv(x, w)⟩/∂w; linear in grad and in x."""

    @staticmethod
    def forward(
        ctx: Any, grad: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(grad, x)
        ctx.geometry = (stride, padding)
        return _native_backward(grad, x, weight.detach(), stride, padding, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (outer,) = grads
        grad, x = ctx.saved_tensors
        need_grad, need_x = ctx.needs_input_grad[:2]
        dgrad = _apply(_Convolution, x, outer, None, *ctx.geometry) if need_grad else None
        dx = _apply(_InputGradient, grad, outer, x, *ctx.geometry) if need_x else None
        return dgrad, dx, None, None, None


def _native_backward(
    grad: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int, which: int
) -> Tensor:
    mask = [which == 0, which == 1, False]
    grad = grad.contiguous(memory_format=torch.channels_last)
    result: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        grad, x, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask
    )
    return result[which]
