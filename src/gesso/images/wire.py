"""Messages between a process and those it started: a JSON head and any number
of bytes; and how such a process ended."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

Buffer = bytes | bytearray | memoryview
_LENGTH = struct.Struct("<Q")


def send(file: IO[bytes], head: dict[str, Any], *parts: Buffer) -> None:
    """Write one message. Raises OSError where the other end is gone."""
    text = json.dumps(head | {"parts": [memoryview(part).nbytes for part in parts]}).encode()
    file.write(_LENGTH.pack(len(text)) + text)
    for part in parts:
        file.write(memoryview(part).cast("B"))
    file.flush()


def receive(file: IO[bytes]) -> tuple[dict[str, Any], Sequence[bytearray]]:
    """Read one message. Raises EOFError where it does not come, or not to its end."""
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    head = json.loads(_exactly(file, length))
    return head, [_exactly(file, size) for size in head.pop("parts")]


def _exactly(file: IO[bytes], count: int) -> bytearray:
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        read = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not read:
            raise EOFError
        done += read
    return data


def ending(process: subprocess.Popen[bytes]) -> str:
    """How a process that has closed its end has ended; where it has not, it is ended."""
    try:
        code = process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
