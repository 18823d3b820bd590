"""Fit a transfer network to one style: what MetaStyle's adaptation and Johnson's training share."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.encoders.base import Encoder
from gesso.fitting.adam import Adam
from gesso.losses.objectives import NetworkObjective
from gesso.losses.terms import total
from gesso.nn.transfer import is_affine

OnFit = Callable[[int, dict[str, float]], None]

POOL = 32  # crops whose content features are computed once and used again


@dataclass(frozen=True)
class FitConfig:
    """How to descend. The defaults are what gives the lowest objective on unseen pairs in half a
    minute of two cores; the released MetaStyle code takes 200 steps of Adam at 1e-3 on four 256 px
    crops (steps=200, lr=1e-3, affine_lr=1e-3, decay=False, batch=4, whole=0)."""

    steps: int = 60
    lr: float = 4e-3
    affine_lr: float = 1e-2  # of γ and β
    decay: bool = True  # lower both rates to a tenth along half a cosine
    only_affine: bool = False  # adapt γ and β alone
    crop: int = 256  # larger crops know more of the picture: fewer, larger ones win
    batch: int = 1
    whole: float = 0.7  # share of the crops that show (nearly) the whole content, scaled down
    inner_lr: float = 0.0  # of the meta-learned first steps: plain SGD on γ and β; 0: none
    inner_steps: int = 1  # their number, T
    inner_logarithm: bool = False  # they descend on the logarithm of the objective
    seed: int = 0
    pool: int = POOL


def fit(
    net: nn.Module,
    encoder: Encoder,
    objective: NetworkObjective,
    style: Tensor,
    contents: Sequence[Tensor],
    config: FitConfig,
    on_step: OnFit | None = None,
) -> dict[str, float]:
    """Adapt `net` in place to `style` (3, H, W) on random crops of `contents` (3, h, w) each.

    `net(images, raw=True)` gives what the objective's `of_network` takes.

    `on_step(steps done, terms)` is called before the first step and after each. Returns the mean
    terms of the last tenth of the steps.
    """
    with torch.no_grad():
        levels = objective.style_levels
        target = objective.targets(encoder(style.unsqueeze(0), levels)) if levels else {}
    crops = _Crops(encoder, objective, contents, config)
    named = [(n, p) for n, p in net.named_parameters() if is_affine(n) or not config.only_affine]
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(is_affine(name) or not config.only_affine)
    optimizer = make_optimizer(named, config)
    history: list[dict[str, float]] = []
    for step, (images, features) in enumerate(crops.batches()):
        terms = objective.of_network(net(images, raw=True), encoder, features, target, images)
        history.append({name: float(value.detach().mean()) for name, value in terms.items()})
        if on_step is not None:
            on_step(step, history[-1])
        if step == config.steps:
            break
        optimizer.zero_grad()
        inner = step < config.inner_steps and config.inner_lr > 0
        losses = total(terms)
        losses = losses.log() if inner and config.inner_logarithm else losses
        losses.mean().backward()  # type: ignore[no-untyped-call]
        if inner:
            _sgd(named, config.inner_lr)
            continue
        _set_rates(optimizer, step / config.steps, config)
        optimizer.step()
    tail = history[-max(1, config.steps // 10) :]
    return {name: sum(h[name] for h in tail) / len(tail) for name in tail[0]}


def make_optimizer(named: list[tuple[str, torch.nn.Parameter]], config: FitConfig) -> Adam:
    """Adam at the rates of γ and β and of all other parameters."""
    affine = [p for name, p in named if is_affine(name)]
    others = [p for name, p in named if not is_affine(name)]
    return Adam([(affine, config.affine_lr), (others, config.lr)])


def _set_rates(optimizer: Adam, progress: float, config: FitConfig) -> None:
    fall = 0.55 + 0.45 * math.cos(progress * math.pi)
    for group in optimizer.groups:
        group.lr = group.peak * (fall if config.decay else 1.0)


@torch.no_grad()
def _sgd(named: list[tuple[str, torch.nn.Parameter]], lr: float) -> None:
    for name, p in named:
        if is_affine(name) and p.grad is not None:
            p.sub_(lr * p.grad)


class _Crops:
    """Random crops, mirrored or not, with their content features; at most `pool` different ones."""

    def __init__(
        self,
        encoder: Encoder,
        objective: NetworkObjective,
        contents: Sequence[Tensor],
        config: FitConfig,
    ) -> None:
        self.encoder, self.level = encoder, objective.content_level
        self.contents, self.config = contents, config
        self.random = random.Random(config.seed)
        shortest = min(min(c.shape[-2:]) for c in contents)
        self.side = max(16, min(config.crop, shortest // 8 * 8))
        self.pool: list[tuple[Tensor, Tensor]] = []

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """(B, 3, s, s) crops and their features, for ever."""
        while True:
            drawn = [self._draw() for _ in range(self.config.batch)]
            yield torch.cat([c for c, _ in drawn]), torch.cat([f for _, f in drawn])

    def _draw(self) -> tuple[Tensor, Tensor]:
        if len(self.pool) >= max(1, self.config.pool):
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

        Instance norm sees a whole picture when the network is used. On crops of its own scale
        alone it never meets the contrast between, say, a sky and a dark house, and saturates there.
        """
        at_own_scale = self.random.random() >= self.config.whole
        if at_own_scale and min(content.shape[-2:]) >= self.side:  # a tiny one is enlarged
            return content
        scale = self.side / min(content.shape[-2:])
        target = [max(self.side, round(n * scale)) for n in content.shape[-2:]]
        return F.interpolate(content.unsqueeze(0), target, mode="bilinear", antialias=True)[0]
