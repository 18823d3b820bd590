"""Fit a transfer network to one style: what MetaStyle's adaptation and Johnson's training share."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.encoders.base import Encoder
from gesso.fitting.adam import Adam
from gesso.fitting.config import FitOptions
from gesso.losses.objectives import NetworkObjective
from gesso.losses.terms import total
from gesso.nn.transfer import is_affine

OnFit = Callable[[int, dict[str, float]], None]
"""Is given the steps done and the mean terms of the objective at that point."""

Named = list[tuple[str, nn.Parameter]]


class FirstSteps(Protocol):
    """Steps of a method's own, which a fit takes before those of Adam."""

    @property
    def count(self) -> int:
        """Their number."""

    def descended(self, losses: Tensor) -> Tensor:
        """What they descend on, (B,), from the objective (B,) of the crops."""

    def update(self, named: Named) -> None:
        """One step of the network's parameters along their gradients."""


def style_target(encoder: Encoder, objective: NetworkObjective, style: Tensor) -> dict[str, Tensor]:
    """What the objective compares of a style (3, H, W), by level; {} without a style weight."""
    levels = objective.style_levels
    with torch.no_grad():
        return objective.targets(encoder(style.unsqueeze(0), levels)) if levels else {}


def fit_network(
    net: nn.Module,
    encoder: Encoder,
    objective: NetworkObjective,
    target: Mapping[str, Tensor],
    contents: Sequence[Tensor],
    options: FitOptions,
    steps: int,
    *,
    only_affine: bool = False,
    first: FirstSteps | None = None,
    on_step: OnFit | None = None,
) -> dict[str, float]:
    """Adapt `net` in place to a style on random crops of contents.

    Args:
        net: `net(images, raw=True)` gives what the objective's `of_network` takes.
        target: as from `style_target`.
        contents: pictures (3, h, w) in [0, 1], of any sizes.
        steps: in all, those of `first` among them.
        only_affine: move instance norm's γ and β and nothing else.
        first: the method's own first steps.
        on_step: called before the first step and after each.

    Returns:
        The mean terms of the last tenth of the steps.
    """
    crops = _Crops(encoder, objective.content_level, contents, options)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(is_affine(name) or not only_affine)
    named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    optimizer = make_optimizer(named, options)
    history: list[dict[str, float]] = []
    for step, (images, features) in enumerate(crops.batches()):
        terms = objective.of_network(net(images, raw=True), encoder, features, target, images)
        history.append({name: float(value.detach().mean()) for name, value in terms.items()})
        if on_step is not None:
            on_step(step, history[-1])
        if step == steps:
            break
        optimizer.zero_grad()
        own = first if first is not None and step < first.count else None
        losses = total(terms) if own is None else own.descended(total(terms))
        losses.mean().backward()  # type: ignore[no-untyped-call]
        if own is None:
            _set_rates(optimizer, step / steps, options.decay)
            optimizer.step()
        else:
            own.update(named)
    tail = history[-max(1, steps // 10) :]
    return {name: sum(h[name] for h in tail) / len(tail) for name in tail[0]}


def make_optimizer(named: Named, options: FitOptions) -> Adam:
    """Adam at one rate for γ and β and another for all other parameters."""
    affine = [p for name, p in named if is_affine(name)]
    others = [p for name, p in named if not is_affine(name)]
    return Adam([(affine, options.affine_lr), (others, options.lr)])


def _set_rates(optimizer: Adam, progress: float, decay: bool) -> None:
    fall = 0.55 + 0.45 * math.cos(progress * math.pi)
    for group in optimizer.groups:
        group.lr = group.peak * (fall if decay else 1.0)


class _Crops:
    """Random crops, mirrored or not, with their content features; at most `pool` different ones."""

    def __init__(
        self, encoder: Encoder, level: str, contents: Sequence[Tensor], options: FitOptions
    ) -> None:
        self.encoder, self.level = encoder, level
        self.contents, self.options = contents, options
        self.random = random.Random(options.seed)
        shortest = min(min(c.shape[-2:]) for c in contents)
        self.side = max(16, min(options.crop, shortest // 8 * 8))
        self.pool: list[tuple[Tensor, Tensor]] = []

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """(B, 3, s, s) crops and their features, for ever."""
        while True:
            drawn = [self._draw() for _ in range(self.options.batch)]
            yield torch.cat([c for c, _ in drawn]), torch.cat([f for _, f in drawn])

    def _draw(self) -> tuple[Tensor, Tensor]:
        if len(self.pool) >= max(1, self.options.pool):
            return self.random.choice(self.pool)
        content = self._zoomed(self.contents[len(self.pool) % len(self.contents)])
        height, width = content.shape[-2:]
        side = self.side
        top = self.random.randint(0, max(0, height - side))
        left = self.random.randint(0, max(0, width - side))
        crop = content[:, top : top + side, left : left + side].unsqueeze(0)
        if self.random.random() < 0.5:
            crop = crop.flip(-1)
        with torch.no_grad():
            features = self.encoder(crop, [self.level])[self.level]
        self.pool.append((crop, features))
        return self.pool[-1]

    def _zoomed(self, content: Tensor) -> Tensor:
        """The content at its own scale, or so that a crop shows nearly all of it.

        Instance norm sees a whole picture when the network is used. On crops at their own scale
        only, it never meets the contrast between, say, a sky and a dark house, and saturates there.
        """
        at_own_scale = self.random.random() >= self.options.whole
        if at_own_scale and min(content.shape[-2:]) >= self.side:  # a tiny one is enlarged
            return content
        scale = self.side / min(content.shape[-2:])
        target = [max(self.side, round(n * scale)) for n in content.shape[-2:]]
        return F.interpolate(content.unsqueeze(0), target, mode="bilinear", antialias=True)[0]
