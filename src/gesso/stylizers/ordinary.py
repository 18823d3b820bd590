"""The ordinary pictures that a flat, smooth or dark one is normalised among."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from threading import Lock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gesso import assets
from gesso.nn.pictures import read_image
from gesso.nn.surroundings import Moments, collected, mean_light, shares, surrounded

SIDE_PX = 128  # of each of the bundled contents; together they are as large as 450 × 450 px


@lru_cache(maxsize=1)
def ordinary_pictures() -> Tensor:
    """The bundled contents, (N, 3, SIDE_PX, SIDE_PX)."""
    found = [read_image(path).unsqueeze(0) for path in sorted(assets.CONTENTS.glob("*.jpg"))]
    square = [F.interpolate(x, (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True) for x in found]
    return torch.cat(square)


def among_ordinary(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """A function that runs `net` on contents (B, 3, H, W), the flat, smooth and dark ones among
    ordinary pictures (`gesso.nn.surroundings`); on all others it does what `net` does.

    What the network's normalisations find in ordinary pictures is found out when first needed.
    """
    known: list[tuple[Moments, float]] = []
    lock = Lock()

    def of_ordinary(place: torch.device) -> tuple[Moments, float]:
        with lock:
            if not known:
                with collected() as found:
                    made = net(ordinary_pictures().to(place))
                known.append((found, mean_light(made.float().clamp(0, 1))))
        return known[0]

    def run(contents: Tensor) -> Tensor:
        wanted = shares(contents)
        if bool(wanted.any()):
            moments, light = of_ordinary(contents.device)
            with surrounded(moments, shares(contents, light)):
                return net(contents)  # type: ignore[no-any-return]
        out: Tensor = net(contents)
        return out

    return run
