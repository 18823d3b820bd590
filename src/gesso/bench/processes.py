"""What is measured in a process of its own, and its peak memory. Needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gesso.errors import GessoError


def peak_mib() -> float | None:
    """The highest resident size of this process so far; None where it is not known."""
    # Linux's getrusage begins with the peak of the process that started this one.
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def answer_of(command: Sequence[str], failed: str, most_s: float | None = None) -> dict[str, Any]:
    """The JSON object in the last line that a command prints.

    Raises:
        GessoError: the command failed; `failed` and the last line of its errors. Or it took longer
            than `most_s` seconds, and was ended.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=most_s)
    except subprocess.TimeoutExpired:
        raise GessoError(f"{failed}: ended after {most_s:g} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise GessoError(f"{failed}: {lines[-1]}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row
