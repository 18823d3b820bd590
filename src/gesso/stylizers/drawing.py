"""Drawing with a style's patches by two networks, between which features are replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gesso.graphs.graph import Graph, Name


@dataclass(frozen=True)
class Drawing:
    """Photo → features → a style's patches → picture, as operators of two graphs.

    Attributes:
        encoder: pictures (1, 3, H, W), RGB in [0, 1], H and W multiples of `stride` → features.
        decoder: features (1, C, h, w) → pictures, not clamped.
        weights: the name of the decoder's bundled weights.
        stride: px of a place of the features.
        reach: places to either side that the encoder sees, and the decoder.
        settings: how pictures are drawn; JSON values.
        style_size: the longer side in px at which a painting is looked at.
    """

    encoder: Callable[[Graph, Name], Name]
    decoder: Callable[[Graph, Name], Name]
    weights: str
    stride: int
    reach: tuple[int, int]
    settings: Mapping[str, Any] = field(default_factory=dict)
    style_size: int = 512
