"""The smaller copies of a picture that are painted before it."""

from __future__ import annotations


def halvings(size: int, begin: int) -> int:
    """How often a picture of `size` px is halved until its longer side is about `begin` px: from
    three quarters to one and a half of that. 0 for a `begin` of 0."""
    count = 0
    while begin and size / 2 ** (count + 1) >= 0.75 * begin:
        count += 1
    return count
