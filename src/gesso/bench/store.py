"""Where a benchmark keeps what it measured.

A results file is JSON with one measured row per line, so that a long benchmark can be stopped and
run again: rows that were measured under the same settings are not measured twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from gesso.disk.atomic import atomic_write, shown
from gesso.errors import GessoError
from gesso.nn.precision import fast_dtype
from gesso.version import __version__

Row = dict[str, Any]


def machine_class() -> str:
    """The machine in a file name: cores in use, vector unit, the dtype of convolutions."""
    vectors = torch.backends.cpu.get_cpu_capability().lower()
    dtype = "bf16" if fast_dtype() == torch.bfloat16 else "f32"
    return f"cpu{torch.get_num_threads()}-{vectors}-{dtype}"


def conditions() -> Row:
    """What a reader needs to know about the machine and the software."""
    return {
        "machine": machine_class(),
        "processor": _processor(),
        "torch": torch.__version__,
        "gesso": __version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def digest(settings: Mapping[str, Any]) -> str:
    """Eight hex digits that stand for all settings that decide a row."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


class Store:
    """Rows by key, saved after every one. `fresh` forgets what the file holds."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.rows: dict[str, Row] = {}
        if path.is_file() and not fresh:
            try:
                self.rows = dict(json.loads(path.read_text())["rows"])
                _ = [row["settings"] for row in self.rows.values()]
            except (ValueError, KeyError, TypeError) as error:
                raise GessoError(f"{shown(path)}: not a benchmark's results: {error!r}") from None

    def get(self, key: str, settings: Mapping[str, Any]) -> Row | None:
        """The row of this key if it was measured under exactly these settings."""
        row = self.rows.get(key)
        return row if row is not None and row["settings"] == digest(settings) else None

    def put(self, key: str, settings: Mapping[str, Any], row: Row) -> Row:
        """Keep a row, on the disk too."""
        self.rows[key] = {**row, "settings": digest(settings)}
        lines = (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(self.rows.items()))
        text = f'{{"conditions": {json.dumps(conditions())},\n"rows": {{\n'
        text += ",\n".join(lines) + "\n}}\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self.path, text.encode())
        return self.rows[key]


class Budget:
    """Minutes a command may take; it starts nothing new once they are over."""

    def __init__(self, minutes: float | None) -> None:
        self.end = None if minutes is None else time.monotonic() + 60 * minutes
        self.stopped = False

    def over(self) -> bool:
        """Whether to stop; remembered, so that the command can say it is not done."""
        self.stopped = self.stopped or (self.end is not None and time.monotonic() > self.end)
        return self.stopped


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, with the columns of the first."""
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items() if k in rows[0]}
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text.getvalue().encode())
