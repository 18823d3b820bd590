"""Pictures → segments of encoded ones, each a file that begins with a key frame."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

from gesso.disk.atomic import os_error_line, put_in_place, shown
from gesso.errors import GessoError
from gesso.video.frames import Frame, Pixels
from gesso.video.needed import pyav
from gesso.video.parts import Parts
from gesso.video.pixels import LOSSLESS, encodable
from gesso.video.reading import why
from gesso.video.targets import Codec

THREADS = 4  # of an encoder, on every machine: what it writes depends on their number
BT709 = 1  # of AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic
LIMITED = 1  # of AVColorRange


class Encoder:
    """Pictures → one file of encoded ones, which begins with a key frame.

    Args:
        path: the file to write.
        codec: how.
        tick: the unit of times, in seconds.
        rate: frames a second, about.
    """

    def __init__(self, path: Path, codec: Codec, tick: Fraction, rate: Fraction) -> None:
        self.codec, self.tick, self.rate = codec, tick, rate
        options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
        self._file = pyav().open(str(path), "w", format="nut", options=options)
        self._stream: Any = None

    def add(self, rgb: Pixels, alpha: Pixels | None, ticks: int) -> None:
        """Encode a picture (H, W, 3), which is shown at a time. Raises what PyAV raises."""
        picture = encodable(rgb, alpha, self.codec.pixel_format, self.codec.even)
        picture.pts, picture.time_base = ticks, self.tick
        if self._stream is None:
            self._stream = self._begun(picture)
        self._file.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Write what is still on its way."""
        if self._stream is not None:
            self._file.mux(self._stream.encode())
        self._file.close()

    def _begun(self, picture: Any) -> Any:
        options = dict(self.codec.options)
        if self.codec.crf is not None:
            options |= {"crf": str(self.codec.crf)}
        if self.codec.name == "libx264" and _has_avx512():
            # x264's AVX-512 code gave other bytes for the same pictures in 4 of 100 runs.
            options |= {"x264-params": "asm=avx2"}
        rate = self.rate.limit_denominator(100_000)
        try:
            stream = self._file.add_stream(self.codec.name, rate=rate, options=options)
        except ValueError as error:
            line = "missing in the FFmpeg of this PyAV; its wheels on PyPI have it"
            raise GessoError(f"{self.codec.name}: {line}") from error
        stream.width, stream.height = picture.width, picture.height
        stream.pix_fmt = self.codec.pixel_format
        context = stream.codec_context
        context.time_base = stream.time_base = self.tick
        context.thread_count = THREADS
        if self.codec.pixel_format != LOSSLESS:
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = LIMITED
        return stream


def _has_avx512() -> bool:
    """Whether the processor has it, as numpy found out when it was imported."""
    try:
        found = import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):  # numpy promises none of this
        return False
    return bool(found.get("AVX512F") and found.get("AVX2"))


class SegmentWriter:
    """Frames' pictures, in their order → the segments of a clip. A segment has its name once it is
    complete."""

    def __init__(self, parts: Parts, codec: Codec, tick: Fraction, rate: Fraction) -> None:
        self.parts, self.codec, self.tick, self.rate = parts, codec, tick, rate
        self.written = set[int]()
        self._number: int | None = None
        self._encoder: Encoder | None = None

    def add(self, number: int, frame: Frame, picture: Pixels) -> None:
        """Add the picture of a frame to a segment; the one before is complete when another begins.

        Raises:
            GessoError: it cannot be written.
        """
        try:
            if number != self._number:
                self.close()
                unfinished = self.parts.unfinished(number)
                self._encoder = Encoder(unfinished, self.codec, self.tick, self.rate)
                self._number = number
            assert self._encoder is not None
            self._encoder.add(picture, frame.alpha, int(frame.time / self.tick))
        except pyav().FFmpegError as error:
            raise self._trouble(error) from error

    def close(self, complete: bool = True) -> None:
        """Write what is on its way. A segment that is not `complete` stays unfinished."""
        if self._encoder is None or self._number is None:
            return
        encoder, number = self._encoder, self._number
        self._encoder = self._number = None
        try:
            encoder.close()
            if complete:
                put_in_place(self.parts.unfinished(number), self.parts.path(number))
                self.written.add(number)
        except pyav().FFmpegError as error:
            raise self._trouble(error) from error
        except OSError as error:
            line = os_error_line(self.parts.path(number), error, "cannot be written")
            raise GessoError(line) from error

    def _trouble(self, error: Exception) -> GessoError:
        return GessoError(f"{shown(self.parts.folder)}: cannot be written ({why(error)})")
