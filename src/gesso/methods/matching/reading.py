"""A card of matching, read: the style's vectors, and the encoder that pictures are seen with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.encoders.projected import Projected
from gesso.errors import GessoError
from gesso.fitting.kept import read_colors, read_rows, widths
from gesso.fitting.vectors import StyleVectors, Vectors
from gesso.graphs.drawing import scales
from gesso.methods.matching.redrawing import paintings_of, split
from gesso.methods.matching.room import levels_of, room_of
from gesso.methods.matching.seen import vectors_of


def directions_of(
    directions: Mapping[str, Tensor], scales: Mapping[str, float]
) -> dict[str, Tensor]:
    """Principal directions and scales of levels as tensors of a card."""
    tensors = {f"directions.{level}": found.cpu() for level, found in directions.items()}
    return {**tensors, "scales": torch.tensor([scales[level] for level in directions])}


def projected(encoder: Encoder, tensors: Mapping[str, Tensor], place: torch.device) -> Encoder:
    """The encoder as a card with these tensors sees it."""
    levels, scales = levels_of(encoder), tensors["scales"]
    bases = {
        level: (tensors[f"directions.{level}"] * scale).to(place)
        for level, scale in zip(levels, scales, strict=True)
    }
    return Projected(encoder, bases)


def read(card: StyleCard, encoder: Encoder, place: torch.device) -> tuple[StyleVectors, Encoder]:
    """The vectors that a card keeps or, if it keeps none, those of its paintings; and the encoder
    to paint with.

    Raises:
        GessoError: a card of another encoder or shape.
    """
    found, own, levels = card.config, encoder, levels_of(encoder)
    if found.get("encoder_sha256") != own.identity:
        made = f"{found.get('encoder')} ({str(found.get('encoder_sha256'))[:12]}…)"
        raise GessoError(
            f"a card made with the encoder {made}: the one loaded, {own.name} "
            f"({own.identity[:12]}…), cannot run it"
        )
    sizes, colors = kept_sizes(card), read_colors(card.tensors, place)
    if not sizes:
        if not split(card.tensors)[0]:
            raise GessoError("a card without vectors of its style")
        seed, turned = int(found.get("seed", 0)), bool(found.get("rotations"))
        return vectors_of(*paintings_of(card), encoder, colors, seed, turned), encoder
    channels = widths(encoder, levels, place)
    if room_of(encoder).widths:
        encoder, channels = _projected(card, encoder, channels, place)
    kept = list(channels.values())
    columns = {size: read_rows(card.tensors, f"scale.{size}", sum(kept), place) for size in sizes}
    levels_kept = {at: read_rows(card.tensors, f"level.{at}", channels[at], place) for at in levels}
    balanced = {n: Vectors.of_columns(c.rows, c.mean, kept) for n, c in columns.items()}
    return StyleVectors(balanced, levels_kept, colors), encoder


def sizes_of(card: StyleCard) -> list[int]:
    """The scales at which a card's style is seen, coarse to fine."""
    return kept_sizes(card) or scales(max(max(p.shape) for p, _ in paintings_of(card)[0]))


def kept_sizes(card: StyleCard) -> list[int]:
    """The scales whose vectors a card keeps, coarse to fine."""
    names = [n.removeprefix("scale.") for n in card.tensors if n.startswith("scale.")]
    return sorted(int(n) for n in names if n.isdecimal())


def _projected(
    card: StyleCard, encoder: Encoder, widths: Mapping[str, int], place: torch.device
) -> tuple[Encoder, dict[str, int]]:
    scales, reduced = card.tensors.get("scales"), {}
    if scales is None or scales.shape != (len(widths),):
        raise GessoError(f"a card without the scales of {len(widths)} levels")
    for level, channels in widths.items():
        found = card.tensors.get(f"directions.{level}")
        if found is None or found.dim() != 2 or len(found) != channels or not found.shape[1]:
            raise GessoError(f"a card without directions.{level} of {channels} channels")
        reduced[level] = found.shape[1]
    return projected(encoder, card.tensors, place), reduced
