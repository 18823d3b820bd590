"""One process at a time. Needs no torch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gesso.disk.atomic import StrPath, os_error_line
from gesso.errors import GessoError


@contextmanager
def locked(path: StrPath, trouble: str) -> Iterator[None]:
    """Hold the file `path`, which is made where it is not there; the system lets go even when the
    process is killed. On Windows nothing is held.

    Raises:
        GessoError: `trouble`, where another process holds it; the file cannot be made.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        file = open(path, "ab")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise GessoError(os_error_line(path, error, "cannot be written")) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GessoError(trouble) from error
        yield
