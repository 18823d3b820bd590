"""One process of a training run: its place among others, its random numbers, its signals.

There is no DistributedDataParallel wrapper: it hooks into a module's forward, and a loss that
differentiates inside, such as a bilevel step, does not go through that. Averaging one flat vector
of gradients by hand takes a dozen lines and is exact.
"""

from __future__ import annotations

import atexit
import os
import random
import signal
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class World:
    """This process, number `rank` of `size`; only rank 0 writes files."""

    rank: int
    size: int
    device: torch.device

    def mean_(self, tensor: Tensor) -> Tensor:
        """Replace `tensor` by its mean over all processes."""
        if self.size > 1:
            dist.all_reduce(tensor)
            tensor /= self.size
        return tensor

    def broadcast_(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by that of rank 0; all processes give the same shapes in order."""
        if self.size > 1:
            for tensor in tensors:
                whole = tensor.contiguous()  # Gloo and NCCL send plain memory
                dist.broadcast(whole, 0)
                tensor.copy_(whole)


def join_world(device: str) -> World:
    """The world torchrun describes in the environment (WORLD_SIZE, RANK, …), else one process.

    `device` "cuda" means one GPU for each process, by LOCAL_RANK, and NCCL; others use Gloo. The
    process group stays for the next run of this process: torch cannot reliably make a second one
    with the same store.
    """
    place = torch.device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World(0, 1, place)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    return World(dist.get_rank(), dist.get_world_size(), place)


class FlatGradients:
    """The gradients of all parameters as views of one vector: averaged, measured, clipped at once.

    Each view has its parameter's strides, so channels_last weights keep channels_last gradients.
    """

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        first, sizes = parameters[0], [p.numel() for p in parameters]
        self.flat = torch.zeros(sum(sizes), dtype=first.dtype, device=first.device)
        parts = torch.split(self.flat, sizes)
        self._views = [
            (parameter, part.as_strided(parameter.shape, parameter.stride(), part.storage_offset()))
            for parameter, part in zip(parameters, parts, strict=True)
        ]

    def zero_(self) -> None:
        """Clear, and attach the views again in case someone replaced or dropped a .grad."""
        self.flat.zero_()
        for parameter, view in self._views:
            parameter.grad = view

    def clip_(self, norm: Tensor, limit: float) -> None:
        """Scale so that the global norm, given because it is known already, is at most `limit`."""
        self.flat *= (limit / (norm + 1e-12)).clamp(max=1.0)


def seed_step(seed: int, step: int, world: World) -> None:
    """Seed Python's, NumPy's and torch's generators as a function of (seed, step, rank).

    So no generator's state has to be saved, and what samples or callbacks draw changes nothing.
    """
    words = np.random.SeedSequence([seed, step, world.rank]).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.default_generator.manual_seed(int(words[2]))  # torch.manual_seed takes 0.4 ms
    if world.device.type == "cuda":
        torch.cuda.manual_seed(int(words[2]))


class StopSignal:
    """Turns the first SIGINT or SIGTERM into a flag; a second signal has its default effect."""

    signal: int | None = None

    def __enter__(self) -> StopSignal:
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
