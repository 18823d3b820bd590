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
from gesso.losses.matched import ForNetworks, shrunk
from gesso.losses.steadiness import unsteadiness
from gesso.losses.terms import total
from gesso.nn.transfer import is_affine
from gesso.reports import look

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


@torch.no_grad()
def style_target(encoder: Encoder, objective: ForNetworks, style: Tensor) -> dict[str, Tensor]:
    """What the objective compares of styles (3, H, W) or (S, 3, H, W)."""
    images = style if style.dim() == 4 else style.unsqueeze(0)
    return objective.of_style(lambda times, levels: encoder(shrunk(images, times), levels))


def fit_network(
    net: nn.Module,
    encoder: Encoder,
    objective: ForNetworks,
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
    photos = OfPhotos(net, encoder, objective, target, contents, options, steps)

    @torch.no_grad()
    def draft() -> Tensor:
        return objective.picture(net(contents[0][None], raw=True))

    def heard(step: int, terms: dict[str, float]) -> None:
        if on_step is not None:
            on_step(step, terms)
        look(draft)

    return descend(
        *(net, lambda step: photos(step)[0], options, steps),
        only_affine=only_affine,
        first=first,
        on_step=heard,
    )


def descend(
    net: nn.Module,
    terms_of: Callable[[int], dict[str, Tensor]],
    options: FitOptions,
    steps: int,
    *,
    only_affine: bool = False,
    first: FirstSteps | None = None,
    on_step: OnFit | None = None,
) -> dict[str, float]:
    """Descend on the weights of `net`, in place.

    Args:
        terms_of: the terms, each (B,), of a step from 0; their sum's mean is lowered.
        steps, only_affine, first, on_step: as for `fit_network`.

    Returns:
        The mean terms of the last tenth of the steps.
    """
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(is_affine(name) or not only_affine)
    named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    optimizer = make_optimizer(named, options)
    history: list[dict[str, float]] = []
    for step in range(steps + 1):
        terms = terms_of(step)
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


class OfPhotos:
    """The objective's terms of what a network makes of random crops of contents.

    Args:
        run: `run(images, raw=True)` gives what the objective's `of_network` takes.
        copies: pictures that are made of every crop in a step, next to each other.
    """

    def __init__(
        self,
        run: Callable[..., Tensor],
        encoder: Encoder,
        objective: ForNetworks,
        target: Mapping[str, Tensor],
        contents: Sequence[Tensor],
        options: FitOptions,
        steps: int,
        copies: int = 1,
    ) -> None:
        self.run, self.encoder, self.objective, self.target = run, encoder, objective, target
        self.steps, self.copies = steps, copies
        self.batches = _Crops(contents, options).batches()
        self.moves = random.Random(options.seed)
        self.steady = options.steady
        self.disturbing = torch.Generator().manual_seed(options.seed)

    def __call__(self, step: int) -> tuple[dict[str, Tensor], Tensor]:
        """The terms of a step, each (B,), and what the network put out, (B, 3, s, s)."""
        objective, style = self.objective, self.target
        batch = [crop for crop in next(self.batches) for _ in range(self.copies)]
        images = torch.cat([crop.image for crop in batch])
        moves = [self.moves.randrange(objective.shift) for _ in range(2)]
        raw = shifted(self.run, images, moves)
        now = min(objective.rounds - 1, step * objective.rounds // max(1, self.steps))
        each = zip(batch, raw.detach(), strict=True)
        wanted = [crop.wanted(now, r, self.encoder, objective, style) for crop, r in each]
        terms = objective.of_network(raw, self.encoder, torch.cat(wanted), style, images)
        return terms | self._steady(images, raw), raw

    def _steady(self, images: Tensor, raw: Tensor) -> dict[str, Tensor]:
        """What the network paints otherwise of the same images, moved and disturbed."""
        if not self.steady:
            return {}

        def paint(photos: Tensor, by: tuple[int, int]) -> Tensor:
            return self.objective.picture(shifted(self.run, photos, by))

        found = unsteadiness(paint, images, self.objective.picture(raw), self.disturbing)
        return {"steady": self.steady * found}


def shifted(net: Callable[..., Tensor], images: Tensor, by: Sequence[int]) -> Tensor:
    """What the network puts out for images (B, 3, H, W), (B, 3, H, W), where it saw them moved down
    and right by so many px, with their reflection above and to the left."""
    if not any(by):
        return net(images, raw=True)
    down, right = by
    out = net(F.pad(images, (right, 0, down, 0), mode="reflect"), raw=True)
    return out[..., down:, right:]


def make_optimizer(named: Named, options: FitOptions) -> Adam:
    """Adam at one rate for γ and β and another for all other parameters."""
    affine = [p for name, p in named if is_affine(name)]
    others = [p for name, p in named if not is_affine(name)]
    return Adam([(affine, options.affine_lr), (others, options.lr)])


def _set_rates(optimizer: Adam, progress: float, decay: bool) -> None:
    fall = 0.55 + 0.45 * math.cos(progress * math.pi)
    for group in optimizer.groups:
        group.lr = group.peak * (fall if decay else 1.0)


class _Crop:
    """A crop (1, 3, s, s) and what the objective wants of its picture, as found in a round."""

    def __init__(self, image: Tensor) -> None:
        self.image, self.round = image, -1
        self._wanted = image

    @torch.no_grad()
    def wanted(
        self,
        now: int,
        raw: Tensor,
        encoder: Encoder,
        objective: ForNetworks,
        style: Mapping[str, Tensor],
    ) -> Tensor:
        """What is wanted in round `now`; `raw` (3, s, s) is what the network makes of the crop."""
        if self.round < now:
            query = objective.query(raw[None], self.image) if now else self.image
            read = objective.read(encoder, query)
            self._wanted, self.round = objective.wanted(read, style, self.image), now
        return self._wanted


class _Crops:
    """Random crops, mirrored or not; at most `pool` different ones."""

    def __init__(self, contents: Sequence[Tensor], options: FitOptions) -> None:
        self.contents, self.options = contents, options
        self.random = random.Random(options.seed)
        shortest = min(min(c.shape[-2:]) for c in contents)
        self.side = max(16, min(options.crop, shortest // 8 * 8))
        self.pool: list[_Crop] = []

    def batches(self) -> Iterator[list[_Crop]]:
        """Crops of a step, for ever."""
        while True:
            yield [self._draw() for _ in range(self.options.batch)]

    def _draw(self) -> _Crop:
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
        self.pool.append(_Crop(crop))
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
