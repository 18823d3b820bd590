"""Strength: a picture as far from the photo as asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.methods.base import Method, OnStep
from gesso.stylizers.stylizer import Stylizer


def as_far(soft: Stylizer | None, full: Stylizer, strength: float) -> Stylizer:
    """A stylizer whose pictures are `strength` times as far from the photo as those of `full`, by
    way of those of `soft`, where there is one."""

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        fulls = full(contents, on_step)
        softs = fulls if soft is None else soft(contents, on_step)
        rows = zip(contents, softs, fulls, strict=True)
        return torch.stack([at_distance(*row, strength) for row in rows])

    return Stylizer(run, why_none="mixes two pictures by their distance from the photo")


def softened(
    method: Method,
    cards: list[StyleCard],
    strength: float,
    dressed: Callable[[list[StyleCard]], Stylizer],
) -> Stylizer | None:
    """The stylizer of the cards blended with their neutral ones; None where they do not blend.

    Args:
        dressed: makes the stylizer of such cards.
    """
    if method.about.neutral == "weights":
        made = [method.softened(card, strength) for card in cards]
        known = [card for card in made if card is not None]
        return dressed(known) if len(known) == len(cards) else None
    if method.about.blend == "none" or not all(map(method.blends_with_neutral, cards)):
        return None

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        return torch.cat([one(content)(content.unsqueeze(0), on_step) for content in contents])

    def one(content: Tensor) -> Stylizer:
        made = [method.softened(card, strength, content) for card in cards]
        return dressed([card for card in made if card is not None])

    return Stylizer(run, why_none="blends the card anew for every content")


def at_distance(content: Tensor, soft: Tensor, full: Tensor, strength: float) -> Tensor:
    """On the way from the content by the soft picture to the full one, the point whose distance
    from the content is `strength` times that of the full one. All (3, H, W)."""
    away, onward = soft - content, full - soft
    # |away + x·onward|² = wanted, with the square at x = 1 being the full picture's distance.
    a, b, found = _mean(onward, onward), _mean(away, onward), _mean(away, away)
    wanted = strength**2 * (a + 2 * b + found)
    if found >= wanted:  # too far, even where nothing is far: mixed with the content
        return torch.lerp(content, soft, math.sqrt(max(0.0, wanted) / found)) if found else soft
    missing = wanted - found
    root = math.sqrt(b * b + a * missing)
    share = missing / (b + root) if b > 0 else (root - b) / a  # the one in (0, 1]; no cancellation
    return torch.lerp(soft, full, min(1.0, share))


def _mean(one: Tensor, other: Tensor) -> float:
    """The mean of the products, in float64, which a large picture has no room for at once."""
    rows = zip(one, other, strict=True)
    return sum(float((x.double() * y.double()).sum()) for x, y in rows) / one.numel()
