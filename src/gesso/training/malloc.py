"""Settings of glibc's malloc: a process keeps memory that its tensors free."""

from __future__ import annotations

import ctypes
import platform

# glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4
GROW_BY_BYTES = 64 * 2**20  # at a time
NEVER = -1

LARGE_BYTES = 64 * 2**20  # above every bfloat16 feature map of a picture of 1024 px
KEPT_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Let this process keep what it frees for its next tensors; return whether that worked.

    glibc hands every freed block above 32 MB back to the kernel, which then has to map and zero
    each page of the next one anew. A training step allocates the same sizes again and again: this
    took a quarter of a second-order step at the paper's size. In return the process
    stays as large as it once was, and fragments may make it a little larger: for processes that
    train, not for those that stylize one photo, for which there is `keep_small_blocks`.
    """
    return _arrange((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, GROW_BY_BYTES))


def keep_small_blocks() -> bool:
    """Keep freed blocks below 64 MB, no more than 256 MB of them at the heap's end; return whether
    that worked.

    These limits suit the steps of an adaptation, which allocate the same sizes again and again.
    A photo of 12 megapixels has fewer than half of its pages mapped and zeroed anew, at 5 to 7 %
    more peak memory; the largest tensors still go back at once.
    """
    return _arrange((M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, KEPT_BYTES))


def _arrange(*wishes: tuple[int, int]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return all([mallopt(option, value) == 1 for option, value in wishes])
