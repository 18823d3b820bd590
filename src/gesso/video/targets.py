"""What can be written, and how its pictures are encoded on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.video.pixels import LOSSLESS

Kind = Literal["container", "animation", "folder"]
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
ANIMATIONS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}
THREADS = 4  # of an encoder, on every machine: what it writes depends on their number


@dataclass(frozen=True)
class Codec:
    """How pictures are encoded.

    Attributes:
        name: FFmpeg's, of the encoder.
        pixel_format: what it is given.
        crf: its constant quality; None where it has none.
        options: all others.
        even: whether its pictures need even sides.
        reorder: by how many frames its packets may run ahead of the order they are shown in.
    """

    name: str
    pixel_format: str
    crf: int | None
    options: Mapping[str, str]
    even: bool = False
    reorder: int = 0


H264 = Codec(
    "libx264", "yuv420p", 18, {"preset": "medium", "bf": "3", "b-pyramid": "normal"}, True, 2
)
VP9 = Codec("libvpx-vp9", "yuv420p", 24, {"deadline": "good", "cpu-used": "4", "row-mt": "1"})
FFV1 = Codec("ffv1", LOSSLESS, None, {})  # for what is no video in the end
MOST_CRF = {"libx264": 51, "libvpx-vp9": 63}


@dataclass(frozen=True)
class Target:
    """A clip to be written.

    Attributes:
        path: the file or folder.
        kind: a video file, an animated picture, or a folder of frames.
        format: FFmpeg's or Pillow's name of it.
        codec: how its pictures are encoded.
    """

    path: Path
    kind: Kind
    format: str
    codec: Codec


def target(out: Path, crf: int | None = None) -> Target:
    """What `out` names: a video or an animation by its suffix, a folder without one.

    Raises:
        GessoError: an unknown suffix, a folder that does not exist.
        OptionError: a `crf` that the codec has not got.
    """
    suffix = out.suffix.lower()
    if not out.absolute().parent.is_dir():
        raise GessoError(f"{shown(out)}: its folder does not exist; make it first")
    if out.is_dir() or not suffix:
        return Target(out, "folder", "PNG", _with_crf(FFV1, crf))
    if suffix in CONTAINERS:
        codec = VP9 if suffix == ".webm" else H264
        return Target(out, "container", CONTAINERS[suffix], _with_crf(codec, crf))
    if suffix in ANIMATIONS:
        return Target(out, "animation", ANIMATIONS[suffix], _with_crf(FFV1, crf))
    allowed = ", ".join([*CONTAINERS, *ANIMATIONS])
    trouble = f"no clip's format for {out.suffix!r}; allowed: {allowed}, or a folder for frames"
    raise GessoError(f"{shown(out)}: {trouble}")


def _with_crf(codec: Codec, crf: int | None) -> Codec:
    if crf is None:
        return codec
    if codec.crf is None:
        raise OptionError("crf", "of no use for pictures, which keep all that is in a frame")
    if not 0 <= crf <= MOST_CRF[codec.name]:
        allowed = f"allowed are 0 to {MOST_CRF[codec.name]}"
        raise OptionError("crf", f"{crf} is out of range; {allowed}")
    return replace(codec, crf=crf)
