"""Adam (Kingma & Ba 2015) for adaptation, where torch.optim's would import torch's compiler: 1.3
seconds of a run of ten."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Parameter


class Adam:
    """Groups of parameters with a learning rate each: `groups[i].lr` may be set between steps.

    The numbers are torch.optim.Adam's, without weight decay.
    """

    def __init__(
        self,
        groups: list[tuple[list[Parameter], float]],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.groups = [_Group(parameters, lr) for parameters, lr in groups if parameters]
        self.betas, self.eps = betas, eps
        self.steps = 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.groups:
            for p in group.parameters:
                p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step; parameters without a gradient stay as they are."""
        self.steps += 1
        fast, slow = self.betas
        scale = 1 - fast**self.steps
        root = (1 - slow**self.steps) ** 0.5
        for group in self.groups:
            for p, mean, square in zip(group.parameters, group.means, group.squares, strict=True):
                if p.grad is None:
                    continue
                mean.lerp_(p.grad, 1 - fast)
                square.mul_(slow).addcmul_(p.grad, p.grad, value=1 - slow)
                size = square.sqrt().div_(root).add_(self.eps)
                p.addcdiv_(mean, size, value=-group.lr / scale)


class _Group:
    def __init__(self, parameters: list[Parameter], lr: float) -> None:
        self.parameters, self.lr, self.peak = parameters, lr, lr
        self.means: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        self.squares: list[Tensor] = [torch.zeros_like(p) for p in parameters]
