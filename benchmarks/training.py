"""One training of a network for one style, as Johnson et al. (2016) do it, looked at as it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from torch import Tensor

from gesso.bench.store import Row
from gesso.fitting.network import fit
from gesso.methods.inputs import enlarged, fit_config
from gesso.methods.johnson.method import Johnson
from gesso.methods.metastyle.method import STYLE_SIZE_PX
from gesso.nn.pictures import resize
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.transfer import TransferNet

POINTS_PER_DECADE = 12  # of the losses: each the mean over the steps since the point before


@dataclass
class Run:
    """What one training tells: its losses step by step, and its network at the checkpoints."""

    steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    terms: list[dict[str, float]] = field(default_factory=list)
    nets: dict[int, TransferNet] = field(default_factory=dict)

    def smoothed(self, style_weight: float) -> list[Row]:
        """Means of the losses between points that are equally far apart on a logarithmic axis;
        the losses before the first step stand alone. The style's is told without its weight."""
        rows = []
        for first, last in stretches(self.steps[-1]):
            among = self.terms[first : last + 1]
            mean = {name: fmean(t[name] for t in among) for name in ("content", "style")}
            total = fmean(sum(t.values()) for t in among)
            rows.append(
                {
                    "steps": last,
                    "seconds": self.seconds[last],
                    "content": mean["content"],
                    "style": mean["style"] / style_weight,
                    "total": total,
                }
            )
        return rows


def stretches(steps: int) -> Iterator[tuple[int, int]]:
    """The first and last step of every stretch that is averaged: 0 alone, then up to `steps`."""
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
    checkpoints: Sequence[int],
    options: dict[str, Any],
) -> Run:
    """`Johnson.adapt` of a method at its start (`begun`) on a style (3, H, W) and contents
    (3, h, w), with its options, looked at while it goes on. The clock stands still while a network
    is copied."""
    run, net, copying = Run(), johnson.net, 0.0
    own = {name: value for name, value in options.items() if name != "style_size"}
    config = fit_config(johnson.default_fit(), own)
    reference = enlarged(resize(style, options.get("style_size", STYLE_SIZE_PX)))
    began = time.perf_counter()

    def note(step: int, terms: dict[str, float]) -> None:
        nonlocal copying
        now = time.perf_counter()
        run.steps.append(step)
        run.seconds.append(now - began - copying)
        run.terms.append(terms)
        if step in checkpoints:
            twin = TransferNet(johnson.config.width)
            twin.load_state_dict(net.state_dict())
            run.nets[step] = twin
            copying += time.perf_counter() - now

    with compute_in(fast_dtype()):
        objective = johnson.default_objective()
        fit(net, johnson.encoder, objective, reference, contents, config, note)
    return run
