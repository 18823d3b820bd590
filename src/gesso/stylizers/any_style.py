"""Any style by two networks, one after the other, for engines and export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gesso.graphs.graph import Graph, Name
from gesso.graphs.layers import Surroundings


@dataclass(frozen=True)
class AnyStyle:
    """A painting → numbers → a picture of a photo, as operators of two graphs.

    Attributes:
        style: the painting (1, 3, h, w), RGB in [0, 1], h and w at least 64 → numbers by name.
        network: photos (B, 3, H, W), numbers and settings by name, and what is pooled with →
            pictures like the photos.
        numbers: the names and shapes of the numbers.
        settings: further values (1,) that the network takes, with what they usually are.
        style_size: the longer side in px at which the painting is looked at.
        neutral_size: that at which a photo is, as its own style; None: its own.
        regions: the same as `network` of several styles, whose numbers are stacked, and `regions`
            (K, 1, H, W), their shares of every pixel; None: their pictures are put together.
    """

    style: Callable[[Graph, Name], dict[str, Name]]
    network: Callable[[Graph, Name, Mapping[str, Name], Surroundings], Name]
    numbers: Mapping[str, tuple[int, ...]]
    settings: Mapping[str, float] = field(default_factory=dict)
    style_size: int = 512
    neutral_size: int | None = None
    regions: Callable[[Graph, Name, Mapping[str, Name], Surroundings], Name] | None = None
