"""What the command line says, line by line on stderr."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from gesso.errors import require_torch
from gesso.reports import counting, stage

THREADS = "OMP_NUM_THREADS"


words: ContextVar[Sequence[str]] = ContextVar("words", default=())
"""The command line that is being done, from the command's name on."""


def one_line(text: str) -> str:
    """`text` without line breaks and other control characters."""
    text = " ".join(text.split())
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def complain(text: str) -> None:
    """One line about something that went wrong."""
    sys.stderr.write(one_line(text) + "\n")  # in one piece: several threads write
    sys.stderr.flush()


def say(text: str, quiet: bool = False) -> None:
    """One line about what was done."""
    if not quiet:
        complain(text)


class _Stderr(logging.Handler):
    """Looks stderr up anew for every line: progress bars put themselves in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))


def set_up_logging(verbose: int) -> int:
    """Warnings by default; what is done and why at 1, everything at 2."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logger = logging.getLogger("gesso")
    logger.setLevel(level)
    logger.handlers = [_Stderr()]
    logger.propagate = False
    return verbose


@contextmanager
def reporting_seconds() -> Iterator[None]:
    """With -v, print the seconds of the body's stages, and the threads that computed."""
    with counting() as seconds:
        try:
            yield
        finally:
            if seconds and logging.getLogger("gesso").isEnabledFor(logging.INFO):
                parts = [f"{name} {taken:.2f} s" for name, taken in seconds.items()]
                if (count := threads()) is not None:
                    parts.append(f"{count} threads")
                say(", ".join(parts))


def limit_threads(count: int | None) -> int | None:
    """Let at most `count` threads compute; None: as many as torch likes. Returns `count`."""
    if count is not None:
        os.environ[THREADS] = str(count)  # read when torch is imported, and by child processes
        if sys.modules.get("torch") is not None:
            sys.modules["torch"].set_num_threads(count)
    return count


def threads() -> int | None:
    """How many threads compute, as far as that is known."""
    if sys.modules.get("torch") is not None:
        return int(sys.modules["torch"].get_num_threads())
    return int(os.environ.get(THREADS) or 0) or None


def threads_are_chosen() -> bool:
    """Whether the user has said how many threads compute."""
    return bool(os.environ.get(THREADS))


def import_torch() -> None:
    """Import torch an eighth faster: the garbage collector would look for cycles among hundreds of
    thousands of objects that are all to stay. Its tensors' memory is used again.

    Raises:
        GessoError: it is not installed.
    """
    require_torch()
    from gesso.training.malloc import keep_small_blocks

    keep_small_blocks()
    gc.disable()
    try:
        with stage("import torch"):
            import torch  # noqa: F401
    finally:
        gc.freeze()
        gc.enable()
