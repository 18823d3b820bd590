"""A card of matching, read: the style's vectors and the encoder that sees pictures as they were."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.encoders.projected import Projected
from gesso.errors import GessoError
from gesso.fitting.recolor import StyleColors
from gesso.fitting.vectors import StyleVectors, Vectors
from gesso.methods.matching.room import levels_of, room_of
from gesso.nn.precision import compute_in, fast_dtype

_COLORS = {"pixels": None, "mean": (3,), "products": (3, 3), "least": (3,), "most": (3,)}


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
    widths = _widths(encoder, levels, place)
    if room_of(encoder).widths:
        encoder, widths = _projected(card, encoder, widths, place)
    total = sum(widths.values())
    vectors = StyleVectors(
        {size: _vectors(card, f"scale.{size}", total, place) for size in sizes},
        {level: _vectors(card, f"level.{level}", widths[level], place) for level in levels},
        _colors(card, place),
    )
    return vectors, encoder


def sizes_of(card: StyleCard) -> list[int]:
    """The scales at which a card's style was seen, coarse to fine."""
    names = [n.removeprefix("scale.") for n in card.tensors if n.startswith("scale.")]
    return sorted(int(n) for n in names if n.isdecimal())


@torch.no_grad()
def _widths(encoder: Encoder, levels: tuple[str, ...], place: torch.device) -> dict[str, int]:
    with compute_in(fast_dtype(place)):
        blank = torch.zeros(1, 3, 32, 32, device=place)
        return {level: f.shape[1] for level, f in encoder(blank, levels).items()}


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


def _vectors(card: StyleCard, name: str, channels: int, place: torch.device) -> Vectors:
    rows, mean = card.tensors.get(name), card.tensors.get(f"mean.{name}")
    if rows is None or rows.dim() != 2 or not len(rows) or rows.shape[1] != channels:
        raise GessoError(f"a card without vectors {name} of {channels} channels")
    if mean is None or mean.shape != (channels,):
        raise GessoError(f"a card without the mean of {name}")
    return Vectors(rows.to(place), mean.to(place))


def _colors(card: StyleCard, place: torch.device) -> StyleColors | None:
    """None for a card that keeps none."""
    found = {name: card.tensors.get(f"colors.{name}") for name in _COLORS}
    if all(value is None for value in found.values()):
        return None
    known: dict[str, Tensor] = {}
    for name, shape in _COLORS.items():
        value = found[name]
        fits = value is not None and (
            value.shape == shape
            if shape
            else value.dim() == 2 and len(value) and value.shape[1] == 3
        )
        if value is None or not fits:
            raise GessoError(f"a card with damaged colours: colors.{name}")
        known[name] = value.to(place)
    return StyleColors(**known)
