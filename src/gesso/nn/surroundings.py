"""Statistics of ordinary pictures, which a picture that has none of its own is normalised by.

Instance norm and AdaIN stretch every picture to the same contrast. Of a flat one that leaves the
rounding to 8 bits, stretched a hundred times, and of a night mid-tones full of noise. So a picture
that is flat, smooth or dark counts as a part of a larger one: `share` says how large the rest of it
is, and `pooled` takes the statistics of both. They are mixed at every normalisation of a network,
since what one keeps small the next would stretch again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gesso.graphs.share import CONTRAST, DETAIL, LIGHT
from gesso.nn.pictures import LUMA
from gesso.nn.strips import Striped

MEASURED = 512  # lines at least that are looked at of a large picture, of both directions


@dataclass
class Moments:
    """Mean and variance of every channel, (1, …, C) each, in the order a network takes them."""

    found: list[tuple[Tensor, Tensor]] = field(default_factory=list)


@dataclass
class _Listener:
    moments: Moments
    shares: Tensor | None  # None: the moments are being collected
    place: int = 0


_listener: ContextVar[_Listener | None] = ContextVar("listener", default=None)


@contextmanager
def collected() -> Iterator[Moments]:
    """Collects the statistics of the instance norms inside. A batch is normalised as one picture
    by what all its samples have in common."""
    moments = Moments()
    token = _listener.set(_Listener(moments, None))
    try:
        yield moments
    finally:
        _listener.reset(token)


@contextmanager
def surrounded(moments: Moments, shares: Tensor) -> Iterator[None]:
    """Normalises inside as if of sample b (of B) the share `shares[b]` were pictures that have
    `moments`; a share of 0 leaves a sample's numbers as they are."""
    token = _listener.set(_Listener(moments, shares))
    try:
        yield
    finally:
        _listener.reset(token)


def among(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """The statistics (B, 1, C) that instance norm uses: its input's own, unless inside `collected`
    or `surrounded`."""
    listener = _listener.get()
    if listener is None:
        return mean, variance
    if listener.shares is None:
        middle, whole = of_all(mean, variance)
        listener.moments.found.append((middle, whole))
        return middle.expand_as(mean), whole.expand_as(variance)
    other = listener.moments.found[listener.place]
    listener.place += 1
    shares = listener.shares.to(mean).reshape(-1, *[1] * (mean.dim() - 1))
    return pooled((mean, variance), other, shares)


def of_all(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (1, …) of a batch of equally large populations, from those of each."""
    middle = mean.mean(0, keepdim=True)
    return middle, (variance + (mean - middle).square()).mean(0, keepdim=True)


def pooled(
    own: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], share: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and variance of two populations, of which the other one has `share`; with a share of 0
    exactly its own."""
    (mean, variance), (far, spread) = own, other
    middle = (1 - share) * mean + share * far.to(mean)
    within = (1 - share) * (variance + (mean - middle).square())
    return middle, within + share * (spread.to(variance) + (far.to(mean) - middle).square())


def shares(images: Tensor | Striped, light: float | None = None) -> Tensor:
    """How much ordinary pictures are to have a say, (B,) in [0, 1], for images (B, 3, H, W) or for
    one of any size.

    1 for what is flat, as smooth as 8 bits can be (gradients), or dark or bright throughout; 0 for
    a picture with contrast and detail of middle brightness, as most photos are. With `light`, the
    mean luminance of what a style makes of ordinary pictures, dark ones of a dark style need no
    others either: the style is as dark without, and would be twice as dark with them.
    """
    if isinstance(images, Striped):
        return torch.tensor([share(images, light)])
    every = max(1, min(images.shape[2:]) // MEASURED)
    return torch.stack([_share(x[:, ::every], x[:, :, ::every], light) for x in images])


def share(picture: Striped, light: float | None = None) -> float:
    """`shares` of a picture of any size."""
    every = max(1, min(picture.height, picture.width) // MEASURED)
    rows, columns = picture.every(1, lines=every)[0], picture.every(every, lines=1)[0]
    return float(_share(rows, columns, light))


def _share(rows: Tensor, columns: Tensor, style_light: float | None) -> Tensor:
    """By some rows (3, n, W) and some columns (3, H, n) of a picture."""
    light, detail = _luma(rows), _seconds(_luma(rows)) + _seconds(_luma(columns).T)
    mean, deviation = light.mean(), rows.std((1, 2), correction=0).max()
    lacks = [_lack(detail / 2, DETAIL), _lack(deviation, CONTRAST), _extreme(mean)]
    if style_light is not None and (style_light < 0.5) == bool(mean < 0.5):
        lacks[-1] = lacks[-1] * (1 - _extreme(mean.new_tensor(style_light)))
    return torch.stack(lacks).max()


def _extreme(light: Tensor) -> Tensor:
    """1 for a dark or bright mean luminance, 0 for middle ones."""
    return _lack(torch.minimum(light, 1 - light), LIGHT)


def mean_light(images: Tensor) -> float:
    """The mean luminance of (B, 3, H, W)."""
    return float(torch.stack([_luma(image).mean() for image in images]).mean())


def _luma(image: Tensor) -> Tensor:
    weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device)
    return torch.einsum("i,ihw->hw", weights, image)


def _seconds(lines: Tensor) -> Tensor:
    """The mean square of second differences along the lines (N, n); of short lines there are
    none, and so nothing is lacking."""
    found = lines.diff(n=2)
    return found.square().mean() if found.numel() else lines.new_ones(())


def _lack(value: Tensor, limits: tuple[float, float]) -> Tensor:
    """1 up to the first limit, 0 from the second."""
    nothing, enough = limits
    return ((enough - value) / (enough - nothing)).clamp(0, 1)
