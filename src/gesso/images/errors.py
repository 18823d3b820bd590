"""What decoders and encoders raise."""

from __future__ import annotations

import struct
import zlib

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    MemoryError,
    EOFError,
    RuntimeError,  # with NotImplementedError and RecursionError
    ArithmeticError,  # with OverflowError and ZeroDivisionError
    LookupError,  # with IndexError and KeyError
    AttributeError,
    AssertionError,
    struct.error,
    zlib.error,
    Warning,
)
"""All that Pillow and its plugins raise on bad files, as documented or as seen when fuzzing."""
