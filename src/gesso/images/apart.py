"""Decoding in processes of its own, where pictures of strangers come in number.

    with apart(timeout=10):
        read_photo("a.jpg")  # decoded by another process, with limits of time and memory

A decoder that takes too long is ended, and one that is killed, by its picture or by the system,
is started anew: the picture is named in a `GessoError`, and the next one is read.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gesso.errors import GessoError, OptionError
from gesso.images.source import MAX_BYTES, Source, name_of, opened, problem
from gesso.images.wire import ending, receive, send

TIMEOUT = 10.0
"""Default seconds for one picture: five times what a photo of 88 megapixels takes."""

_START = 120.0  # seconds in which a process has to come up, on a machine with much to do
_TRIES = 2  # with a picture whose decoder was killed: once it may have been anybody's fault
_ROOT = Path(__file__).parent.parent.parent
_CODE = f"import sys; sys.path.append({str(_ROOT)!r}); from gesso.images.worker import main; main()"

log = logging.getLogger(__name__)
_now: list[Decoders] = []  # those in force, the last of them


@contextmanager
def apart(timeout: float = TIMEOUT, most: int | None = None) -> Iterator[Decoders]:
    """Inside, `read_photo` and `read_plain` decode files and bytes in processes of their own, in
    every thread.

    Args:
        timeout: seconds for one picture, from 0.1.
        most: how many processes there are at once; None: as many as processors. More than one is
            started only when several threads read at the same time.
    """
    decoders = Decoders(timeout, most)
    _now.append(decoders)
    try:
        yield decoders
    finally:
        _now.remove(decoders)
        decoders.close()


def current() -> Decoders | None:
    """The decoders in force; None: pictures are decoded in this process."""
    return _now[-1] if _now else None


class Decoders:
    """Processes that decode; see `apart`. Safe to use from several threads."""

    def __init__(self, timeout: float = TIMEOUT, most: int | None = None) -> None:
        if not timeout >= 0.1:
            raise OptionError("decode_timeout", f"{timeout}; allowed are seconds from 0.1")
        self.timeout = timeout
        self._slots = threading.BoundedSemaphore(most or processors())
        self._idle = [_Decoder()]  # comes up while its owner still imports what it needs
        self._lock = threading.Lock()
        self._closed = False

    def ask(
        self, kind: str, source: Source, **options: Any
    ) -> tuple[dict[str, Any], Sequence[Any]]:
        """The answer of a decoder to one request of `gesso.images.worker.KINDS`: head and parts.

        Raises:
            GessoError: one line that names the source: what `read_photo` raises, too long a time,
                or a decoder that was killed twice.
        """
        name, parts = name_of(source), _bytes_of(source, options.get("max_bytes", MAX_BYTES))
        request = {"kind": kind, "name": name, "folder": os.getcwd(), "timeout": self.timeout}
        with self._slots:
            for _ in range(_TRIES):
                decoder = self._take()
                try:
                    head, answer = decoder.ask(request | options, parts, self.timeout)
                    break
                except EOFError:
                    if decoder.late:
                        trouble = f"takes longer than {self.timeout:g} s to decode"
                        raise problem(source, f"{trouble} (decode_timeout)") from None
                finally:
                    self._give_back(decoder)
            else:
                how = ending(decoder.process)
                raise problem(source, f"ended its decoder twice ({how})")
        for line in head.pop("log"):
            log.warning("%s", line)
        if "option" in head:
            raise OptionError(head["option"], head["error"])
        if "error" in head:
            raise GessoError(head["error"])
        return head, answer

    def close(self) -> None:
        """End all processes; those at work once their answer is there."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for decoder in idle:
            decoder.end()

    def _take(self) -> _Decoder:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Decoder()

    def _give_back(self, decoder: _Decoder) -> None:
        with self._lock:
            if decoder.usable and not self._closed:
                self._idle.append(decoder)
                return
        decoder.end()


class _Decoder:
    """One process, and whether it was ended for taking too long."""

    def __init__(self) -> None:
        self.late = self._ready = self._asked = False
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE],  # -P: no module comes from the working folder
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise GessoError(f"no process to decode pictures can be started: {error}") from error

    def ask(
        self, request: dict[str, Any], parts: Sequence[bytes], timeout: float
    ) -> tuple[dict[str, Any], Sequence[Any]]:
        """The answer. Raises EOFError where the process ended instead, by itself or for its time;
        GessoError where it never came up."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if not self._ready:
            with suppress(EOFError), self._ended_after(_START):
                self._ready = "ready" in receive(self.process.stdout)[0]
            if not self._ready:
                self.end()
                how = ending(self.process)
                raise GessoError(f"the process that decodes pictures did not come up ({how})")
        with self._ended_after(timeout):
            self._asked = True
            try:
                send(self.process.stdin, request, *parts)
                answer = receive(self.process.stdout)
                self._asked = False
                return answer
            except (OSError, EOFError) as error:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(1)
                raise EOFError from error

    @property
    def usable(self) -> bool:
        """Whether it waits for a request: not ended, nor left in the middle of an answer."""
        return not (self.late or self._asked) and self.process.poll() is None

    def end(self) -> None:
        """End the process, if it has not ended."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.process.wait()

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[None]:
        """The process is killed unless the body is done within that time."""
        timer = threading.Timer(seconds, self._kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _kill(self) -> None:
        self.late = True
        self.process.kill()


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _bytes_of(source: Source, max_bytes: int) -> list[bytes]:
    """What a decoder cannot open itself."""
    if isinstance(source, str | os.PathLike):
        return []
    with opened(source, max_bytes) as file:
        return [file.read()]
