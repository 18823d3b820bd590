"""Noise that is a function of seed and place: the same on every machine and device, for a picture
of any size, and without a generator's state, so that networks with noise inside can be traced."""

from __future__ import annotations

from hashlib import blake2b

import torch
from torch import Tensor

_FIRST, _SECOND = 0x7FEB352D, 0x846CA68B - 2**32  # as signed 32-bit numbers


def noise(seed: int, channel: int, height: int, width: int, place: torch.device) -> Tensor:
    """(height, width), uniform in [0, 1) and independent: the channel `channel` of a seed.

    The integer hash is that of Wellons ("lowbias32", public domain), of row and column.
    """
    key = int.from_bytes(blake2b(f"{seed} {channel}".encode(), digest_size=4).digest(), "big")
    rows = torch.arange(height, dtype=torch.int32, device=place)
    columns = torch.arange(width, dtype=torch.int32, device=place)
    found = _mixed(_mixed(rows + (key >> 1))[:, None] ^ _mixed(columns + 0x165667B1))
    return ((found >> 8) & 0xFFFFFF).float() * 2.0**-24


def _mixed(x: Tensor) -> Tensor:
    """A bijection of 32-bit numbers in which every bit depends on every other."""
    x = (x ^ _shifted(x, 16)) * _FIRST
    x = (x ^ _shifted(x, 15)) * _SECOND
    return x ^ _shifted(x, 16)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """A logical shift to the right."""
    return (x >> bits) & ((1 << (32 - bits)) - 1)
