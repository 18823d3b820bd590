"""Strength: a picture as far from the photo as asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.fitting.carry import smaller, smaller_copy
from gesso.methods.base import Method, OnStep
from gesso.nn.strips import Striped
from gesso.stylizers.stylizer import Stylizer, together

MOST_PIXELS = 2_000_000
"""Of the copy of a photo that its neutral card is made of."""


def as_far(soft: Stylizer | None, full: Stylizer, strength: float) -> Stylizer:
    """A stylizer whose pictures are `strength` times as far from the photo as those of `full`, by
    way of those of `soft`, where there is one."""

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        fulls = full(contents, on_step)
        softs = fulls if soft is None else soft(contents, on_step)
        rows = zip(*(torch.split(each, 1) for each in (contents, softs, fulls)), strict=True)
        found = [map(Striped.of, row) for row in rows]
        return together([at_distance(c, s, f, strength).whole() for c, s, f in found])

    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        whole = full.striped(photo, on_step)
        return at_distance(
            photo, whole if soft is None else soft.striped(photo, on_step), whole, strength
        )

    return Stylizer(
        run, why_none="mixes two pictures by their distance from the photo", striped=striped
    )


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
        return together([one(c)(c, on_step) for c in torch.split(contents, 1)])

    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        return one(smaller_copy(photo, MOST_PIXELS)).striped(photo, on_step)

    def one(content: Tensor) -> Stylizer:
        seen = smaller(content, MOST_PIXELS)[0]
        made = [method.softened(card, strength, seen) for card in cards]
        return dressed([card for card in made if card is not None])

    return Stylizer(run, why_none="blends the card anew for every content", striped=striped)


def at_distance(photo: Striped, soft: Striped, full: Striped, strength: float) -> Striped:
    """On the way from the photo by the soft picture to the full one, the point whose distance from
    the photo is `strength` times that of the full one."""
    # |away + x·onward|² = wanted, with the square at x = 1 being the full picture's distance.
    a, b, found = _products(photo, soft, full)
    wanted = strength**2 * (a + 2 * b + found)
    if found >= wanted:  # too far, even where nothing is far: mixed with the content
        share = math.sqrt(max(0.0, wanted) / found) if found else 1.0
        return _between(photo, soft, share) if found else soft
    missing = wanted - found
    root = math.sqrt(b * b + a * missing)
    share = missing / (b + root) if b > 0 else (root - b) / a  # the one in (0, 1]; no cancellation
    return _between(soft, full, min(1.0, share))


def _between(one: Striped, other: Striped, share: float) -> Striped:
    return one.changed(lambda strip, rows: torch.lerp(strip, other.at(rows), share))


def _products(photo: Striped, soft: Striped, full: Striped) -> tuple[float, float, float]:
    """Of what is between photo and soft picture (away), and soft and full one (onward), the means
    of onward², away·onward and away², summed in float64."""
    total = torch.zeros(3, dtype=torch.float64)
    for rows in photo.strips():
        middle = soft.at(rows)
        away, onward = middle - photo.at(rows), full.at(rows) - middle
        for x, y in zip(away[0].double(), onward[0].double(), strict=True):
            total += torch.stack([(y * y).sum(), (x * y).sum(), (x * x).sum()]).cpu()
    a, b, found = (total / (3 * photo.pixels)).tolist()
    return a, b, found
