"""Cards between cards: weighted sums of their tensors, unions of their vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from gesso.cards.card import StyleCard, provenance
from gesso.cards.grams import blend_grams
from gesso.cards.unions import union
from gesso.cards.vectors import KeptVectors
from gesso.disk.header import brief
from gesso.disk.raw import compact_json
from gesso.errors import GessoError


def blend_tensors(cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
    """The card whose tensors are Σ wᵢ·cardᵢ, with the weights scaled to sum to 1.

    Weights may lie outside [0, 1]: (1.5, -0.5) moves away from the second style.

    Raises:
        GessoError: no cards, weights that are not one finite number each or cancel out, or cards
            that differ in method, base, configuration, names or shapes.
    """
    shares = shares_of(len(cards), weights)
    first = cards[0]
    for position, card in enumerate(cards[1:], start=2):
        difference = _difference(first, card)
        if difference:
            raise GessoError(f"cards 1 and {position} cannot be blended: {difference}")
    pairs = list(zip(cards, shares, strict=True))
    tensors = {
        name: torch.stack([card.tensors[name] * share for card, share in pairs]).sum(0)
        for name in first.tensors
    }
    parts = [part for card, share in pairs for part in parts_of(card, share)]
    settings = first.settings if all(card.settings == first.settings for card in cards) else {}
    return StyleCard(
        method=first.method,
        tensors=tensors,
        config=dict(first.config),
        settings=dict(settings),
        base=first.base,
        provenance=provenance() | {"blend": parts},
        grams=blend_grams([card.grams for card in cards], shares),
        vectors=_together([card.vectors for card in cards], shares),
    )


def _together(
    parts: Sequence[KeptVectors[torch.Tensor] | None], shares: Sequence[float]
) -> KeptVectors[torch.Tensor] | None:
    """The union of vectors, in the shares that are positive; None where a part has none, or those
    of another encoder."""
    known = [part for part in parts if part is not None]
    kinds = {(part.encoder, *part.tensors) for part in known}
    if len(known) < len(parts) or len(kinds) != 1:
        return None
    positive = [max(0.0, share) for share in shares]
    whole = [share / math.fsum(positive) for share in positive]
    return KeptVectors(known[0].encoder, union([part.tensors for part in known], whole))


def parts_of(card: StyleCard, share: float) -> list[dict[str, Any]]:
    """The styles in a card and their weights: one, or those it was mixed of."""
    mixed = card.provenance.get("blend")
    known = isinstance(mixed, list) and all(
        isinstance(part, dict) and isinstance(part.get("weight"), float) for part in mixed
    )
    if not mixed or not known:
        return [{"style": str(card.provenance.get("style", "")), "weight": share}]
    return [{"style": str(p.get("style", "")), "weight": share * p["weight"]} for p in mixed]


def shares_of(count: int, weights: Sequence[float]) -> list[float]:
    """Weights of `count` cards, scaled to sum to 1.

    Raises:
        GessoError: not one finite number a card, or numbers that cancel out.
    """
    if count == 0 or len(weights) != count:
        raise GessoError(f"blend: {count} cards and {len(weights)} weights; one weight a card")
    if not all(math.isfinite(weight) for weight in weights):
        raise GessoError(f"blend: weights {list(weights)}; each has to be a finite number")
    exponent = math.frexp(max(map(abs, weights)))[1]
    scaled = [math.ldexp(weight, -exponent) for weight in weights]  # exact, and no sum overflows
    total = math.fsum(scaled)
    if abs(total) <= 1e-6 * math.fsum(map(abs, scaled)):
        raise GessoError(f"blend: weights {list(weights)} sum to 0; allowed is any other sum")
    return [weight / total for weight in scaled]


def _difference(one: StyleCard, other: StyleCard) -> str:
    """Why two cards have no common space to be blended in; "" if they have."""
    if one.method != other.method:
        return f"methods {brief(one.method, 30)} and {brief(other.method, 30)}"
    if one.base != other.base:
        bases = [brief(card.base[:12], 12) or "none" for card in (one, other)]
        return f"base weights {bases[0]} and {bases[1]}"
    for key in sorted(one.config.keys() | other.config.keys()):
        if compact_json(one.config.get(key)) != compact_json(other.config.get(key)):
            values = [brief(card.config.get(key, "none"), 30) for card in (one, other)]
            return f"configuration {brief(key, 30)} is {values[0]} and {values[1]}"
    odd = sorted(one.tensors.keys() ^ other.tensors.keys())
    if odd:
        return f"only one has the tensor {brief(odd[0])}"
    for name, tensor in one.tensors.items():
        if tensor.shape != other.tensors[name].shape:
            shapes = [list(card.tensors[name].shape) for card in (one, other)]
            return f"tensor {brief(name)} is {shapes[0]} and {shapes[1]}"
    return ""
