"""Pictures given as numbers: numpy arrays, torch tensors, checked before anything is done."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.errors import GessoError

Pixels = NDArray[np.float32]
"""(C, H, W) float32 in [0, 1]."""

LUMA = (0.299, 0.587, 0.114)  # Y of YIQ (ITU-R BT.601)

_LEAST, _MOST = -1.0, 2.0  # what lies beyond is no overshoot, but another range


def is_array(value: object) -> bool:
    """True if `value` is a numpy array, a torch tensor or the like."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def pixels(what: str, value: Any, channels: int = 3) -> Pixels:
    """A picture of numbers as float32 (channels, H, W) in [0, 1], contiguous.

    Args:
        what: its name in messages, such as "image".
        value: as for `checked`; values that overshoot a little are clamped.
        channels: 3, or 1 for alpha.

    Raises:
        GessoError: as `checked` does.
    """
    array = checked(what, value, channels)
    if array.dtype == np.uint8:
        return as_numbers(array)
    return np.ascontiguousarray(np.clip(array, 0, 1), np.float32)


def checked(what: str, value: Any, channels: int = 3) -> NDArray[Any]:
    """A picture of numbers as it is: floating-point (channels, H, W), or uint8 (H, W, channels).

    Args:
        what: its name in messages, such as "image".
        value: floating-point (channels, H, W) in about 0 to 1, or a batch of one of these. Or uint8
            (H, W, channels). A numpy array, a torch tensor on any device, or what else `np.asarray`
            takes.
        channels: 3, or 1 for alpha.

    Raises:
        GessoError: another shape or type, values that are not finite, or of another range.
    """
    array = as_numpy(what, value)
    bytewise = array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == channels
    if bytewise and 0 not in array.shape:
        return array
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    floating = np.issubdtype(array.dtype, np.floating)
    if not floating or array.ndim != 3 or len(array) != channels or 0 in array.shape:
        found = f"{array.dtype} of shape {array.shape}"
        allowed = f"floating-point ({channels}, H, W) in 0 to 1"
        allowed = f"are {allowed} or uint8 (H, W, 3)" if channels == 3 else f"is {allowed}"
        raise GessoError(f"{what}: {found} is no picture; allowed {allowed}")
    least, most = float(array.min()), float(array.max())
    if not np.isfinite([least, most]).all():
        raise GessoError(f"{what}: values that are not numbers, or infinite; allowed are 0 to 1")
    if least < _LEAST or most > _MOST:
        raise GessoError(f"{what}: values from {least:.4g} to {most:.4g}; allowed are 0 to 1")
    return array


def as_numpy(what: str, value: Any) -> NDArray[Any]:
    """An array of the values, in their type; of a torch tensor in bfloat16, as float32.

    Raises:
        GessoError: something that holds no numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise GessoError(f"{what}: {type(value).__name__} holds no numbers ({error})") from error


def as_numbers(values: NDArray[np.uint8]) -> Pixels:
    """(H, W, C) of bytes as float32 (C, H, W) in [0, 1]."""
    channels = np.empty((values.shape[2], *values.shape[:2]), np.float32)
    for c, channel in enumerate(channels):  # in one pass each: half the time of permute and divide
        np.divide(values[..., c], np.float32(255), out=channel)
    return channels
