"""Where no gradients are recorded, layers save memory: a large picture must not be held twice.

All layers ask `saves_memory` and so have one forward each. An exporter that traces a network wants
neither way, but torch's own operators on whole maps: it traces inside `traceable`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from torch import Tensor

_traced: ContextVar[bool] = ContextVar("traced", default=False)


@contextmanager
def traceable() -> Iterator[None]:
    """Compute inside by torch's own operators only, for `torch.export` and the like."""
    token = _traced.set(True)
    try:
        yield
    finally:
        _traced.reset(token)


def is_traced() -> bool:
    """True inside `traceable`, and while torch.compile traces."""
    return torch.compiler.is_compiling() or _traced.get()


def saves_memory() -> bool:
    """True where layers may overwrite their input and work on some rows of it at a time."""
    return not (torch.is_grad_enabled() or is_traced())


def relu(x: Tensor) -> Tensor:
    """max(x, 0); overwrites x where memory is saved."""
    return x.relu_() if saves_memory() else F.relu(x)


def channels_last(x: Tensor) -> Tensor:
    """x in channels_last memory; as it is where memory is saved, for layers that copy strips."""
    return x if saves_memory() else x.contiguous(memory_format=torch.channels_last)
