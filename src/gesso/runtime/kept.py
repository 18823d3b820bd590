"""A painting and its colours in a card of torch, made and read (`gesso.methods.matching.redrawing`
and `gesso.fitting.kept`, in numpy)."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gesso.cards.packing import PlainCard
from gesso.errors import GessoError
from gesso.graphs.drawing import MOST_BYTES, PIXELS, QUALITIES
from gesso.images.arrays import Pixels
from gesso.images.read import read_image
from gesso.images.write import webp_bytes
from gesso.runtime.recolor import to_oklab
from gesso.runtime.sessions import Arrays
from gesso.runtime.swap import Painting

SHARES, PAINTING, MASK, COLORS = "paintings", "painting.", "painted.", "colors."
SHAPES = {"pixels": (None, 3), "mean": (3,), "products": (3, 3), "least": (3,), "most": (3,)}
MOST_PIXELS = 2**24


def kept(picture: Pixels) -> Arrays:
    """A card's tensors of a painting (3, h, w) in [0, 1]: the bytes of a WebP, and its colours."""
    tried = (webp_bytes(picture, quality) for quality in QUALITIES)
    data = next((d for d in tried if len(d) <= MOST_BYTES), None) or webp_bytes(picture, 0)
    numbers = np.frombuffer(data, np.uint8).astype(np.float32)
    named = {f"{COLORS}{name}": value for name, value in colors_of(picture).items()}
    return {**named, f"{PAINTING}0": numbers}


def colors_of(picture: Pixels) -> Arrays:
    """Some pixels (N, 3) of a painting, drawn as torch draws them; and in OKLab the mean (3,), the
    mean product (3, 3), the least and the most (3,) of all."""
    lab = to_oklab(picture).reshape(3, -1).astype(np.float64)
    flat = picture.reshape(3, -1)
    found = {
        "pixels": flat[:, drawn(flat.shape[1], PIXELS)].T,
        "mean": lab.mean(1),
        "products": lab @ lab.T / lab.shape[1],
        "least": lab.min(1),
        "most": lab.max(1),
    }
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


def paintings_of(card: PlainCard) -> tuple[list[Painting], list[float]]:
    """A card's paintings and their shares. Raises GessoError for damaged ones."""
    shares: Any = card.config.get(SHARES, [1.0])
    good = isinstance(shares, list) and shares
    if not good or not all(type(share) in (int, float) and share > 0 for share in shares):
        raise GessoError("a card with damaged shares of its paintings")
    return [_painting(card.tensors, number) for number in range(len(shares))], shares


def _painting(tensors: Mapping[str, np.ndarray], number: int) -> Painting:
    data, mask = tensors.get(f"{PAINTING}{number}"), tensors.get(f"{MASK}{number}")
    if data is None or data.ndim != 1 or not ((data >= 0) & (data <= 255)).all():
        raise GessoError(f"a card without {PAINTING}{number}")
    if mask is not None and (mask.ndim != 2 or not (mask > 0.5).any()):
        raise GessoError(f"a card with a damaged {MASK}{number}")
    try:
        return read_image(data.astype(np.uint8).tobytes(), max_pixels=MOST_PIXELS), mask
    except GessoError as error:
        raise GessoError(f"a card with a damaged {PAINTING}{number}: {error}") from None


def colors_in(tensors: Mapping[str, np.ndarray]) -> Arrays | None:
    """A card's colours by name; None where it has none. Raises GessoError for damaged ones."""
    found = {name: tensors.get(f"{COLORS}{name}") for name in SHAPES}
    if all(value is None for value in found.values()):
        return None
    known: Arrays = {}
    for name, shape in SHAPES.items():
        value = found[name]
        if value is None or len(shape) != value.ndim or not value.size:
            raise GessoError(f"a card with damaged colours: {COLORS}{name}")
        if any(n not in (None, side) for n, side in zip(shape, value.shape, strict=True)):
            raise GessoError(f"a card with damaged colours: {COLORS}{name}")
        known[name] = value
    return known


def union(parts: Sequence[Arrays], shares: Sequence[float]) -> Arrays:
    """The colours of several paintings, in positive shares (`gesso.cards.unions`)."""
    halves = [(len(one["pixels"]) + 1) // 2 for one in parts]
    drawn_by = [[p["pixels"][:n], p["pixels"][n:]] for p, n in zip(parts, halves, strict=True)]
    some = [_shared(rows, shares) for rows in zip(*drawn_by, strict=True)]
    pairs = list(zip(parts, shares, strict=True))
    return {
        "pixels": np.concatenate([*some[0], *some[1]]),
        "least": np.min([one["least"] for one in parts], 0),
        "most": np.max([one["most"] for one in parts], 0),
        **{n: np.sum([np.float32(s) * p[n] for p, s in pairs], 0) for n in ("mean", "products")},
    }


def _shared(parts: Sequence[Pixels], shares: Sequence[float]) -> list[Pixels]:
    """Of each part as many rows as its share says, of the largest all."""
    found = []
    for rows, share in zip(parts, shares, strict=True):
        count = math.ceil(len(rows) * share / max(shares))
        places = np.linspace(0, len(rows) - 1, count, dtype=np.float32)
        found.append(rows[places.round().astype(np.int64)])
    return found


def drawn(most: int, count: int, seed: int = 0) -> list[int]:
    """The first numbers of torch's random permutation of so many, up to `count`: a card made here
    is the one made there."""
    number, moved, found = _twister(seed), dict[int, int](), []
    for place in range(min(count, most)):
        other = place + number() % (most - place) if place < most - 1 else place
        found.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return found


def _twister(seed: int) -> Callable[[], int]:
    """The Mersenne twister as torch seeds it: 32 random bits at a time."""
    state = [seed & 0xFFFFFFFF]
    for place in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + place) & 0xFFFFFFFF)
    made = random.Random()
    made.setstate((3, (*state, 624), None))
    return lambda: made.getrandbits(32)
