"""Optimise a picture itself, pixel by pixel (Gatys et al., CVPR 2016)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.adam import Adam
from gesso.fitting.lbfgs import MEMORY, minimise
from gesso.fitting.sight import Sight
from gesso.fitting.summed import objective_of
from gesso.losses.objectives import Objective
from gesso.nn.precision import compute_in, fast_dtype
from gesso.reports import look

OnTerms = Callable[[int, int, dict[str, float]], None]
Start = Callable[[Tensor], Tensor]
"""Contents (1, 3, H, W) → pictures of the same shape to begin with."""

OPTIMIZERS = ("adam", "lbfgs")
SMALLEST_PX = 16  # smallest side: relu5_1 sees one pixel in sixteen
SHIFTS = (0, 3, 6, 1, 4, 7, 2, 5)  # px: each place of an 8 px grid once, far from the one before
BORDER_PX = 16  # of reflection: beyond what relu3_3 sees, and most of what relu4_3 does
CALM_PX = 12
HELD_BY_LBFGS = MEMORY * 2 * 12  # bytes a pixel
FINER = 0.5  # share of the steps that each finer size gets: it begins near its end


@dataclass(frozen=True)
class Descent:
    """How to descend on the pixels, which are in [0, 1].

    Attributes:
        steps: the optimiser's steps at the coarsest size; L-BFGS: evaluations of the objective.
        lr: Adam's rate; L-BFGS: the root mean square change along its first direction.
        optimizer: adam or lbfgs (the paper's).
        coarse: pictures with a longer side above this many px are first optimised at a half, a
            quarter, … of their size, down to this one (Gatys et al. 2017, section 6); 0: never.
        betas: Adam's decay rates.
        mirror: every second step of Adam sees the picture mirrored. Flipping cancels changes that
            exploit the encoder: VGG-19's objective is 1 to 5 % lower after 8 to 24 steps on the
            compact encoder.
        chroma: learning rate of the two chroma directions as a fraction of `lr`, which then applies
            to grey; smaller where the first picture has less colour than that. 0: pixels are red,
            green and blue. Slow chroma keeps out coloured fringes, which the compact encoder hardly
            sees: without it, a drawing was no longer grey.
        shift: every step of Adam sees the picture moved by other px, within a border of its own
            reflection. Else the encoder's pooling and the zeros it pads with show in flat places,
            as a grid of 4 px and a frame.
        calm: deviation of the content, within CALM_PX around a place, where the picture moves half
            as fast as in busy places: flat ones stay as they are. 0: all move alike.
    """

    steps: int = 100
    lr: float = 0.02
    optimizer: str = "adam"
    coarse: int = 512
    betas: tuple[float, float] = (0.9, 0.999)
    mirror: bool = False
    chroma: float = 0.0
    shift: bool = False
    calm: float = 0.0

    def __post_init__(self) -> None:
        numbers = {n: getattr(self, n) for n in ("steps", "lr", "coarse", "chroma", "calm")}
        if not all(0 <= n < float("inf") for n in numbers.values()):
            found = ", ".join(f"{name} {n}" for name, n in numbers.items())
            raise GessoError(f"{found}: allowed are numbers from 0")
        for name in ("mirror", "shift"):
            if getattr(self, name) and self.optimizer != "adam":
                reason = "needs adam; lbfgs cannot search where the objective changes"
                raise GessoError(f"{name}: {reason}")
        if self.calm and self.optimizer != "adam":
            raise GessoError("calm: needs adam; lbfgs has one step width for all")
        if self.chroma and self.optimizer != "adam":
            raise GessoError("chroma: needs adam; lbfgs has one step width for all")
        if self.optimizer not in OPTIMIZERS:
            allowed = ", ".join(OPTIMIZERS)
            raise GessoError(f"optimizer {self.optimizer}: unknown; allowed are {allowed}")

    def stages(self, height: int, width: int) -> list[tuple[int, int, int]]:
        """(height, width, steps) from the coarsest size to the picture's own."""
        sizes = [(height, width)]
        while self.coarse and max(sizes[0]) > self.coarse and min(sizes[0]) >= 2 * SMALLEST_PX:
            sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
        shares = [FINER**i for i in range(len(sizes))]
        counts = [-(-self.steps * share // 1) for share in shares]  # rounded up: at least one
        return [(h, w, int(n)) for (h, w), n in zip(sizes, counts, strict=True)]


def optimise(
    content: Tensor,
    start: Start,
    encoder: Encoder,
    objective: Objective,
    style: Mapping[str, Tensor],
    descent: Descent,
    on_terms: OnTerms | None = None,
) -> Tensor:
    """Lower the objective of one picture, coarse to fine.

    Args:
        content: (1, 3, H, W) in [0, 1], any H and W.
        start: makes the first picture of the content at the coarsest size.
        style: Gram matrices (1, C, C) by level.
        on_terms: is given the steps done, the steps in all and the terms of the objective.

    Returns:
        (1, 3, H, W) in [0, 1].
    """
    size = content.shape[-2:]
    # A line search cannot see through bfloat16's rounding; Adam does not mind it.
    dtype = fast_dtype(content.device) if descent.optimizer == "adam" else torch.float32
    image: Tensor | None = None
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller has switched off
        full = _padded(content.clone())
        stages = descent.stages(*full.shape[-2:])
        steps_in_all = sum(n for _, _, n in stages)
        problem = _Problem(encoder, objective, style, steps_in_all, descent, on_terms)
        for height, width, steps in stages:
            small = _scaled(full, height, width)
            image = start(small).clone() if image is None else _scaled(image, height, width)
            with compute_in(dtype):
                problem.begin(small)
                image = _descend(image, problem, steps, descent, _share(small, descent.calm))
                problem.end(steps)
        assert image is not None  # there is always a stage
        if on_terms is not None:
            with compute_in(dtype), torch.no_grad():
                problem.terms(image)
    return image[..., : size[0], : size[1]]


def _padded(content: Tensor) -> Tensor:
    """Extended by its border to SMALLEST_PX, so that every level has a pixel."""
    bottom, right = (max(0, SMALLEST_PX - n) for n in content.shape[-2:])
    return F.pad(content, (0, right, 0, bottom), mode="replicate")


def _scaled(image: Tensor, height: int, width: int) -> Tensor:
    if image.shape[-2:] == (height, width):
        return image
    scaled = F.interpolate(image, (height, width), mode="bicubic", antialias=True)
    return scaled.clamp(0, 1)


class _Problem:
    """The objective of a picture with a given style, and its gradient, size after size."""

    content: Tensor  # at the size at hand

    def __init__(
        self,
        encoder: Encoder,
        objective: Objective,
        style: Mapping[str, Tensor],
        steps: int,
        descent: Descent,
        on_terms: OnTerms | None,
    ) -> None:
        self.encoder, self.objective, self.style, self.descent = encoder, objective, style, descent
        self.levels = sorted({*objective.style_levels, objective.content_level})
        self.steps, self.on_terms = steps, on_terms
        self.before = self.calls = 0  # steps at coarser sizes; evaluations at this one

    def begin(self, content: Tensor) -> None:
        """Continue with the content at another size."""
        self.content, self.calls = content, 0
        self.seen: dict[int, Tensor] = {}  # its features, by view
        more = HELD_BY_LBFGS if self.descent.optimizer == "lbfgs" else 0
        self.sight = Sight.of(self.encoder, self.levels, content, more)

    def end(self, steps: int) -> None:
        """Count `steps` steps as done, also where fewer were needed."""
        self.before, self.calls = self.before + steps, 0

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """Weighted terms of the objective, which are also reported."""
        descent = self.descent
        view = self.calls % (len(SHIFTS) if descent.shift else 1 + descent.mirror)
        terms = self._terms(self._view(image, view), view)
        if self.on_terms is not None:
            sums = {name: float(value.detach().sum()) for name, value in terms.items()}
            self.on_terms(self.before + self.calls, self.steps, sums)
        self.calls += 1
        return terms

    def _terms(self, image: Tensor, view: int) -> dict[str, Tensor]:
        side = self.sight.side
        if side is not None:
            content = self._view(self.content, view)
            return objective_of(self.objective, self.sight, side, image, content, self.style)
        content = self._content(view)
        return self.objective(image, self.encoder(image, self.levels), content, self.style)

    def _view(self, image: Tensor, view: int) -> Tensor:
        """The picture as a step sees it: mirrored in every second, moved by other px in each."""
        if self.descent.shift:
            moved = [min(SHIFTS[view - i], (n - 1) // 2) for i, n in enumerate(image.shape[-2:])]
            edge = [min(BORDER_PX, n - 1 - m) for m, n in zip(moved, image.shape[-2:], strict=True)]
            (down, right), (top, side) = moved, edge
            image = F.pad(image, (side + right, side, top + down, top), mode="reflect")
        return image.flip(-1) if self.descent.mirror and view % 2 else image

    @torch.no_grad()
    def _content(self, view: int) -> Tensor:
        level = self.objective.content_level
        if view not in self.seen:
            self.seen[view] = self.encoder(self._view(self.content, view), [level])[level]
        return self.seen[view]

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        image = image.detach().requires_grad_()
        look(image.detach)
        total = torch.stack(list(self.terms(image).values())).sum()
        (gradient,) = torch.autograd.grad(total, image)
        return float(total.detach()), gradient


def _share(content: Tensor, calm: float) -> Tensor:
    """(1, 1, H, W), from 0 where the content (1, 3, H, W) is flat to nearly 1 where it is busy."""
    if not calm:
        return content.new_ones(1, 1, 1, 1)

    def mean(image: Tensor) -> Tensor:
        around = 2 * CALM_PX + 1
        return F.avg_pool2d(image, around, 1, CALM_PX, count_include_pad=False)

    grey = content.double().mean(1, keepdim=True)  # squares of like numbers are subtracted
    deviation = (mean(grey.square()) - mean(grey).square()).clamp_min(0).sqrt()
    return (deviation / (deviation + calm)).to(content)


def _descend(
    image: Tensor, problem: _Problem, steps: int, descent: Descent, share: Tensor
) -> Tensor:
    if descent.optimizer == "lbfgs":
        return minimise(image, problem, steps, descent.lr)
    axes = _axes(descent.chroma).to(image)
    pixels = image.clamp(0, 1)
    common, rest = (torch.nn.Parameter(v.clone()) for v in _along(axes, pixels))
    slower = min(descent.chroma, _ratio(rest, common)) if descent.chroma else 1.0
    optimizer = Adam([([common], descent.lr), ([rest], descent.lr * slower)], descent.betas)
    for _ in range(steps):
        _, gradient = problem(pixels)
        common.grad, rest.grad = _along(axes, gradient)
        optimizer.step()
        with torch.no_grad():  # clamped at every step: a value beyond would be lost in the file
            moved = torch.einsum("bkhw,kc->bchw", torch.cat([common, rest], 1), axes)
            pixels = torch.lerp(pixels, moved, share).clamp_(0, 1)
            for values, now in zip((common, rest), _along(axes, pixels), strict=True):
                values.copy_(now)
    return pixels


def _axes(chroma: float) -> Tensor:
    """Orthogonal directions of a pixel as rows of equal length: grey and two differences of the
    channels; without `chroma` red, green and blue."""
    if not chroma:
        return torch.eye(3)
    differences = torch.tensor([[1.0, -1.0, 0.0], [0.5, 0.5, -1.0]])
    return 3**0.5 * F.normalize(torch.cat([torch.ones(1, 3), differences]))


def _ratio(a: Tensor, b: Tensor) -> float:
    """The standard deviation of a divided by that of b; 1 where b has none."""
    deviation = float(b.detach().std())
    return float(a.detach().std()) / deviation if deviation > 1e-4 else 1.0


def _along(axes: Tensor, image: Tensor) -> tuple[Tensor, ...]:
    """Coordinates of an image (B, 3, H, W) along the first axis, and along the others."""
    along = torch.einsum("bchw,kc->bkhw", image, axes / axes[0].square().sum())
    return along[:, :1], along[:, 1:]
