"""Masks: read, scaled, and as the part of a style that counts."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.images.read import MAX_PIXELS, PictureLike, read_photo
from gesso.images.source import name_of
from gesso.nn.pictures import luminance

log = logging.getLogger(__name__)

MaskLike = Any
"""A mask: numbers (H, W) or (1, H, W) in [0, 1], or a picture as `read_mask` takes it."""

ONE_COLOUR = 0.02  # of luminance: what compression makes of a colour
LEAST = 1 / 255  # a mask that nowhere reaches this is off everywhere


def read_mask(source: PictureLike, max_pixels: int = MAX_PIXELS) -> Tensor:
    """(H, W) in [0, 1] of a picture: its luminance; what is transparent is off. In a cut-out, which
    has transparent parts and else one colour, the colour does not count: what shows is on.

    A mask that is off everywhere is named in a warning.

    Raises:
        GessoError: a picture that cannot be read.
    """
    mask = _read(source, max_pixels)
    if float(mask.max()) < LEAST:
        log.warning("%s: a mask that is off everywhere; white is on", shown(name_of(source)))
    return mask


def read_style_mask(mask: MaskLike, max_pixels: int = MAX_PIXELS) -> Tensor | None:
    """(H, W) in [0, 1] of the mask of a style; None for None and for a mask that is on everywhere.

    Raises:
        GessoError: a mask that cannot be read, or is off everywhere.
    """
    if mask is None:
        return None
    numbers = isinstance(mask, Tensor) or getattr(mask, "ndim", 0) in (2, 3)
    found = as_mask(mask)[0] if numbers else _read(mask, max_pixels)
    if float(found.max()) < LEAST:
        trouble = "off everywhere; white is on, and one place of the style at least has to be"
        if isinstance(mask, str) or hasattr(mask, "__fspath__"):
            trouble = f"{shown(mask)}: {trouble}"
        raise OptionError("style_mask", trouble)
    return None if float(found.min()) >= float(found.max()) / 2 else found


def checked_style_masks(masks: Sequence[MaskLike], styles: int) -> Sequence[MaskLike]:
    """One mask for each style: those given, or None each where there are none. Raises OptionError
    for any other number."""
    if len(masks) not in (0, styles):
        raise OptionError("style_mask", f"{len(masks)} given, for {styles} styles; one a style")
    return masks if len(masks) else [None] * styles


def _read(source: PictureLike, max_pixels: int) -> Tensor:
    photo = read_photo(source, max_pixels=max_pixels)
    mask = luminance(torch.from_numpy(photo.rgb))
    if photo.alpha is not None:
        alpha = torch.from_numpy(photo.alpha)
        seen = mask[alpha > 0]
        cut_out = len(seen) > 0 and bool((alpha < 1).any())
        one_colour = cut_out and float(seen.max() - seen.min()) <= ONE_COLOUR
        mask = alpha if one_colour else mask * alpha
    return mask[0]


def as_mask(mask: Any) -> Tensor:
    """(1, H, W) float32 in [0, 1], on the CPU, of numbers (H, W) or (1, H, W).

    Raises:
        GessoError: what is no mask.
    """
    found = mask if isinstance(mask, Tensor) else _as_tensor(mask)
    found = found.detach().float().cpu()
    if found.dim() == 2:
        found = found.unsqueeze(0)
    if found.dim() != 3 or len(found) != 1 or 0 in found.shape:
        raise GessoError(f"mask: shape {tuple(found.shape)} is none; (H, W) or (1, H, W) is")
    if not bool(torch.isfinite(found).all()):
        raise GessoError("mask: values that are not numbers; allowed are 0 to 1")
    return found.clamp(0, 1)


def _as_tensor(mask: Any) -> Tensor:
    try:
        return torch.tensor(mask)
    except (TypeError, ValueError, RuntimeError):
        allowed = "(H, W) in [0, 1], which gesso.read_mask makes of a file"
        raise GessoError(f"mask: a {type(mask).__name__}; allowed is {allowed}") from None


def fitted(mask: Any, height: int, width: int) -> Tensor:
    """(1, height, width) of a mask of any size and ratio of sides, with antialiasing. Raises
    GessoError for what is no mask."""
    found = as_mask(mask)
    if found.shape[1:] != (height, width):
        size = (height, width)
        found = F.interpolate(found.unsqueeze(0), size, mode="bilinear", antialias=True)[0]
    return found.clamp(0, 1)


def mask_digest(mask: Tensor) -> str:
    """SHA-256 of a mask's numbers and shape."""
    numbers = as_mask(mask).contiguous().numpy()
    return hashlib.sha256(repr(numbers.shape).encode() + numbers.tobytes()).hexdigest()


def places(mask: Tensor, height: int, width: int) -> Tensor:
    """(height, width) bool: where a mask, (h, w) or (1, h, w), is on, which is at least half as
    much as where it is most: so one place always is."""
    cells = F.adaptive_avg_pool2d(mask.float()[None], (height, width)).reshape(height, width)
    found: Tensor = cells >= cells.max() / 2
    return found


def part(features: Tensor, mask: Tensor | None) -> Tensor:
    """Features (B, C, h, w) at the `places` where a mask is on, (B, C, 1, n): what only counts
    positions, such as a Gram matrix, takes them as it takes whole ones. All without a mask."""
    if mask is None:
        return features
    on = places(mask.to(features.device), *features.shape[-2:])
    return features[..., on].unsqueeze(-2)


def continued(image: Tensor, known: Tensor) -> Tensor:
    """A picture (3, H, W) of which only the part that is `known`, (H, W) bool, can be seen: beyond
    its edge it is reflected, as often as it takes, so that no feature knows of the rest."""
    image = image.clone()
    while not bool(known.all()):
        rows, columns = _nearest(known)
        down, across = _grid(known)
        over, beside = 2 * rows - down, 2 * columns - across  # mirrored at the nearest place
        height, width = known.shape
        inside = (over >= 0) & (over < height) & (beside >= 0) & (beside < width)
        over, beside = over.clamp(0, height - 1), beside.clamp(0, width - 1)
        new = inside & known[over, beside] & ~known
        if not bool(new.any()):  # thin parts: their own colour
            over, beside, new = rows, columns, ~known
        image[:, new] = image[:, over[new], beside[new]]
        known = known | new
    return image


def _grid(known: Tensor) -> tuple[Tensor, Tensor]:
    down, across = torch.meshgrid(*(torch.arange(n) for n in known.shape), indexing="ij")
    return down, across


def _nearest(known: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column, (H, W) each, of the known place that is nearest to each (jump flooding:
    Rong & Tan 2006)."""
    far = 4 * sum(known.shape)
    down, across = _grid(known)
    rows, columns = (torch.where(known, n, far) for n in (down, across))
    step = 1 << (max(known.shape) - 1).bit_length()
    while step := step // 2:
        for y in (-step, 0, step):
            for x in (-step, 0, step):
                seen_rows, seen_columns = (_moved(n, y, x, far) for n in (rows, columns))
                new = (seen_rows - down) ** 2 + (seen_columns - across) ** 2
                nearer = new < (rows - down) ** 2 + (columns - across) ** 2
                rows = torch.where(nearer, seen_rows, rows)
                columns = torch.where(nearer, seen_columns, columns)
    return rows, columns


def _moved(numbers: Tensor, down: int, across: int, beyond: int) -> Tensor:
    """(H, W), moved by less than its sides; `beyond` comes in at the border."""
    height, width = numbers.shape
    padded = F.pad(numbers, (abs(across),) * 2 + (abs(down),) * 2, value=beyond)
    top, left = abs(down) - down, abs(across) - across
    return padded[top : top + height, left : left + width]
