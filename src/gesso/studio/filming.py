"""A clip in a style, made by the command itself, `gesso video`, in a process of this one's."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from gesso.controls.options import ControlOptions
from gesso.errors import GessoError
from gesso.methods.registry import about
from gesso.options import Declared, declared
from gesso.pipeline.presets import chosen
from gesso.studio.worker import Listener

Task = dict[str, Any]

SOME_FAILED = 1  # the exit code where a damaged clip was made as far as it can be shown
TICK_SECONDS = 0.1
LINES_KEPT = 5
_HOW_FAR = re.compile(r"^(.*): (\d+) of (\d+) (\w+)")


def clip(task: Task, listener: Listener) -> Task:
    """Make a clip. Raises GessoError with the command's own line where it fails."""
    command = [sys.executable, "-P", "-m", "gesso", *words_of(task)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    lines: list[str] = []
    reading = Thread(target=_read, args=(process, lines), daemon=True)
    reading.start()
    try:
        while process.poll() is None:
            listener.check()
            _tell(lines, listener)
            time.sleep(TICK_SECONDS)
    finally:
        process.kill()
        process.wait()
        reading.join(1)
    if process.returncode not in (0, SOME_FAILED):
        raise GessoError(lines[-1] if lines else "gesso video ended unexpectedly")
    return {}


def words_of(task: Task) -> list[str]:
    """The command's words."""
    styles = [Path(style) for style in task["styles"]]
    words = ["video", task["clip"], "-o", task["out"], f"--max-pixels={task['pixels']}"]
    words += [f"--style={style}" for style in styles]
    given = {name: task[name] for name in ("method", "preset", "size", "start", "end")}
    words += [f"--{name}={value}" for name, value in given.items() if value is not None]
    words.append("--steady" if task["steady"] else "--no-steady")
    controls = dict(task["controls"])
    weights = controls.pop("weights", None)
    if weights is not None:
        words.append(f"--weights={','.join(map(repr, weights))}")
    method = task["method"] or chosen(task["preset"], None, styles, {}).method
    words += _flags(declared(ControlOptions), controls)
    return words + _flags(declared(about(method).options), task["options"])


def _flags(known: Sequence[Declared], values: Mapping[str, Any]) -> list[str]:
    flags = {one.name: one.flag for one in known}
    words = []
    for name, value in values.items():
        flag = flags[name]
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words.append(f"{flag}={value}")
    return words


def _read(process: subprocess.Popen[bytes], lines: list[str]) -> None:
    """Keep the last lines that the command says."""
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line.decode("utf-8", "replace").strip())
        del lines[:-LINES_KEPT]
    process.stderr.close()


def _tell(lines: list[str], listener: Listener) -> None:
    found = _HOW_FAR.match(lines[-1]) if lines else None
    if found:
        title, done, total, _ = found.groups()
        listener.say({"title": Path(title).name, "done": int(done), "total": int(total)})
