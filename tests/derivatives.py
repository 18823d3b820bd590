"""Values and derivatives of a function, to compare with those of another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

DOUBLE = torch.float64


def random(*shape: int, seed: int = 0, grad: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=DOUBLE).requires_grad_(grad)


def derivatives(function: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Value, gradients, and the gradients of a function of the gradients (second order)."""
    y = function(*inputs)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    first = torch.autograd.grad((y * weights + y**2).sum(), inputs, create_graph=True)
    total = torch.stack([(g * g.detach().cos()).sum() + (g**2).sum() for g in first]).sum()
    return [y, *first, *torch.autograd.grad(total, inputs)]


def assert_same(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-10) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def gradients(
    function: Callable[..., Tensor], inputs: tuple[Tensor, ...], second: bool = False
) -> list[Tensor]:
    """Value and gradients, or the gradients of the gradients' squares, all in float32."""
    inputs = tuple(t.detach().requires_grad_() for t in inputs)
    y = function(*inputs)
    weights = random(*y.shape, seed=2).float()
    found = torch.autograd.grad((y.float() * weights).sum(), inputs, create_graph=second)
    if second:
        total = torch.stack([g.float().square().sum() for g in found]).sum()
        again = torch.autograd.grad(total, inputs, allow_unused=True)  # none in β
        return [g.float() for g in again if g is not None]
    return [y.detach().float(), *(g.float() for g in found)]


def assert_within_rounding(ours: list[Tensor], theirs: list[Tensor], share: float = 0.01) -> None:
    """Relative to the norm of each; bfloat16 keeps 8 bits."""
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).norm() <= share * b.norm()
