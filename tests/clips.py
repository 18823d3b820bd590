"""Tiny clips, rendered here, and an independent look at those that gesso writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from gesso.video.frames import Frame, Pixels

RATE = 24


def picture(number: int, width: int = 48, height: int = 32) -> Pixels:
    """(height, width, 3): a bar that moves over a ground that gets brighter."""
    made = np.full((height, width, 3), (40 + 5 * number % 160, 70, 120), np.uint8)
    left = 2 * number % width
    made[:, left : left + 6] = (220, 200, 40)
    return made


@dataclass(frozen=True)
class Sound:
    """A track of a tone."""

    codec: str = "aac"
    language: str = "eng"


def write_clip(
    path: Path,
    frames: int = 24,
    *,
    width: int = 48,
    height: int = 32,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: Any = RATE,
    times: Sequence[int] | None = None,
    tick: Fraction | None = None,
    sounds: Sequence[Sound] = (Sound(),),
    shape: Fraction | None = None,
    matrix: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    colors: dict[str, int] | None = None,
) -> Path:
    """A clip of `picture`s, at `times` in ticks or at the rate, with sounds as long."""
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        if tick is not None:
            stream.codec_context.time_base = tick
        if shape is not None:
            stream.codec_context.sample_aspect_ratio = shape
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for name, value in (colors or {}).items():
            setattr(stream.codec_context, name, value)
        tracks = [_track(file, sound) for sound in sounds]
        base = tick or 1 / Fraction(rate)
        at = list(times) if times is not None else list(range(frames))
        for number, when in enumerate(at):
            frame = av.VideoFrame.from_ndarray(picture(number, width, height), "rgb24")
            frame.pts, frame.time_base = when, base
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
        for number, track in enumerate(tracks):
            _sing(file, track, float((at[-1] + 1) * base), 220.0 * (number + 1))
    return path


def write_sound(path: Path, seconds: float = 0.2) -> Path:
    """A file of sound and no pictures."""
    with av.open(str(path), "w") as file:
        _sing(file, _track(file, Sound()), seconds, 220.0)
    return path


def _track(file: Any, sound: Sound) -> Any:
    track = file.add_stream(sound.codec, rate=48000)
    track.metadata["language"] = sound.language
    return track


def _sing(file: Any, track: Any, seconds: float, tone: float) -> None:
    """Encode a tone."""
    context = track.codec_context
    kind, samples = context.format.name, context.frame_size or 1024
    for begin in range(0, int(seconds * 48000), samples):
        wave = 0.2 * np.sin(2 * np.pi * tone * np.arange(begin, begin + samples) / 48000)
        both = np.stack([wave, wave])
        values = both if kind.endswith("p") else both.T.reshape(1, -1)
        numbers = values.astype(np.float32) if "flt" in kind else (values * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(numbers), kind, "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, begin, Fraction(1, 48000)
        file.mux(track.encode(frame))
    file.mux(track.encode())


@dataclass
class Seen:
    """What an independent reader sees in a file: frames' times in seconds and pictures; of every
    other track its kind, language and packets (time, bytes)."""

    times: list[Fraction] = field(default_factory=list)
    pictures: list[Pixels] = field(default_factory=list)
    tracks: list[tuple[str, str | None, list[tuple[Fraction, bytes]]]] = field(default_factory=list)
    tick: Fraction = Fraction(0)


def seen(path: Path) -> Seen:
    """Decode a file."""
    found = Seen()
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        found.tick = Fraction(stream.time_base or 0)
        for frame in file.decode(stream):
            found.times.append(frame.pts * Fraction(frame.time_base))
            found.pictures.append(frame.to_ndarray(format="rgb24"))
    for index in range(len(av.open(str(path)).streams)):
        with av.open(str(path)) as file:
            stream = file.streams[index]
            if stream.type in ("audio", "subtitle"):
                packets = [
                    (Fraction(p.time_base) * (p.pts or 0), bytes(p))  # a lone one may have no time
                    for p in file.demux(stream)
                    if p.size
                ]
                found.tracks.append((stream.type, stream.language, packets))
    return found


@dataclass
class Inverted:
    """A look that remembers the frame before: its red channel is that one's."""

    memory: int = 1
    before: Pixels | None = None
    shown: list[int] = field(default_factory=list)

    def __call__(self, frame: Frame) -> Pixels:
        made = 255 - frame.rgb
        if self.before is not None:
            made[..., 0] = self.before[..., 0]
        self.before = frame.rgb
        self.shown.append(frame.index)
        return made

    def reset(self) -> None:
        self.before = None


class Same:
    """A look that changes nothing."""

    memory = 0

    def __call__(self, frame: Frame) -> Pixels:
        return frame.rgb

    def reset(self) -> None:
        pass
