"""What a training run records: log.jsonl, sample images, TensorBoard, and reported progress."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gesso.disk.atomic import atomic_write, make_folder
from gesso.errors import GessoError, OptionError
from gesso.images.write import write_image
from gesso.reports import Progress, report
from gesso.training.state import SAMPLES

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)


class TrainingLog:
    """Rows of log.jsonl (and TensorBoard scalars), each the mean over `log_every` steps.

    A resumed run drops the rows after the step it resumes from, so the curve has no loops.
    `sums` and `count` are the unfinished row; they are kept in checkpoints.
    """

    def __init__(
        self, out_dir: Path, log_dir: str | Path | None, start: int, steps: int, log_every: int
    ) -> None:
        self.path, self.samples = out_dir / "log.jsonl", out_dir / SAMPLES
        self.steps, self.log_every = steps, log_every
        self.sums: dict[str, float] = {}
        self.count = 0
        self._truncate(start)
        self._writer = _summary_writer(log_dir, start) if log_dir is not None else None
        self._images, self._since = 0, time.monotonic()

    def _truncate(self, start: int) -> None:
        if self.path.exists():
            rows = [row for row in read_log(self.path) if row["step"] <= start]
            atomic_write(self.path, "".join(json.dumps(row) + "\n" for row in rows).encode())

    def record(self, step: int, values: dict[str, float], images: int) -> None:
        """Count one step; `values` are its losses and so on, `step` the number of steps done."""
        for name, value in values.items():
            if math.isfinite(value):
                self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        self._images += images
        losses = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        report(Progress("training", step, self.steps, note=losses))
        if step % self.log_every == 0 or step == self.steps:
            self._write_row(step)

    def _write_row(self, step: int) -> None:
        now = time.monotonic()
        row = {name: total / self.count for name, total in self.sums.items()}
        row["images_per_second"] = round(self._images / max(now - self._since, 1e-9), 2)
        row["memory_mb"] = round(peak_memory_mb(), 1)
        self._append({"step": step, **row})
        if self._writer is not None:
            for name, value in row.items():
                self._writer.add_scalar(name, value, step)
        self.sums, self.count, self._images, self._since = {}, 0, 0, now

    def _append(self, row: dict[str, Any]) -> None:
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:  # a full disk must not end a run that may still be saved
            log.warning("%s: row of step %s not written: %s", self.path, row["step"], error)

    def sample(self, step: int, image: Tensor) -> None:
        """Write a sample image (3, H, W) in [0, 1] to samples/step-*.png and to TensorBoard."""
        image = image.detach().float().clamp(0, 1).cpu()
        try:
            make_folder(self.samples)
            write_image(self.samples / f"step-{step:07d}.png", image)
        except GessoError as error:
            log.warning("%s: sample not written: %s", self.samples, error)
        if self._writer is not None:
            self._writer.add_image("sample", image, step)

    def close(self) -> None:
        """Flush TensorBoard."""
        if self._writer is not None:
            self._writer.close()


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a log.jsonl; a line cut off by a crash is left out."""
    rows = []
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def peak_memory_mb() -> float:
    """Peak memory in MB: of the GPU if one is in use, else of this process."""
    if torch.cuda.is_available() and (allocated := torch.cuda.max_memory_allocated()):
        return allocated / 1e6
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _summary_writer(log_dir: str | Path, start: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        reason = "needs TensorBoard, which is not installed: pip install 'gesso[train]'"
        raise OptionError("log_dir", reason) from error
    return SummaryWriter(str(log_dir), purge_step=start + 1 if start else None)
