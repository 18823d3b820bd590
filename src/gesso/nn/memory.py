"""How much memory there is, and how much of it pictures may take. Needs no torch."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from gesso.errors import OptionError

SHARE = 0.75  # of what is free may be taken by default
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_ROOT = Path("/")
_allowed: ContextVar[int | None] = ContextVar("allowed", default=None)


def parsed(text: str) -> int:
    """The bytes of a text such as 2GB, 1.5GiB or 800M. Raises OptionError for any other."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]I?)?B?", text.strip().upper())
    size = float(found[1]) * _UNITS[found[2] or ""] if found else 0
    if size < 10**6:
        trouble = f"{text[:40]!r} is none; allowed are sizes from 1MB, such as 2GB"
        raise OptionError("memory", trouble)
    return int(size)


@contextmanager
def at_most(size: int | None) -> Iterator[None]:
    """Inside, this process may take so many bytes in all; None: SHARE of what is free."""
    token = _allowed.set(size)
    try:
        yield
    finally:
        _allowed.reset(token)


def allowed() -> int | None:
    """The bytes that this process may still take; None where that is not known."""
    size, now = _allowed.get(), resident()
    if size is not None:
        return max(0, size - (now or 0))
    there = free()
    return None if there is None else int(SHARE * there)


def give_back() -> None:
    """Hand what malloc keeps of freed memory back to the system, where it can."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def resident() -> int | None:
    """The bytes that this process has now; None where the system does not say."""
    with suppress(OSError, ValueError, AttributeError):
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return None


def free(root: Path = _ROOT) -> int | None:
    """The bytes that may still be taken before the system has none, or the limits of this process
    and of its control groups are reached; None where the system does not say.

    Args:
        root: where the system's files are looked for.
    """
    found = [_of_system(root), _of_process(root), *_of_groups(root)]
    known = [size for size in found if size is not None]
    return max(0, min(known)) if known else None


def _of_system(root: Path) -> int | None:
    with suppress(OSError, ValueError):
        text = (root / "proc/meminfo").read_text()
        line = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
        return int(line[1]) * 1024 if line else None
    return None


def _of_process(root: Path) -> int | None:
    """What is left of the limit of address space (ulimit -v)."""
    with suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = (root / "proc/self/statm").read_text().split()[0]
            return limit - int(pages) * resource.getpagesize()
    return None


def _of_groups(root: Path) -> Iterator[int]:
    """What is left in each control group that this process is in, of version 2 or 1."""
    names = "memory.max", "memory.current", "inactive_file"
    old_names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            number, kinds, path = line.split(":", 2)
            base = root / "sys/fs/cgroup"
            if number == "0" and not kinds:
                yield from _up(base, path, *names)
            elif "memory" in kinds.split(","):
                yield from _up(base / "memory", path, *old_names)


def _up(base: Path, path: str, limit: str, usage: str, cached: str) -> Iterator[int]:
    """What is left in a group and in those above it; pages of files can be given up."""
    folder = base / path.lstrip("/")
    while folder.is_relative_to(base):
        with suppress(OSError, ValueError):
            most, used = (int((folder / name).read_text()) for name in (limit, usage))
            line = re.search(rf"^{cached} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
            yield most - used + (int(line[1]) if line else 0)
        folder = folder.parent


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
