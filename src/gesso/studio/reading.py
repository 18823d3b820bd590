"""A clip that was sent, looked at for the first time in a process apart: a task of
`gesso.studio.worker`. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gesso.images.read import Photo
from gesso.images.resize import resize
from gesso.images.source import problem
from gesso.images.write import write_image

PREVIEW_PX = 1600
QUALITY = 88  # of previews

Task = dict[str, Any]


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
        text = f"{found.count} frames, over the limit of {task['frames']} (max_frames)"
        raise problem(path, text)
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
    path.chmod(0o600)


TASKS: dict[str, Callable[[Task, Any], Task]] = {"clip": clip}
