"""Differentiable building blocks that are fast on a CPU, in first and in second order.

torch's own double backwards of convolution and instance norm are several times slower than
their first backwards. A convolution is bilinear, so every derivative of it, of any order, is one
of three kernels that torch has and runs well: the convolution itself, its gradient in the input
and its gradient in the weight. Instance norm is written from mean and variance. Everything works
on channels_last memory, where a feature map is (B, H·W, C) without a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

EPS = 1e-5  # instance norm's variance floor, as in the released transfer networks

_compute_dtype: ContextVar[torch.dtype | None] = ContextVar("compute_dtype", default=None)


@contextmanager
def compute_in(dtype: torch.dtype) -> Iterator[None]:
    """Run the convolutions inside in `dtype`; statistics, sums and losses stay float32."""
    token = _compute_dtype.set(dtype)
    try:
        yield
    finally:
        _compute_dtype.reset(token)


def fast_dtype(device: torch.device | str = "cpu") -> torch.dtype:
    """bfloat16 where the device multiplies it natively, float32 elsewhere (emulated bfloat16 on
    an older CPU is five times slower than float32)."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type != "cpu":
        return torch.float32
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    native = any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return torch.bfloat16 if native else torch.float32


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


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0
) -> Tensor:
    """F.conv2d with zero padding, in the dtype of `compute_in`, with a fast double backward.

    x (B, C, H, W), weight (O, C, k, k), bias (O,) → (B, O, H', W').
    """
    dtype = _compute_dtype.get() or weight.dtype
    weight = weight.to(dtype).contiguous(memory_format=torch.channels_last)
    bias = None if bias is None else bias.to(dtype)
    y: Tensor = _apply(_Convolution, x.to(dtype), weight, bias, stride, padding)
    return y


def conv_transpose2d(x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """F.conv_transpose2d in the dtype of `compute_in`; to first order only as fast as torch's.

    x (B, C, H, W), weight (C, O, k, k) → (B, O, (H − 1)·stride − 2·padding + k, …).
    """
    dtype = _compute_dtype.get() or weight.dtype
    return F.conv_transpose2d(x.to(dtype), weight.to(dtype), stride=stride, padding=padding)


def reflect_pad(x: Tensor, size_px: int) -> Tensor:
    """Reflection padding by `size_px` on all four sides; x must be larger than the padding."""
    return F.pad(x, (size_px,) * 4, mode="reflect")


class _InstanceNorm(Function):
    """y = γ·(f − μ)/√(σ² + ε) + β over the middle axis of f (B, H·W, C); γ, β (B or 1, 1, C).

    Statistics of half precision are float32. To first order on a CPU, torch's batch norm of one
    sample at a time, which is its instance norm, then does the same without a copy in float32.
    """

    @staticmethod
    def forward(ctx: Any, f: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        if _has_kernel(f, gamma, beta):
            y, mean, rstd = _normalise_samples(f, gamma, beta)
        else:
            wide = widen(f)
            mean, rstd = _statistics(wide)
            scale = rstd * gamma
            y = torch.addcmul(beta - mean * scale, wide, scale).to(f.dtype)
        ctx.save_for_backward(f, gamma, mean, rstd)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (grad,) = grads
        f, gamma, mean, rstd = ctx.saved_tensors
        if not torch.is_grad_enabled() and _has_kernel(f, gamma, gamma):
            df, dgamma, dbeta = _sample_gradients(grad, f, gamma, mean, rstd)
            return df, _fold(dgamma, gamma), _fold(dbeta, gamma)
        dtype, f, grad = f.dtype, widen(f), widen(grad)
        if torch.is_grad_enabled():  # second order: the statistics depend on f
            mean, rstd = _statistics(f)
        dbeta = grad.sum(1, keepdim=True)
        dgamma = ((grad * f).sum(1, keepdim=True) - mean * dbeta) * rstd
        scale = gamma * rstd
        slope = -scale * rstd * dgamma / f.shape[1]
        df = torch.addcmul(-scale * dbeta / f.shape[1] - slope * mean, f, slope)
        df = torch.addcmul(df, grad, scale)
        return df.to(dtype), _fold(dgamma, gamma), _fold(dbeta, gamma)


# torch's kernel adds up one pixel after the other in float32. Up to here a sum of equal bfloat16
# values (8 bits) is exact; a constant channel of 1024² pixels would lose 1 % of its mean.
# float32 values, whose sums are not exact, go without: 256² pixels of 0.1 came out 0.02 off β.
KERNEL_PIXELS = 1 << 16


def _has_kernel(f: Tensor, gamma: Tensor, beta: Tensor) -> bool:
    narrow = f.dtype in (torch.float16, torch.bfloat16) and f.device.type == "cpu"
    return narrow and f.shape[1] <= KERNEL_PIXELS and gamma.dtype == beta.dtype == torch.float32


def _as_images(f: Tensor) -> tuple[Tensor, ...]:
    """(B, N, C) → B times (1, C, N, 1) in channels_last memory, without a copy."""
    return tuple(image.unsqueeze(0) for image in f.transpose(1, 2).unsqueeze(3))


def _rows(parameter: Tensor, batch: int) -> tuple[Tensor, ...]:
    """(B or 1, 1, C) → B times (C,)."""
    return parameter.expand(batch, -1, -1).squeeze(1).unbind(0)


def _normalise_samples(f: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """y like f, mean and 1/√(σ² + ε) (B, 1, C)."""
    batch, _, channels = f.shape
    y = torch.empty_like(f)
    mean, rstd = gamma.new_empty(2, batch, 1, channels)
    parts = (_as_images(f), _rows(gamma, batch), _rows(beta, batch), _as_images(y))
    for x, g, b, *out in zip(*parts, _rows(mean, batch), _rows(rstd, batch), strict=True):
        torch.native_batch_norm(x, g, b, None, None, True, 0.0, EPS, out=tuple(out))
    return y, mean, rstd


def _sample_gradients(
    grad: Tensor, f: Tensor, gamma: Tensor, mean: Tensor, rstd: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients in f like f, in γ and β (B, 1, C)."""
    batch, grad = len(f), grad.contiguous()
    parts = (_as_images(grad), _as_images(f), *(_rows(p, batch) for p in (gamma, mean, rstd)))
    found = [
        torch.ops.aten.native_batch_norm_backward(
            *(dy, x, g), None, None, *(m, r), True, EPS, [True] * 3
        )
        for dy, x, g, m, r in zip(*parts, strict=True)
    ]
    df, dgamma, dbeta = zip(*found, strict=True)
    df = tuple(d.squeeze(3).transpose(1, 2) for d in df)
    return (
        df[0] if batch == 1 else torch.cat(df),
        torch.stack(dgamma).unsqueeze(1),
        torch.stack(dbeta).unsqueeze(1),
    )


class _Gram(Function):
    """fᵀf of f (B, N, C), at least in float32; its gradient f·(G + Gᵀ) in one product where
    autograd makes two.

    bfloat16 is multiplied as it is to first order: sums are float32 and only the C × C results are
    rounded, three to five times as fast.
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
    """Not float16, in which sums overflow, nor on a GPU, which may add up in bfloat16."""
    return f.dtype == torch.bfloat16 and f.device.type == "cpu"


def gram(f: Tensor) -> Tensor:
    """fᵀf of f (B, N, C) → (B, C, C), float32 for half-precision features."""
    product: Tensor = _apply(_Gram, f)
    return product


def widen(x: Tensor) -> Tensor:
    """float32 for half-precision tensors, in which statistics overflow; others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _statistics(f: Tensor) -> tuple[Tensor, Tensor]:
    mean = f.mean(1, keepdim=True)
    variance = (f * f).mean(1, keepdim=True) - mean * mean
    return mean, torch.rsqrt(variance.clamp_min(0) + EPS)


ROWS = 1 << 18  # pixels at a time: a large picture must not be held twice


def _normalise_in_place(f: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """The same for inference, overwriting f (B, H·W, C), in two passes over pieces of it."""
    total = torch.zeros_like(gamma.expand(f.shape[0], 1, -1), dtype=torch.float64)
    square = total.clone()
    for piece in torch.split(f, ROWS, 1):
        wide = widen(piece)
        total += wide.sum(1, keepdim=True)
        square += (wide * wide).sum(1, keepdim=True)
    mean = total / f.shape[1]
    variance = (square / f.shape[1] - mean * mean).clamp_min(0).to(gamma.dtype)
    scale = torch.rsqrt(variance + EPS) * gamma
    shift = beta - mean.to(gamma.dtype) * scale
    for piece in torch.split(f, ROWS, 1):
        piece.copy_(torch.addcmul(shift, widen(piece), scale))
    return f


def _fold(per_sample: Tensor, parameter: Tensor) -> Tensor:
    return per_sample.sum(0, keepdim=True) if parameter.shape[0] == 1 else per_sample


def instance_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Instance norm (Ulyanov et al. 2017) of x (B, C, H, W) with γ, β of shape (C,), or (S, C)
    when B = S·n and each run of n samples shares one row (several styles in one batch)."""
    batch, channels, height, width = x.shape
    f = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    gamma, beta = (_per_sample(p, batch) for p in (gamma, beta))
    if not torch.is_grad_enabled():
        y = _normalise_in_place(f, gamma, beta)
    else:
        y = _apply(_InstanceNorm, f.contiguous(), gamma, beta)  # as its kernels take it
    return y.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _per_sample(parameter: Tensor, batch: int) -> Tensor:
    if parameter.dim() == 1:
        return parameter.view(1, 1, -1)
    return parameter.repeat_interleave(batch // parameter.shape[0], 0).unsqueeze(1)


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
    """(O, C, k, k) → (block²·O, block²·C, n, n): the same kernel at every position in a block."""
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
