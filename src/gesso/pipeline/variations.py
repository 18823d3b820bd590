"""One photo in many styles: a picture each, and a sheet of them all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.read import read_image
from gesso.images.sheet import labelled_sheet
from gesso.images.write import write_image
from gesso.pipeline.photos import Pictures, painted
from gesso.pipeline.plan import Job
from gesso.stylizers.progress import OnStep

if TYPE_CHECKING:
    from gesso.controls.controls import Controls
    from gesso.pipeline.session import Session

SHEET_PX = 320  # longer side of a picture in the sheet


class Variations:
    """A photo, read once, and the session that stylizes it.

    Raises:
        GessoError: a photo that cannot be read.
    """

    def __init__(
        self, session: Session, photo: Path, controls: Controls, pictures: Pictures
    ) -> None:
        from gesso.pipeline.style_cards import Contents

        self.session, self.controls, self.pictures = session, controls, pictures
        self.photo = pictures.levels(photo)
        photos, frame = [photo], pictures.frame
        self.contents = Contents(photos, pictures.size, seen=self.photo.rgb, frame=frame)

    def make(self, job: Job, on_step: OnStep | None = None) -> None:
        """Write the photo in the style of a job. Raises GessoError where that fails."""
        stylizer = self.session.stylizer(
            [job.style], self.controls, contents=self.contents, on_step=on_step
        )
        picture = painted(self.photo, stylizer, shown(job.photo), on_step)
        self.pictures.write(picture, job)


def write_sheet(jobs: Sequence[Job], out: Path) -> None:
    """Write one picture of the results of jobs, as far as there are any, with their styles' names.

    Raises:
        GessoError: it cannot be written.
    """
    cells, names = [], []
    for job in jobs:
        with suppress(GessoError):  # it failed, and was named
            cells.append(read_image(job.out, size=SHEET_PX))
            names.append(job.style.stem if job.style else "")
    if not cells:
        return
    write_image(out, labelled_sheet(cells, names))
