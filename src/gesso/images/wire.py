"""Messages between a process and the decoders it started: a JSON head and any number of bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
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
