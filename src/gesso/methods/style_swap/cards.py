"""Cards of style swap: the features of one or more styles, in as little room as serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gesso.cards.blend import parts_of, shares_of
from gesso.cards.card import StyleCard, provenance
from gesso.errors import GessoError
from gesso.methods.style_swap.about import Options
from gesso.nn.patches import Bank, Patches, patches_of
from gesso.options import from_json

ROOM = 720_000  # numbers in a card: 1.44 MB of float16
LEAST_KEPT = 0.95  # of the features' energy, for which a card may be larger
SHARES = "shares"


def kept(features: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
    """A card's tensors from a style's features (C, h, w) and (h, w) bool, where the style is.

    Where the channels take more than ROOM, their leading principal directions (uncentred) are kept
    in their place: as many as there is room for, or as hold LEAST_KEPT of the energy.
    """
    channels, *shape = features.shape
    rows = features.float().cpu().flatten(1)
    tensors = {"features.0": features.float().cpu()}
    if rows.numel() > ROOM:
        values, vectors = torch.linalg.eigh((rows @ rows.T).double())
        held = values.flip(0).cumsum(0) / values.sum().clamp_min(1e-12)
        enough = int((held < LEAST_KEPT).sum()) + 1
        count = min(channels, max(enough, ROOM // (rows.shape[1] + channels)))
        directions = vectors.flip(1)[:, :count].float().contiguous()
        tensors["directions.0"] = directions
        tensors["features.0"] = (directions.T @ rows).reshape(count, *shape)
    return tensors if mask is None else {**tensors, "mask.0": mask.float().cpu()}


def union(cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
    """The card of the styles of all cards, in shares that are their weights scaled to sum to 1; a
    card with a share of 0 has no part in it, and a style that is there twice is there once. Its
    pictures are made as the first one says.

    Raises:
        GessoError: cards of other encoders, weights that make no sense, negative shares.
    """
    shares = shares_of(len(cards), weights)
    if min(shares) < 0:
        raise GessoError("cards of style_swap are mixed in positive shares; one is negative")
    mixed = [(card, share) for card, share in zip(cards, shares, strict=True) if share]
    first = mixed[0][0]
    if any(c.config.get("encoder_sha256") != first.config.get("encoder_sha256") for c, _ in mixed):
        raise GessoError("cards of style_swap can be mixed when their encoder is the same")
    styles: list[_Mixed] = []
    for card, share in mixed:
        for number, own in enumerate(shares_in(card)):
            _put(styles, _Mixed(share * own, _numbered(card, number)))
    tensors = {f"{kind}.{n}": t for n, one in enumerate(styles) for kind, t in one.tensors.items()}
    parts = [part for card, share in mixed for part in parts_of(card, share)]
    origin = provenance() | {"blend": parts}
    config = {**first.config, SHARES: [one.share for one in styles]}
    return StyleCard(first.method, tensors, config, provenance=origin)


@dataclass
class _Mixed:
    """A style in a mixture: its share, and its tensors by kind."""

    share: float
    tensors: dict[str, Tensor]


def _numbered(card: StyleCard, number: int) -> dict[str, Tensor]:
    """The tensors of one style in a card, by kind."""
    names = [name.rpartition(".") for name in card.tensors]
    return {k: card.tensors[f"{k}.{n}"] for k, _, n in names if n == str(number)}


def _put(styles: list[_Mixed], new: _Mixed) -> None:
    """Add a style, or its share to that of the same style."""
    for one in styles:
        if one.tensors.keys() == new.tensors.keys() and all(
            torch.equal(t, new.tensors[kind]) for kind, t in one.tensors.items()
        ):
            one.share += new.share
            return
    styles.append(new)


def options_of(card: StyleCard) -> Options:
    """How a card's pictures are made. Raises GessoError for a damaged card."""
    known = {n: v for n, v in card.config.items() if n in Options.__dataclass_fields__}
    return from_json(Options, known, "the configuration of a style_swap card")


def shares_in(card: StyleCard) -> list[float]:
    """The shares of the styles in a card, which sum to 1. Raises GessoError for a damaged card."""
    found: Any = card.config.get(SHARES)
    if not isinstance(found, list) or not all(type(x) in (int, float) and x > 0 for x in found):
        raise GessoError("a card without the shares of its styles")
    return [float(share) for share in found]


def bank_of(card: StyleCard, channels: int, place: torch.device) -> Bank:
    """The patches of a card's styles: of the one with the largest share all that its options allow,
    of the others as many fewer as their shares are smaller.

    Raises:
        GessoError: a card without features of so many channels.
    """
    options, shares = options_of(card), shares_in(card)
    styles: list[Patches] = []
    for number, share in enumerate(shares):
        stride = options.patch_stride * shared_stride(share, shares)
        most = None if options.patches is None else max(1, round(options.patches * share))
        features, mask = _read(card.tensors, number, channels)
        mask = None if mask is None else mask.to(place)
        styles.append(patches_of(features.to(place), options.patch_size, stride, most, mask))
    return Bank(styles)


def shared_stride(share: float, shares: Sequence[float]) -> float:
    """Places between the patches of a style with one of these shares: as many fewer patches than
    the largest has."""
    stride: float = (max(shares) / share) ** 0.5
    return stride


def _read(
    tensors: Mapping[str, Tensor], number: int, channels: int
) -> tuple[Tensor, Tensor | None]:
    """A style's features (C, h, w), and where it is, (h, w) bool."""
    features = tensors.get(f"features.{number}", torch.empty(0))
    directions = tensors.get(f"directions.{number}")
    if features.dim() == 3 and directions is not None:
        fits = directions.shape == (channels, len(features))
        features = torch.einsum("khw,ck->chw", features, directions) if fits else directions
    if features.dim() != 3 or len(features) != channels:
        raise GessoError(f"a card without features.{number} of {channels} channels")
    mask = tensors.get(f"mask.{number}")
    if mask is not None and mask.shape != features.shape[1:]:
        raise GessoError(f"a card with a mask.{number} of another size than its features")
    return features, None if mask is None else mask > 0.5
