"""The ordinary pictures that a flat, smooth or dark one is normalised among."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gesso import assets
from gesso.nn.pictures import read_image
from gesso.nn.strips import Striped
from gesso.nn.surroundings import Moments, collected, mean_light, share, shares, surrounded

SIDE_PX = 128  # of each of the bundled contents; together they are as large as 450 × 450 px


@lru_cache(maxsize=1)
def ordinary_pictures() -> Tensor:
    """The bundled contents, (N, 3, SIDE_PX, SIDE_PX)."""
    found = [read_image(path).unsqueeze(0) for path in sorted(assets.CONTENTS.glob("*.jpg"))]
    square = [F.interpolate(x, (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True) for x in found]
    return torch.cat(square)


class AmongOrdinary:
    """Runs a network on contents (B, 3, H, W), the flat, smooth and dark ones among ordinary
    pictures (`gesso.nn.surroundings`); on all others it does what the network does.

    What the network's normalisations find in ordinary pictures is found out when first needed.
    """

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self._known: list[tuple[Moments, float]] = []
        self._lock = Lock()

    def __call__(self, contents: Tensor) -> Tensor:
        """The pictures of the contents."""
        if bool(shares(contents).any()):
            moments, light = self._of_ordinary(contents.device)
            with surrounded(moments, shares(contents, light)):
                return self.net(contents)  # type: ignore[no-any-return]
        out: Tensor = self.net(contents)
        return out

    def around(self, photo: Striped, place: torch.device) -> Callable[[], Any]:
        """What every tile of a photo is computed within, by the plain network."""
        if not share(photo):
            return nullcontext
        moments, light = self._of_ordinary(place)
        own = torch.tensor([share(photo, light)])
        return lambda: surrounded(moments, own)

    def _of_ordinary(self, place: torch.device) -> tuple[Moments, float]:
        with self._lock:
            if not self._known:
                with collected() as found:
                    made = self.net(ordinary_pictures().to(place))
                self._known.append((found, mean_light(made.float().clamp(0, 1))))
        return self._known[0]
