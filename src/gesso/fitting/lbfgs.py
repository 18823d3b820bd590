"""L-BFGS (Nocedal 1980; Liu & Nocedal 1989) for pictures: every value stays in [0, 1].

torch's knows no bounds, counts evaluations only roughly and imports torch's compiler (see adam.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

Evaluate = Callable[[Tensor], tuple[float, Tensor]]

MEMORY = 10  # pairs of differences kept; each is two pictures
SUFFICIENT = 1e-4  # Armijo's constant (Nocedal & Wright, chapter 3)
SHORTEST = 1e-6  # share of a direction below which it is given up
Pairs = deque[tuple[Tensor, Tensor]]


def minimise(x: Tensor, evaluate: Evaluate, evaluations: int, first_step: float) -> Tensor:
    """The best x in [0, 1] found with `evaluations` calls of `evaluate`, of any shape.

    Args:
        x: where to begin, clamped to [0, 1].
        evaluate: x → (value, gradient); smooth.
        evaluations: calls allowed; the first is at x itself. Fewer if there is nothing to gain.
        first_step: root mean square change of x along the very first direction, whose length the
            gradient leaves open.
    """
    x = x.clamp(0, 1)
    if evaluations < 1:
        return x
    search = _Search(evaluate, evaluations, x)
    pairs: Pairs = deque(maxlen=MEMORY)
    while search.left:
        x, gradient = search.x, search.gradient
        pull = gradient * ~(((x <= 0) & (gradient > 0)) | ((x >= 1) & (gradient < 0)))
        if not bool(pull.any()):
            break
        direction = _direction(pull, pairs, first_step)
        if search.along(direction):
            _remember(pairs, search.x - x, search.gradient - gradient)
        elif not pairs:
            break  # not even the gradient leads down: as low as float32 goes
        else:
            pairs.clear()
    return search.x


class _Search:
    """The lowest point so far, and the calls that are left."""

    def __init__(self, evaluate: Evaluate, evaluations: int, x: Tensor) -> None:
        self.evaluate, self.left, self.x = evaluate, evaluations - 1, x
        self.value, self.gradient = evaluate(x)

    def along(self, direction: Tensor) -> bool:
        """Backtrack until a step lowers the value enough; return whether one did."""
        share = 1.0
        while self.left and share > SHORTEST:
            trial = (self.x + share * direction).clamp(0, 1)
            value, gradient = self.evaluate(trial)
            self.left -= 1
            slope = float((self.gradient * (trial - self.x)).sum())
            if value < self.value and value <= self.value + SUFFICIENT * min(0.0, slope):
                self.x, self.value, self.gradient = trial, value, gradient
                return True
            share *= _shorter(value - self.value, slope)
        return False


def _shorter(rise: float, slope: float) -> float:
    """The minimum of the parabola through what is known of this direction, within reason."""
    curvature = rise - slope
    best = -slope / (2 * curvature) if curvature > 0 else 0.5
    return min(0.5, max(0.1, best))


def _direction(pull: Tensor, pairs: Pairs, first_step: float) -> Tensor:
    """Minus the inverse Hessian's estimate times the gradient, where x is free to move."""
    if pairs:
        direction = -_two_loops(pull, pairs) * (pull != 0)
        if float((direction * pull).sum()) < 0:
            return direction
        pairs.clear()
    return pull * (-first_step / float(pull.square().mean().sqrt()))


def _two_loops(q: Tensor, pairs: Pairs) -> Tensor:
    """Nocedal & Wright, algorithm 7.4."""
    shares = []
    for s, y in reversed(pairs):
        alpha = (s * q).sum() / (s * y).sum()
        q = q - alpha * y
        shares.append(alpha)
    s, y = pairs[-1]
    q = q * ((s * y).sum() / y.square().sum())
    for (s, y), alpha in zip(pairs, reversed(shares), strict=True):
        q = q + s * (alpha - (y * q).sum() / (s * y).sum())
    return q


def _remember(pairs: Pairs, s: Tensor, y: Tensor) -> None:
    """Keep a pair along which the function curves upwards; others would spoil the estimate."""
    if float((s * y).sum()) > 1e-8 * float(torch.linalg.vector_norm(s) * y.norm()):
        pairs.append((s, y))
