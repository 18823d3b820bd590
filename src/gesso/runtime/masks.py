"""Masks and the regions they make (`gesso.nn.masks`, `gesso.controls.regions`, in numpy)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.disk.atomic import shown
from gesso.images.arrays import Pixels
from gesso.images.read import MAX_PIXELS, read_photo
from gesso.images.source import name_of
from gesso.runtime.colors import luma
from gesso.runtime.sampling import area_means, bilinear

ONE_COLOUR, LEAST = 0.02, 1 / 255
WIDEST_FEATHER_PX = 64  # that is blurred pixel by pixel

log = logging.getLogger(__name__)


def read_mask(source: Any, max_pixels: int = MAX_PIXELS) -> Pixels:
    """(H, W) in [0, 1] of a picture, as `gesso.read_mask` has it. Raises GessoError for one that
    cannot be read."""
    photo = read_photo(source, max_pixels=max_pixels)
    mask: Pixels = luma(photo.rgb)
    if photo.alpha is not None:
        alpha = photo.alpha[0]
        seen = mask[alpha > 0]
        cut_out = bool(seen.size) and bool((alpha < 1).any())
        one_colour = cut_out and float(seen.max() - seen.min()) <= ONE_COLOUR
        mask = alpha if one_colour else mask * alpha
    if float(mask.max()) < LEAST:
        log.warning("%s: a mask that is off everywhere; white is on", shown(name_of(source)))
    return mask


def region_shares(
    masks: Sequence[Pixels], styles: int, height: int, width: int, feather: float
) -> Pixels:
    """What share (K, H, W) of every pixel is each style's."""
    parts = _stacked(masks, height, width, feather)
    if len(parts) < styles:
        rest = (1 - parts.sum(0, keepdims=True)).clip(0)
        parts = np.concatenate([parts, rest])
    total = parts.sum(0, keepdims=True)
    shares: Pixels = np.where(total > 0, parts / total.clip(1e-12), np.float32(1 / styles))
    return shares


def covers(masks: Sequence[Pixels], height: int, width: int, feather: float) -> Pixels:
    """How much of every pixel (1, H, W) is stylized at all, where each style has a mask."""
    total: Pixels = _stacked(masks, height, width, feather).sum(0, keepdims=True)
    return total.clip(None, 1)


def _stacked(masks: Sequence[Pixels], height: int, width: int, feather: float) -> Pixels:
    fitted = (bilinear(mask[None], height, width).clip(0, 1) for mask in masks)
    made = [_softened(mask, feather) for mask in fitted]
    return np.concatenate(made or [np.zeros((0, height, width), np.float32)])


def _softened(mask: Pixels, feather: float) -> Pixels:
    """Blurred by a Gaussian of deviation feather / 2; a wide one at a smaller scale."""
    shrink, size = feather / WIDEST_FEATHER_PX, mask.shape[1:]
    if shrink <= 1:
        return _blurred(mask, feather)
    height, width = (max(1, round(n / shrink)) for n in size)
    return bilinear(_blurred(area_means(mask, height, width), WIDEST_FEATHER_PX), *size)


def _blurred(mask: Pixels, feather: float) -> Pixels:
    reach = round(1.5 * feather)
    if reach < 1:
        return mask
    places = np.arange(-reach, reach + 1, dtype=np.float32)
    kernel = np.exp(-0.5 * (places / np.float32(feather / 2)) ** 2)
    kernel /= kernel.sum()
    return _along(_along(mask, 2, kernel), 1, kernel).clip(0, 1)


def _along(mask: Pixels, axis: int, kernel: NDArray[np.float32]) -> Pixels:
    """Convolved along an axis, with the border repeated."""
    size, reach = mask.shape[axis], len(kernel) // 2
    edges = [(reach, reach) if i == axis else (0, 0) for i in range(3)]
    padded, total = np.pad(mask, edges, mode="edge").swapaxes(0, axis), 0.0
    for place, weight in enumerate(kernel):
        total = total + weight * padded[place : place + size]
    return np.asarray(total, np.float32).swapaxes(0, axis)
