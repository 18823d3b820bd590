"""Stylizers whose network is computed by another engine than torch as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gesso.errors import OptionError
from gesso.export.export import serialized
from gesso.export.network import Writes, card_graph
from gesso.nn.layers import extended
from gesso.nn.precision import fast_dtype
from gesso.nn.surroundings import shares
from gesso.runtime.engines import is_installed, require
from gesso.runtime.sessions import Network
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer

COMPILE = "compile"
BACKEND = "inductor"  # of torch.compile
WHOLE_PX, LEAST_PX = 4, 16  # sides of what a compiled network sees: one network serves all sizes


@dataclass(frozen=True)
class Through:
    """Makes of a stylizer one whose network an engine computes. The graph is written when the first
    picture is made.

    Attributes:
        engine: onnxruntime, openvino or compile (torch.compile).
        where_possible: stylizers without such a network stay as they are.

    Raises:
        OptionError: what the engine needs is not installed.
    """

    engine: str
    where_possible: bool = False

    def __post_init__(self) -> None:
        if self.engine == COMPILE:
            return
        require(self.engine)
        if not is_installed("onnx"):
            needed = "needs onnx for networks of torch: pip install 'gesso[export]'"
            raise OptionError("engine", f"{self.engine}: {needed}")

    def __call__(self, stylizer: Stylizer) -> Stylizer:
        """Raises OptionError for a stylizer without such a network."""
        trouble = _trouble(stylizer, self.engine)
        if trouble and self.where_possible:
            return stylizer
        if trouble:
            raise OptionError("engine", f"{self.engine}: {trouble}; only torch computes that")
        if self.engine == COMPILE:
            return _compiled(stylizer)
        return _in_graph(stylizer, self.engine)


def _trouble(stylizer: Stylizer, engine: str) -> str:
    """Why an engine cannot compute a stylizer's network; "" where it can."""
    if stylizer.network is None:
        return f"no network to compute: the method {stylizer.why_none}"
    name = type(stylizer.network).__name__
    if engine == COMPILE:
        return "" if stylizer.plain else f"{name} is computed in tiles"
    return "" if hasattr(stylizer.network, "written") else f"nobody wrote {name} down as a graph"


def _in_graph(stylizer: Stylizer, engine: str) -> Stylizer:
    """One after the other, the flat and dark ones among ordinary pictures."""
    writes: Writes = stylizer.network.written  # type: ignore[union-attr, assignment]

    @cache
    def network() -> Network:
        graph, _ = card_graph(writes, half=False)
        return Network(serialized(graph.model({})), engine=engine)

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        given = contents.detach().float().cpu().numpy()
        made = [network().run({"image": one[None]}, ["picture"])["picture"] for one in given]
        return torch.from_numpy(np.concatenate(made)).to(contents)

    return Stylizer(run, stylizer.network)


def _compiled(stylizer: Stylizer) -> Stylizer:
    """With the network compiled for pictures of any size; flat and dark ones go the usual way."""
    net: Any = stylizer.network
    fast: Callable[[Tensor], Tensor] = torch.compile(net, dynamic=True, backend=BACKEND)
    place = next(net.parameters()).device
    dtype = fast_dtype(place)

    @torch.no_grad()
    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        if bool(shares(contents).any()):
            return stylizer(contents, on_step)
        height, width = contents.shape[-2:]
        whole = extended(contents.to(place), WHOLE_PX, LEAST_PX)
        whole = whole.contiguous(memory_format=torch.channels_last)
        with torch.autocast(place.type, dtype, enabled=dtype != torch.float32):
            out: Tensor = fast(whole)
        return out[..., :height, :width].float().to(contents.device)

    return Stylizer(run, stylizer.network)
