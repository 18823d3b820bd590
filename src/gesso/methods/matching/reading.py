"""A card of matching, read: the style's vectors and the encoder that sees pictures as they were."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.encoders.projected import Projected
from gesso.errors import GessoError
from gesso.fitting.kept import read_colors, read_rows, widths
from gesso.fitting.vectors import StyleVectors
from gesso.methods.matching.room import levels_of, room_of


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
    """What a card keeps of its style, and the encoder to paint with.

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
    sizes = sizes_of(card)
    if not sizes:
        raise GessoError("a card without vectors of its style")
    channels = widths(encoder, levels, place)
    if room_of(encoder).widths:
        encoder, channels = _projected(card, encoder, channels, place)
    total = sum(channels.values())
    vectors = StyleVectors(
        {size: read_rows(card.tensors, f"scale.{size}", total, place) for size in sizes},
        {
            level: read_rows(card.tensors, f"level.{level}", channels[level], place)
            for level in levels
        },
        read_colors(card.tensors, place),
    )
    return vectors, encoder


def sizes_of(card: StyleCard) -> list[int]:
    """The scales at which a card's style was seen, coarse to fine."""
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
