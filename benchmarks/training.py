"""One training of a network for one style, as Johnson et al. (2016) do it, looked at as it goes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from torch import Tensor

from gesso.bench.store import Row
from gesso.fitting.network import fit_network
from gesso.losses.objectives import Objective
from gesso.methods.base import Style
from gesso.methods.johnson.method import Johnson
from gesso.methods.metastyle.start import STYLE_WEIGHT
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.transfer import TransferNet

POINTS_PER_DECADE = 12  # of the losses: each the mean over the steps since the point before


@dataclass
class Run:
    """One training: its losses step by step, and its network at the checkpoints."""

    seconds: list[float] = field(default_factory=list)
    terms: list[dict[str, float]] = field(default_factory=list)
    nets: dict[int, TransferNet] = field(default_factory=dict)

    def smoothed(self) -> list[Row]:
        """Means of the losses between points that are equally far apart on a logarithmic axis;
        the losses before the first step stand by themselves. The style's is without its weight."""
        rows = []
        for first, last in stretches(len(self.terms) - 1):
            among = self.terms[first : last + 1]
            content, style = (fmean(t[name] for t in among) for name in ("content", "style"))
            total = fmean(sum(t.values()) for t in among)
            row = {"content": content, "style": style / STYLE_WEIGHT, "total": total}
            rows.append({"steps": last, "seconds": self.seconds[last], **row})
        return rows


def stretches(steps: int) -> Iterator[tuple[int, int]]:
    """The first and last step of every stretch that is averaged: only 0, then up to `steps`."""
    yield 0, 0
    last, power = 0, 0
    while last < steps:
        first = last + 1
        while last < first:
            last, power = round(10 ** (power / POINTS_PER_DECADE)), power + 1
        last = min(last, steps)
        yield first, last


def trained(
    johnson: Johnson,
    style: Tensor,
    contents: Sequence[Tensor],
    checkpoints: Collection[int],
    options: Any,
) -> Run:
    """What `Johnson.adapt` does on a style (3, H, W) and contents (3, h, w) with the objective
    "relative", whatever the options say, with copies of the network at the checkpoints. The clock
    stands still while a network is copied."""
    run, copying = Run(), 0.0
    net, _ = johnson.begun(options.start, options.seed)
    found = Style(style, options.style_size, johnson.encoder, johnson.place)
    objective = Objective(style_weight=STYLE_WEIGHT)
    target = objective.targets(found.features(options.style_size, objective.style_levels))
    began = time.perf_counter()

    def note(step: int, terms: dict[str, float]) -> None:
        nonlocal copying
        now = time.perf_counter()
        run.seconds.append(now - began - copying)
        run.terms.append(terms)
        if step in checkpoints:
            run.nets[step] = TransferNet(net.width)
            run.nets[step].load_state_dict(net.state_dict())
            copying += time.perf_counter() - now

    with compute_in(fast_dtype()):
        steps = options.steps
        fit_network(net, johnson.encoder, objective, target, contents, options, steps, on_step=note)
    return run
