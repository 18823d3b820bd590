"""What strangers send, read for the first time, in a process apart. Needs no torch.

Every task looks at a file within limits, and writes what may be shown of it: our own encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL.ImageFile import ImageFile

from gesso.cards.packing import narrowest, read_card, write_card
from gesso.errors import GessoError
from gesso.images.decode import decoded
from gesso.images.read import Photo, read_photo
from gesso.images.resize import resize
from gesso.images.source import problem
from gesso.images.write import write_image

PREVIEW_PX = 1600
THUMBNAIL_PX = 256
QUALITY = 88  # of previews

Task = dict[str, Any]


class _Known(BaseException):
    """Raised to leave a decoder once the header is read; no decoder catches it."""

    def __init__(self, image: ImageFile) -> None:
        super().__init__()
        self.size, self.kind, self.pictures = image.size, str(image.format), 1
        with suppress(Exception):  # pictures that cannot be read do not count
            self.pictures = int(getattr(image, "n_frames", 1))
        if self.kind == "MPO":  # a JPEG with its previews and depth maps
            self.kind, self.pictures = "JPEG", 1


def picture(task: Task, listener: object = None) -> Task:
    """Size, kind and transparency of a picture; its preview is written.

    The task: path, preview, pixels and bytes that are allowed. Raises GessoError for a picture that
    cannot be read, or holds several.
    """
    path, limits = Path(task["path"]), {"max_pixels": task["pixels"], "max_bytes": task["bytes"]}
    known = _header(path, limits)
    if known.pictures > 1:
        allowed = "allowed is 1 (an animation is a clip)"
        raise problem(path, f"holds {known.pictures} pictures; {allowed}")
    small = min(PREVIEW_PX, max(known.size))
    photo = read_photo(path, size=small, **limits)
    write_preview(Path(task["preview"]), photo)
    height, width = photo.rgb.shape[1:]
    turned = (width > height) != (known.size[0] > known.size[1]) and width != height
    size = known.size[::-1] if turned else known.size
    return {
        "width": size[0],
        "height": size[1],
        "kind": known.kind,
        "alpha": photo.alpha is not None,
    }


def _header(path: Path, limits: Task) -> _Known:
    def prepare(image: ImageFile) -> None:
        raise _Known(image)

    try:
        with decoded(path, prepare=prepare, **limits):
            raise problem(path, "cannot be read")
    except _Known as known:
        return known


def card(task: Task, listener: object = None) -> Task:
    """What a card's header says; the card is written anew, and its thumbnail as a picture of ours.

    The task: path, and where to write them: out ("" is nowhere), preview. Raises GessoError for a
    file that is no card.
    """
    found = read_card(task["path"])
    if task["out"]:
        write_card(task["out"], found, narrowest(found))
    has_thumbnail = False
    if found.thumbnail:
        with suppress(GessoError):
            photo = read_photo(found.thumbnail, max_pixels=1_000_000)
            write_preview(Path(task["preview"]), photo, THUMBNAIL_PX)
            has_thumbnail = True
    origin = found.provenance
    style = origin.get("style")
    return {
        "method": found.method,
        "style": style if isinstance(style, str) else "",
        "thumbnail": has_thumbnail,
        "mixed": bool(origin.get("blend")),
        "vectors": found.vectors is not None,
    }


def clip(task: Task, listener: object = None) -> Task:
    """Size, frames and seconds of a clip; a preview of its first frame is written.

    The task: path, preview, pixels and frames that are allowed. Raises GessoError for a clip that
    cannot be read, or has too many of either.
    """
    from gesso.video.opening import open_clip
    from gesso.video.source import Taken

    path = Path(task["path"])
    found = open_clip(path, Taken(max_pixels=task["pixels"]))
    if found.count > task["frames"]:
        raise problem(
            path, f"{found.count} frames, over the limit of {task['frames']} (max_frames)"
        )
    frame = next(found.frames(), None)
    if frame is None:
        raise problem(path, "holds no picture that can be shown")
    rgb = np.ascontiguousarray(frame.rgb.transpose(2, 0, 1), np.float32) / np.float32(255)
    write_preview(Path(task["preview"]), Photo(rgb))
    height, width = rgb.shape[1:]
    return {
        "width": width,
        "height": height,
        "kind": "clip",
        "frames": found.count,
        "seconds": float(found.length),
        "rate": float(found.rate),
    }


def write_preview(path: Path, photo: Photo, most: int = PREVIEW_PX) -> None:
    """Write what is shown of a picture: a WebP of at most so many px, without metadata."""
    rgb, alpha = photo.rgb, photo.alpha
    if max(rgb.shape[1:]) > most:
        rgb = resize(rgb, most)
        alpha = None if alpha is None else resize(alpha, most)
    write_image(path, rgb, alpha=alpha, quality=QUALITY, format=".webp")


TASKS: dict[str, Callable[[Task, Any], Task]] = {"picture": picture, "card": card, "clip": clip}
