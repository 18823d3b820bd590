"""What a process does with memory that its tensors free."""

from __future__ import annotations

import ctypes
import platform

# glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
GROW_BY_BYTES = 64 * 2**20  # at a time
NEVER = -1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees for its next tensors; whether that could be arranged.

    glibc hands every freed block above 32 MB back to the kernel, which then has to map and zero
    each page of the next one anew. A training step allocates the same sizes again and again: a
    quarter of MetaStyle's second-order step at the paper's size was that. In return the process
    stays as large as it once was, and fragments may make it a little larger: for processes that
    train, not for those that stylize one photo.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    wishes = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, GROW_BY_BYTES))
    return all([mallopt(option, value) == 1 for option, value in wishes])
