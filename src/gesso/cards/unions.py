"""Feature vectors of several styles as one set: their union, in shares.

Vectors of reduced levels have to be brought into one space first: the directions of all cards
together, in which none of them loses anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Tensors = dict[str, Tensor]


def union(cards: Sequence[Tensors], shares: Sequence[float]) -> Tensors:
    """The union of tensors with the same names, in positive shares that sum to 1; what has a share
    of 0 has no part in it."""
    cards = in_one_space([card for card, share in zip(cards, shares, strict=True) if share])
    shares = [share for share in shares if share]
    return {name: _joined(name, [card[name] for card in cards], shares) for name in cards[0]}


def _joined(name: str, parts: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    if name == "colors.least":
        return torch.stack(list(parts)).amin(0)
    if name == "colors.most":
        return torch.stack(list(parts)).amax(0)
    if name.startswith(("scale.", "level.")) or name == "colors.pixels":
        drawn = [rows[: (len(rows) + 1) // 2] for rows in parts]
        rare = [rows[(len(rows) + 1) // 2 :] for rows in parts]
        return torch.cat([*_shared(drawn, shares), *_shared(rare, shares)])
    if name.startswith("directions."):
        return parts[0]  # one space: all the same
    return sum((part * share for part, share in zip(parts, shares, strict=True)), parts[0] * 0)


def _shared(parts: Sequence[Tensor], shares: Sequence[float]) -> list[Tensor]:
    """Of each part as many rows as its share says, of the largest all."""
    largest, found = max(shares), []
    for rows, share in zip(parts, shares, strict=True):
        count = math.ceil(len(rows) * share / largest)
        found.append(rows[torch.linspace(0, len(rows) - 1, count).round().long()])
    return found


def in_one_space(cards: Sequence[Tensors]) -> list[Tensors]:
    """The cards, their reduced levels in the directions of all of them together."""
    levels = [n.removeprefix("directions.") for n in cards[0] if n.startswith("directions.")]
    if not levels:
        return list(cards)
    joint = {}
    for level in levels:
        spans = torch.cat([card[f"directions.{level}"].float() for card in cards], 1)
        vectors, values, _ = torch.linalg.svd(spans, full_matrices=False)
        joint[level] = vectors[:, values > 1e-3 * values[0]]
    scales = torch.stack([card["scales"] for card in cards]).mean(0)
    return [_moved(card, levels, joint, scales) for card in cards]


def _moved(card: Tensors, levels: Sequence[str], joint: Tensors, scales: Tensor) -> Tensors:
    """A card with the joint directions and scales. Its numbers are s·Uᵀf; those of the joint space
    s'·Vᵀf, which is s'/s · VᵀU · (s·Uᵀf). In hypercolumns each level is divided by √k besides."""
    found, turns, columns = dict(card), {}, []
    for place, level in enumerate(levels):
        own = card[f"directions.{level}"].float()
        turns[level] = own.T @ joint[level] * (scales[place] / card["scales"][place])
        columns.append(turns[level] * math.sqrt(own.shape[1] / joint[level].shape[1]))
        found[f"directions.{level}"] = joint[level]
    found["scales"] = scales
    for name, rows in card.items():
        kind = name.removeprefix("mean.")
        if kind.startswith("level."):
            found[name] = rows @ turns[kind.removeprefix("level.")]
        elif kind.startswith("scale."):
            found[name] = _by_blocks(rows, columns)
    return found


def _by_blocks(rows: Tensor, turns: Sequence[Tensor]) -> Tensor:
    parts = torch.split(rows, [len(turn) for turn in turns], -1)
    return torch.cat([part @ turn for part, turn in zip(parts, turns, strict=True)], -1)
