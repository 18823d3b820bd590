"""A decoder: a process that reads pictures for another one, until that one goes away."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np

from gesso.errors import GessoError, OptionError
from gesso.images.facts import picture_facts
from gesso.images.plain import read_plain
from gesso.images.read import MAX_PIXELS, read_levels
from gesso.images.source import NamedBytes, problem
from gesso.images.wire import Buffer, receive, send

GRACE = 1.0  # seconds after which a decoder ends itself whose master did not
ROOM = 2**30  # bytes: the interpreter and its libraries
PIXEL = 40  # bytes a pixel: a picture as its decoder holds it, and as numbers


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    """Answer requests on standard input by pictures on standard output."""
    with suppress(ValueError, AttributeError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the master's to answer
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # C libraries print there, too
    os.dup2(nowhere, 2)
    log = _Lines()
    logging.getLogger("gesso").addHandler(log)
    logging.getLogger("gesso").propagate = False
    with suppress(EOFError, OSError):
        send(answers, {"ready": True})
        while True:
            request, parts = receive(requests)
            head, arrays = _answer(request, parts)
            send(answers, head | {"log": log.lines}, *arrays)
            log.lines.clear()


def _answer(request: dict[str, Any], parts: Any) -> tuple[dict[str, Any], list[Buffer]]:
    """The head and the parts of the answer; what went wrong is one line in the head."""
    timeout, folder = request.pop("timeout"), request.pop("folder")
    kind, name = request.pop("kind"), request.pop("name")
    source = NamedBytes(parts[0], name) if parts else name
    try:
        if folder != os.getcwd():
            os.chdir(folder)
        limit(timeout, request.get("max_pixels", MAX_PIXELS))
        return KINDS[kind](source, request)
    except OptionError as error:
        return {"option": error.option, "error": error.trouble}, []
    except GessoError as error:
        return {"error": str(error)}, []
    except MemoryError:
        return {"error": str(problem(source, "not enough memory to decode this picture"))}, []
    except Exception as error:  # one that a decoder of ours should have turned into a line
        reason = f"{type(error).__name__}: {error}"
        return {"error": str(problem(source, f"cannot be decoded ({reason})"))}, []
    finally:
        _alarm(0)


def limit(timeout: float, max_pixels: int) -> None:
    """This process may allocate what a picture within the limits can need, and ends by itself
    when its master does not end it in time."""
    _alarm(timeout + GRACE)
    with suppress(ImportError, ValueError, OSError):
        import resource

        most = ROOM + PIXEL * max_pixels
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))


def _alarm(seconds: float) -> None:
    """SIGALRM, whose default is the end of the process, even within a decoder; 0: none."""
    if hasattr(signal, "alarm"):
        signal.alarm(math.ceil(seconds))


def _levels(source: Any, options: dict[str, Any]) -> tuple[dict[str, Any], list[Buffer]]:
    photo = read_levels(source, **options)
    head = {"shape": photo.rgb.shape, "type": photo.rgb.dtype.str}
    arrays = [photo.rgb] if photo.alpha is None else [photo.rgb, photo.alpha]
    return head, [photo.exif, *(np.ascontiguousarray(array).data for array in arrays)]


def _facts(source: Any, options: dict[str, Any]) -> tuple[dict[str, Any], list[Buffer]]:
    return asdict(picture_facts(source, **options)), []


def _plain(source: Any, options: dict[str, Any]) -> tuple[dict[str, Any], list[Buffer]]:
    picture = read_plain(source, **options)
    return {"mode": picture.mode, "size": picture.size}, [picture.tobytes()]


KINDS: dict[str, Callable[[Any, dict[str, Any]], tuple[dict[str, Any], list[Buffer]]]] = {
    "facts": _facts,
    "photo": _levels,
    "plain": _plain,
}
