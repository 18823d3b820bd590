"""How much memory a photo takes, which is known before it is read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from gesso.controls.controls import Controls
from gesso.controls.painting import Limit
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.decode import picture_size
from gesso.images.resize import target_size
from gesso.methods.about import About
from gesso.nn import memory
from gesso.pipeline.plan import Job
from gesso.pipeline.session import Session

READING = 7  # bytes a pixel: as Pillow has it, and as bytes
HELD = 3  # as bytes
FINISHING = 11  # photo and picture as bytes, the picture as Pillow has it, its file
POLISHING = 2200  # of a polished pixel: what the encoder keeps for gradients
POLISHING_TILES = 110  # where it is polished in tiles
TILE = 200_000_000  # bytes that the smallest tile takes with a gradient
STRIPS = 150_000_000  # bytes: strips, tiles, and what libraries keep

log = logging.getLogger(__name__)


def needed(
    pixels: int, painted: int, about: About, polished: int = 0, room: int | None = None
) -> int:
    """The bytes that a photo takes beside a method that is loaded.

    Args:
        pixels: of the photo.
        painted: pixels of the copy that is painted, which may be all.
        polished: pixels of the copy on which steps are taken afterwards.
        room: the bytes that may be taken: what does not fit is done in tiles, where it can be.
    """
    painting, polish = about.paint_bytes * painted, POLISHING * polished
    beside = STRIPS + HELD * pixels
    if room is not None and about.tile_bytes and beside + painting > room:
        tile = TILE if about.steps_on == "picture" else 0
        painting = min(painting, tile + about.tile_bytes * painted)
    if room is not None and beside + polish > room:
        polish = min(polish, TILE + POLISHING_TILES * polished)
    done = beside + max(painting, polish)
    return max(STRIPS + READING * pixels, done, STRIPS + FINISHING * pixels)


def too_large(
    jobs: Sequence[Job], size: int | None, controls: Controls, session: Session
) -> dict[Path, str]:
    """Output → one line for the photos of jobs that need more memory than may be taken.

    Args:
        size: the longer side of the results in px; None: the photos'.
    """
    how, about, found = controls.completed(session.defaults), session.method.about, {}
    polished = bool(about.polish if how.polish is None else how.polish)
    for job in jobs:
        try:
            check_memory(job.photo, size, how.limit(session.method), about, polished)
        except GessoError as error:
            found[job.out] = str(error)
    return found


def check_memory(
    photo: Path, size: int | None, limit: Limit, about: About, polished: bool = False
) -> None:
    """Raises GessoError, one line, for a photo that takes more memory than may be taken; what it
    takes is logged. Photos that cannot be read are left to who reads them.

    Args:
        size: the longer side of the result in px; None: the photo's.
        limit: up to which size pictures are painted whole.
        polished: whether steps are taken on what is painted.
    """
    try:
        width, height = target_size(picture_size(photo), size)
    except GessoError:
        return
    painted = limit.of(height, width)
    steps_on = min(painted, limit.polished or painted) if polished else 0
    room = memory.allowed()
    need = needed(width * height, painted, about, steps_on, room)
    what = f"{shown(photo)}: {width} × {height} px, painted at {painted / 1e6:.1f} megapixels"
    if room is None:
        log.info("%s, take about %s", what, _size(need))
        return
    log.info("%s, take about %s; %s may be taken", what, _size(need), _size(room))
    if need > room:
        help = "a smaller size or paint_size, or more memory, helps"
        raise GessoError(f"{what}, need {_size(need)}; {_size(room)} may be taken; {help}")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
