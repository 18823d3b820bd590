"""A style's patches in the place of a content's, as a change of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gesso.encoders import tiles
from gesso.encoders.base import Encoder
from gesso.encoders.decoder import Decoder
from gesso.encoders.tiles import Change
from gesso.methods.style_swap.about import LEVEL
from gesso.nn.patches import Bank
from gesso.nn.precision import widen


class SwapNetwork(nn.Module):
    """Encoder, swap with a style's patches and inverse network as one plain network: contents
    (B, 3, H, W), sides divisible by the encoder's stride, → pictures of the same shape. It works
    without tiles and margins, which the method's stylizer has against seams and frames."""

    def __init__(self, encoder: Encoder, network: Decoder, bank: Bank, alpha: float) -> None:
        super().__init__()
        self.encoder, self.network, self.bank, self.alpha = encoder, network, bank, alpha

    def forward(self, content: Tensor) -> Tensor:
        features = self.encoder(content, [LEVEL])[LEVEL]
        change = swapped(self.bank, self.alpha, features)
        out: Tensor = self.network(
            {self.network.deepest: change(LEVEL, features, slice(None), slice(None))}
        )
        return out.clamp(0, 1)


def swapped(bank: Bank, alpha: float, features: Tensor) -> Change:
    """What patches make of features (B, C, h, w), of which they are to have a share `alpha`."""
    if alpha == 0:
        return tiles.unchanged
    choices = [bank.nearest(_at_least(bank.size, one)) for one in features]

    def change(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
        spans = (_within(rows, x.shape[-2]), _within(columns, x.shape[-1]))
        made = torch.stack([bank.built(choice, *spans) for choice in choices])
        return made if alpha == 1 else torch.lerp(widen(x), made, alpha)

    return change


def _at_least(size: int, features: Tensor) -> Tensor:
    """Features (C, h, w), continued by their border where they are smaller than a patch."""
    missing = [max(0, size - n) for n in features.shape[-2:]]
    if not any(missing):
        return features
    return F.pad(features[None], (0, missing[1], 0, missing[0]), mode="replicate")[0]


def _within(span: slice, length: int) -> slice:
    """The slice with both ends."""
    first = span.start or 0
    return slice(first, first + length)
