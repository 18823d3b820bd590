"""Dtypes of computation: convolutions in bfloat16 where that is fast, sums in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from gesso.environment import wants_float32

_compute_dtype: ContextVar[torch.dtype | None] = ContextVar("compute_dtype", default=None)


@contextmanager
def compute_in(dtype: torch.dtype) -> Iterator[None]:
    """Run the convolutions inside in `dtype`; statistics, sums and losses stay float32."""
    token = _compute_dtype.set(dtype)
    try:
        yield
    finally:
        _compute_dtype.reset(token)


def compute_dtype(weight: Tensor) -> torch.dtype:
    """The dtype a convolution with that weight runs in: `compute_in`'s, or else its own. What
    torch.compile makes goes by torch's own autocast."""
    if torch.compiler.is_compiling():
        return weight.dtype
    return _compute_dtype.get() or weight.dtype


def fast_dtype(device: torch.device | str = "cpu") -> torch.dtype:
    """bfloat16 where the device multiplies it natively, float32 elsewhere (emulated bfloat16 on
    an older CPU is five times slower than float32), or where float32 is asked for."""
    if wants_float32():
        return torch.float32
    device = torch.device(device)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type != "cpu":
        return torch.float32
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    native = any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return torch.bfloat16 if native else torch.float32


def widen(x: Tensor) -> Tensor:
    """float32 for half-precision tensors, in which statistics overflow; others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
