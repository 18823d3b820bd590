"""Pictures drawn with whole patches of a painting, as style swap draws them (Chen & Schmidt 2016),
and the painting itself in a card, in which patches and vectors are seen: as a WebP it takes a tenth
of what its features take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gesso import assets
from gesso.cards.card import StyleCard
from gesso.encoders.base import Encoder
from gesso.encoders.tiles import reach
from gesso.errors import GessoError, MissingWeights
from gesso.fitting.painting import Redraw
from gesso.graphs.drawing import MOST_BYTES, QUALITIES, STRIDE
from gesso.graphs.graph import Graph, Name
from gesso.images.write import webp_bytes
from gesso.methods.style_swap.about import LEVEL
from gesso.methods.style_swap.method import StyleSwap
from gesso.nn.masks import places
from gesso.nn.patches import Bank
from gesso.nn.pictures import read_image
from gesso.stylizers.drawing import Drawing

DRAWING, BEFORE = "drawing", "style_swap"  # weights: of today's cards, and of those of before
CELL_PX = 4  # of a place of relu3_1
SHARES = "paintings"  # in a card's configuration: the share of each painting
KINDS = ("painting", "painted")

Tensors = Mapping[str, Tensor]
Painted = tuple[Tensor, Tensor | None]
"""A picture (3, h, w) in [0, 1], and (h', w'), where the style is; None: everywhere."""


def swap_of(
    encoder: Encoder, place: torch.device | str = "cpu", weights: str = DRAWING
) -> StyleSwap | None:
    """Style swap by this encoder and these bundled weights, at a place; None for an encoder that
    they were not trained with."""
    try:
        found = StyleSwap.load(encoder, assets.weights(weights))
    except MissingWeights:
        return None
    return found.to(place) if found.config.encoder == encoder.identity else None


def drawing_of(swap: StyleSwap, weights: str, settings: Mapping[str, Any], size: int) -> Drawing:
    """The two networks of style swap by weights of that name, and how far they see."""

    def encoder(g: Graph, image: Name) -> Name:
        return swap.encoder.written(g, image, [LEVEL])[LEVEL]

    def decoder(g: Graph, features: Name) -> Name:
        return swap.network.written(g, {swap.network.deepest: features})

    sees = reach(swap.encoder.widths(LEVEL)), reach(swap.network.blocks)
    return Drawing(encoder, decoder, weights, CELL_PX, sees, settings, size)


def kept_painting(picture: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
    """A card's tensors of a painting (3, h, w) in [0, 1], and of where the style is, a mask (h, w):
    the bytes of a WebP as numbers from 0 to 255, which a card's float16 holds."""
    image = picture.cpu()
    tried = (webp_bytes(image, quality) for quality in QUALITIES)
    data = next((d for d in tried if len(d) <= MOST_BYTES), None) or webp_bytes(image, 0)
    tensors = {"painting.0": torch.from_numpy(np.frombuffer(data, np.uint8).astype(np.float32))}
    if mask is not None:
        cells = (-(-n // CELL_PX) for n in picture.shape[1:])
        tensors["painted.0"] = places(mask, *cells).float().cpu()
    return tensors


def split(tensors: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Those of the paintings, and the others."""
    own = {n: t for n, t in tensors.items() if n.startswith(("painting.", "painted."))}
    return own, {n: t for n, t in tensors.items() if n not in own}


def joined(
    cards: Sequence[StyleCard], shares: Sequence[float]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the configuration of all paintings of cards in these shares; both are empty
    where a card keeps none."""
    tensors: dict[str, Tensor] = {}
    all_shares: list[float] = []
    for card, share in zip(cards, shares, strict=True):
        own, _ = split(card.tensors)
        if share and not own:
            return {}, {}
        for number, part in enumerate(_shares(card) if share else []):
            named = {f"{kind}.{len(all_shares)}": f"{kind}.{number}" for kind in KINDS}
            tensors |= {new: own[old] for new, old in named.items() if old in own}
            all_shares.append(share * part)
    return tensors, {SHARES: all_shares}


def redraw_of(
    cards: Sequence[StyleCard],
    swap: StyleSwap | None,
    blur: float = 1.0,
    shares: Tensor | None = None,
) -> Redraw | None:
    """What draws pictures with the patches of the cards' paintings, each card's in its shares
    (K, H, W), and looks for them by copies of the paintings with sides that are `blur` times
    shorter; None where a card keeps no painting, or there is nothing to draw with. Patches are made
    when the first picture needs them.

    Raises:
        GessoError: tensors that hold no pictures.
    """
    if swap is None or not all(split(card.tensors)[0] for card in cards):
        return None
    # Cards made before give the pictures they gave.
    strides = [STRIDE if "centred" in card.config else 1.0 for card in cards]
    found = [(*paintings_of(c), stride) for c, stride in zip(cards, strides, strict=True)]

    @cache
    def banks() -> list[Bank]:
        return [swap.bank(*one, blur) for one in found]

    return lambda picture: swap.redrawn(picture, banks(), shares)


def paintings_of(card: StyleCard) -> tuple[list[Painted], list[float]]:
    """A card's paintings and their shares. Raises GessoError for tensors that hold none."""
    shares = _shares(card)
    return [_painting(card.tensors, number) for number in range(len(shares))], shares


def _shares(card: StyleCard) -> list[float]:
    found = card.config.get(SHARES, [1.0])
    good = isinstance(found, list) and found
    if not good or not all(type(share) in (int, float) and share > 0 for share in found):
        raise GessoError("a card with damaged shares of its paintings")
    return [float(share) for share in found]


def _painting(tensors: Tensors, number: int) -> Painted:
    data, mask = tensors.get(f"painting.{number}"), tensors.get(f"painted.{number}")
    if data is None or data.dim() != 1 or not bool(((data >= 0) & (data <= 255)).all()):
        raise GessoError(f"a card without painting.{number}")
    if mask is not None and (mask.dim() != 2 or not bool((mask > 0.5).any())):
        raise GessoError(f"a card with a damaged painted.{number}")
    try:
        return read_image(data.to(torch.uint8).cpu().numpy().tobytes(), max_pixels=2**24), mask
    except GessoError as error:
        raise GessoError(f"a card with a damaged painting.{number}: {error}") from None
