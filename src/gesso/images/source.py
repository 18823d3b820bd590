"""Where pictures come from: paths, bytes and file objects, opened for a decoder within limits."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gesso.disk.atomic import shown
from gesso.errors import GessoError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
"""A path, a picture file's bytes, or a file object open for reading bytes."""

MAX_BYTES = 256 * 2**20
"""Default byte limit: 89 megapixels of uncompressed 8-bit RGB fit, and any JPEG within the pixel
limit; what is larger is hardly ever a photo, and a decoder's time grows with the bytes."""

LINE_LENGTH = 200


class NamedBytes(io.BytesIO):
    """Bytes that messages call by a name."""

    def __init__(self, data: bytes | bytearray | memoryview, name: str) -> None:
        super().__init__(data)
        self.name = name


def problem(source: object, text: str) -> GessoError:
    """A `GessoError` of one printable line, at most 200 characters: the source, then the text."""
    name = shown(name_of(source))
    text = shown(" ".join(text.split()))
    room = max(100, LINE_LENGTH - len(name) - 2)
    text = text if len(text) <= room else text[: room - 1] + "…"
    room = LINE_LENGTH - len(text) - 2
    name = name if len(name) <= room else "…" + name[len(name) - room + 1 :]
    return GessoError(f"{name}: {text}")


def name_of(source: object) -> str:
    """What messages call a source: its path, a file object's name, or "the picture"."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else "the picture"


@contextmanager
def opened(source: Source, max_bytes: int) -> Iterator[IO[bytes]]:
    """Yield the source as a seekable file open at its start; a file object is read to its end.

    Raises:
        GessoError: no such file, not a regular file, empty, or larger than `max_bytes`.
    """
    if isinstance(source, str | os.PathLike):
        with _opened_path(source) as file:
            _check_size(source, os.fstat(file.fileno()).st_size, max_bytes)
            yield file
        return
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    else:
        data = _all_of(source, max_bytes)
    _check_size(source, len(data), max_bytes)
    yield io.BytesIO(data)


def _check_size(source: object, size: int, max_bytes: int) -> None:
    if size == 0:
        raise problem(source, "is empty (0 bytes)")
    if size > max_bytes:
        raise problem(source, f"{size} bytes, over the limit of {max_bytes} bytes (max_bytes)")


def _all_of(file: IO[bytes], max_bytes: int) -> bytes:
    try:
        data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        raise problem(file, f"cannot be read ({error})") from error
    if not isinstance(data, bytes):
        raise problem(file, "is open as text; allowed is a file opened in binary mode")
    return data


@contextmanager
def _opened_path(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    try:
        # Asked before opening, because opening a named pipe waits for a writer for ever.
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder, not a picture" if stat.S_ISDIR(mode) else "not a regular file"
            raise problem(path, f"is {what}")
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except GessoError:
        raise
    except FileNotFoundError as error:
        raise problem(path, "no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise problem(path, f"cannot be read ({reason})") from error
    with file:
        yield file
