"""What the environment asks of every computation. Needs no torch."""

from __future__ import annotations

import os

from gesso.errors import GessoError

PRECISION = "GESSO_PRECISION"
ALLOWED = ("fast", "float32")


def wants_float32() -> bool:
    """Whether all is to be computed in float32 (GESSO_PRECISION=float32), so that machines of all
    kinds give the same picture, up to rounding; else bfloat16 is used where it is fast.

    Raises:
        GessoError: the variable has another value than fast or float32.
    """
    asked = os.environ.get(PRECISION) or ALLOWED[0]
    if asked not in ALLOWED:
        raise GessoError(f"{PRECISION}: {asked} is unknown; allowed are {', '.join(ALLOWED)}")
    return asked == "float32"
