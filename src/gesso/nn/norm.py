"""Instance norm, written from mean and variance: torch's has a slow double backward.

Everything works on channels_last memory, where a feature map is (B, H·W, C) without a copy.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gesso.nn import gathered
from gesso.nn.inference import is_traced, saves_memory
from gesso.nn.precision import widen
from gesso.nn.surroundings import among

EPS = 1e-5  # the variance's floor, as in the released transfer networks
ROWS = 1 << 18  # pixels at a time in inference: a large picture must not be held twice
FOLD, PIECE = 16, 1 << 10  # so many times so many pixels have their sums in float32

# torch's kernel adds up one pixel after the other in float32. Up to here a sum of equal bfloat16
# values (8 bits) is exact; a constant channel of 1024² pixels would lose 1 % of its mean.
# float32 values, whose sums are not exact, go without: 256² pixels of 0.1 came out 0.02 off β.
KERNEL_PIXELS = 1 << 16


def instance_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Instance norm (Ulyanov et al. 2017) of x (B, C, H, W) with γ, β of shape (C,), or (S, C)
    when B = S·n and each run of n samples shares one row (several styles in one batch)."""
    batch, channels, height, width = x.shape
    f = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    gamma, beta = (_per_sample(p, batch) for p in (gamma, beta))
    if is_traced():
        y = _normalised(f, gamma, beta)
    elif saves_memory():
        y = _normalise_in_place(f, gamma, beta, height)
    else:  # contiguous, as its kernels take it
        y = _InstanceNorm.apply(f.contiguous(), gamma, beta)  # type: ignore[no-untyped-call]
    return y.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _per_sample(parameter: Tensor, batch: int) -> Tensor:
    """γ or β, (C,) or (S, C), as (1 or B, 1, C)."""
    if parameter.dim() == 1:
        return parameter.view(1, 1, -1)
    return parameter.repeat_interleave(batch // parameter.shape[0], 0).unsqueeze(1)


class _InstanceNorm(Function):
    """y = γ·(f − μ)/√(σ² + ε) + β over the middle axis of f (B, H·W, C); γ, β (B or 1, 1, C).

    The statistics of half-precision features are float32. To first order on a CPU, torch's batch
    norm of one sample at a time computes them without a float32 copy of f.
    """

    @staticmethod
    def forward(ctx: Any, f: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        if _has_kernel(f, gamma, beta):
            y, mean, rstd = _normalise_samples(f, gamma, beta)
        else:
            wide = widen(f)
            mean, rstd = _statistics(wide)
            y = _scaled(wide, mean, rstd * gamma, beta).to(f.dtype)
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


def _statistics(f: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and 1/√(σ² + ε), (B, 1, C), of f (B, N, C)."""
    mean = f.mean(1, keepdim=True)
    variance = (f * f).mean(1, keepdim=True) - mean * mean
    return mean, torch.rsqrt(variance.clamp_min(0) + EPS)


def _normalised(f: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Instance norm of f (B, N, C) by its formula."""
    wide = widen(f)
    mean, rstd = _statistics(wide)
    return _scaled(wide, mean, rstd * gamma, beta).to(f.dtype)


def _scaled(f: Tensor, mean: Tensor, scale: Tensor, beta: Tensor) -> Tensor:
    """(f − mean)·scale + β of f (B, N, C)."""
    return torch.addcmul(beta - mean * scale, f, scale)


def _normalise_in_place(f: Tensor, gamma: Tensor, beta: Tensor, height: int) -> Tensor:
    """Instance norm that overwrites f (B, H·W, C), in two passes over pieces of it."""
    mean, variance = among(*_moments(f, height))
    scale = torch.rsqrt(variance.to(gamma.dtype) + EPS) * gamma
    shift = beta - mean.to(gamma.dtype) * scale
    if _has_kernels(f) and gamma.dtype == torch.float32:
        _affine_by_kernel(f, scale, shift)
        return f
    for piece in torch.split(f, ROWS, 1):
        piece.copy_(torch.addcmul(shift, widen(piece), scale))
    return f


def _has_kernels(f: Tensor) -> bool:
    known = f.device.type == "cpu" and f.dtype in (torch.float32, torch.bfloat16)
    return known and f.is_contiguous()


def _moments_by_kernel(f: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance, (B, 1, C) in float64, of f (B, N, C), by the kernel that batch norm takes
    its statistics with, in a fraction of the time. It adds up one after the other in float32:
    `FOLD` pixels beside each other, as channels of their own, and pieces so small that nothing is
    lost. They are put together in float64."""
    batch, pixels, channels = f.shape
    folded = pixels // FOLD * FOLD
    wide = f[:, :folded].view(batch, -1, FOLD * channels)
    pieces = torch.split(wide, PIECE, 1) if folded else ()  # there may be fewer pixels than FOLD
    found = [(_part(x, channels), FOLD * x.shape[1]) for x in pieces]
    if folded < pixels:
        found.append((_part(f[:, folded:], channels), pixels - folded))
    parts = torch.stack([part for part, _ in found])
    share = torch.tensor([count / pixels for _, count in found], dtype=torch.float64)
    mean, square = torch.einsum("n,nkbc->kbc", share, parts).unsqueeze(2)
    return mean, (square - mean * mean).clamp_min(0)


def _part(f: Tensor, channels: int) -> Tensor:
    """Means of f (B, n, k·C) and of its squares over n and k, (2, B, C) in float64."""
    found = [torch.batch_norm_update_stats(x, None, None, 0.0) for x in _as_images(f)]
    mean, variance = (torch.stack(part).double() for part in zip(*found, strict=True))
    both = torch.stack([mean, variance + mean * mean])
    return both.view(2, len(f), -1, channels).mean(2)


def _affine_by_kernel(f: Tensor, scale: Tensor, shift: Tensor) -> None:
    """f·scale + shift in the place of f (B, N, C), in one pass: batch norm by other statistics."""
    zeros, none = torch.zeros_like(scale[0, 0]), scale.new_empty(0)
    ones = torch.full_like(zeros, 1 - EPS)  # to which the kernel adds EPS
    parts = _as_images(f), _rows(scale, len(f)), _rows(shift, len(f))
    for x, by, add in zip(*parts, strict=True):
        torch.native_batch_norm(x, by, add, zeros, ones, False, 0.0, EPS, out=(x, none, none))


def _moments(f: Tensor, height: int) -> tuple[Tensor, Tensor]:
    """Mean and variance (B, 1, C) of f (B, H·W, C), in float64; in a tile those of the whole."""
    whole = gathered.current()
    if whole is None and _has_kernels(f):
        return _moments_by_kernel(f)
    if whole is None:
        mean, square = (one / f.shape[1] for one in _sums(f))
        return mean, (square - mean * mean).clamp_min(0)
    known = whole.next()
    if known is None:
        inner = whole.inner(f.reshape(len(f), height, -1, f.shape[2]))
        whole.add(*_sums(inner), inner.shape[1])
    return known


def _sums(f: Tensor) -> tuple[Tensor, Tensor]:
    """The sums of f (B, N, C) and of its squares, (B, 1, C) in float64."""
    total = f.new_zeros(f.shape[0], 1, f.shape[2], dtype=torch.float64)
    square = total.clone()
    for piece in torch.split(f, ROWS, 1):
        wide = widen(piece)
        total += wide.sum(1, keepdim=True)
        square += (wide * wide).sum(1, keepdim=True)
    return total, square


def _fold(per_sample: Tensor, parameter: Tensor) -> Tensor:
    """The gradient of a parameter that all samples share is the sum of theirs."""
    return per_sample.sum(0, keepdim=True) if parameter.shape[0] == 1 else per_sample
