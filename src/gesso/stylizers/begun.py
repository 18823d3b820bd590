"""Descents on a series of pictures: each begins with what was made of the picture before, moved to
where its things are now (Ruder et al. 2016, "Artistic Style Transfer for Videos")."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

SHARE = 0.8  # of the picture before, in what a descent begins with
FEWER = 1 / 3  # of the steps that a picture needs which is known everywhere

Moved = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Takes what was made of the picture before, (1, 3, h, w) in [0, 1] of any size; returns it with
things where they are now, and how much of it is seen there, (1, 1, h, w) in [0, 1]."""


class Trail:
    """What descents made of a picture, for those of the next one to begin with."""

    def __init__(self) -> None:
        self._made: list[Tensor] = []

    @contextmanager
    def following(self, moved: Moved | None) -> Iterator[None]:
        """Descents inside begin with what those inside it made before; None: they begin afresh.

        A stylizer may descend several times on one picture, in regions or for a strength: the n-th
        time begins with what the n-th made before.
        """
        known = [] if moved is None else [moved(made) for made in self._made]
        walk = _Walk(known)
        token = _walk.set(walk)
        try:
            yield
        finally:
            _walk.reset(token)
            self._made = walk.made


@dataclass
class _Walk:
    """One picture's descents: what they begin with, and what they have made."""

    known: list[tuple[Tensor, Tensor]]
    made: list[Tensor] = field(default_factory=list)


_walk: ContextVar[_Walk | None] = ContextVar("walk", default=None)


class Begun:
    """Where the descent that comes next begins: with what was made of the picture before, where
    that is known; elsewhere, and outside a `Trail`, afresh."""

    def __init__(self) -> None:
        self._walk = walk = _walk.get()
        place = 0 if walk is None else len(walk.made)
        known = walk is not None and place < len(walk.known)
        self._before = walk.known[place] if walk is not None and known else None

    @property
    def afresh(self) -> bool:
        """Whether nothing is known of a picture before."""
        return self._before is None

    def __call__(self, fresh: Tensor) -> Tensor:
        """The picture to begin with, in the place of one (1, 3, h, w) that was made afresh."""
        if self._before is None:
            return fresh
        size = fresh.shape[-2:]
        before, seen = (_sized(one.to(fresh), size) for one in self._before)
        return torch.lerp(fresh, before, SHARE * seen)

    def steps(self, count: int) -> int:
        """How many of so many steps are needed."""
        if self._before is None:
            return count
        return math.ceil(count * (1 - (1 - FEWER) * float(self._before[1].mean())))

    def keep(self, made: Tensor) -> Tensor:
        """What the descent made, which is returned."""
        if self._walk is not None:
            self._walk.made.append(made.detach())
        return made


def _sized(image: Tensor, size: torch.Size) -> Tensor:
    if image.shape[-2:] == size:
        return image
    return F.interpolate(image, size, mode="bilinear", antialias=True)
