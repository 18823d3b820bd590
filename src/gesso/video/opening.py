"""The clip that a path names, whatever kind it is of."""

from __future__ import annotations

from pathlib import Path

from gesso.disk.atomic import open_regular
from gesso.errors import OptionError
from gesso.images.formats import sniff
from gesso.video.pictures import Animation, Folder
from gesso.video.reading import Clip
from gesso.video.source import Source, Taken


def open_clip(path: Path, taken: Taken | None = None) -> Source:
    """A folder of frames, an animated picture or a video file, known by its bytes.

    Raises:
        GessoError: a path that names no clip; a clip of which nothing can be shown.
    """
    taken = taken or Taken()
    if path.is_dir():
        return Folder(path, taken)
    with open_regular(path) as file:
        head = file.read(64)
    if taken.rate is not None:
        raise OptionError("fps", "of no use with a clip that has times of its own")
    return Animation(path, taken) if sniff(head) else Clip(path, taken)
