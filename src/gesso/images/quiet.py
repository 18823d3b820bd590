"""What decoders print and warn of, kept from the terminal while a picture is read."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from PIL import Image

_lock = threading.Lock()
_readers = 0
_undo = ExitStack()


@contextmanager
def quiet_pillow(max_pixels: int) -> Iterator[None]:
    """Pillow's warnings are ignored, and its pixel limit does not undercut a larger one of ours.

    Both are settings of the whole process: readers in several threads are counted, so that the
    first one changes and the last one restores them.
    """
    global _readers
    with _lock:
        _readers += 1
        if _readers == 1:
            _undo.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")
            _undo.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        if Image.MAX_IMAGE_PIXELS is not None and max_pixels > 2 * Image.MAX_IMAGE_PIXELS:
            Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _undo.close()


_stderr_lock = threading.Lock()


@contextmanager
def muted_stderr(mute: bool) -> Iterator[None]:
    """File descriptor 2 goes nowhere: libtiff prints its complaints there, past Python."""
    if not mute:
        yield
        return
    with _stderr_lock, ExitStack() as undo:
        try:
            saved = os.dup(2)
        except OSError:  # closed: nothing to mute
            saved = -1
        if saved >= 0:
            undo.callback(os.close, saved)
            if sys.stderr is not None:
                sys.stderr.flush()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            undo.callback(os.dup2, saved, 2)
        yield
