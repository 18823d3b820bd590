"""Which photo becomes which file: one output a photo, never an input, never two of one name."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gesso.disk.atomic import os_error_line, shown
from gesso.errors import GessoError
from gesso.images.folders import list_images
from gesso.images.write import WRITE_SUFFIXES

SUFFIX = ".png"  # for photos in a format that is only read, such as GIF


@dataclass(frozen=True)
class Job:
    """A photo to read and the file to write."""

    photo: Path
    out: Path


def plan(photos: Sequence[Path], out: Path, inputs: Iterable[Path] = ()) -> list[Job]:
    """One job for each photo, in the order given; folders stand for all pictures below them.

    One photo is written to the file `out`, or into the folder `out` if there is one. Several
    photos, or those of a folder, are written below the folder `out` under their own names, with
    their subfolders; where two would share a name, also on a file system that ignores case, the
    later one gets a number ("photo-2.jpg"). `inputs`: further files that must not be overwritten.

    Raises:
        GessoError: no photos, an output without a format or a folder to be in, or one that would
            overwrite an input.
    """
    found = _listed(photos, out)
    if len(photos) > 1 or photos[0].is_dir():
        if out.exists() and not out.is_dir():
            raise GessoError(f"{shown(out)}: a file; several photos need a folder to go to")
        names = _distinct([name for _, name in found])
        jobs = [Job(photo, out / name) for (photo, _), name in zip(found, names, strict=True)]
    else:
        jobs = [Job(photos[0], out / found[0][1] if out.is_dir() else _checked_file(out))]
    _refuse_inputs(jobs, inputs)
    return jobs


def plan_one(photo: Path, out: Path, inputs: Iterable[Path] = ()) -> Job:
    """The job of a command that makes one picture of one file. Raises GessoError as `plan` does,
    and for a folder."""
    if photo.is_dir():
        raise GessoError(f"{shown(photo)}: a folder; one file is needed")
    (job,) = plan([photo], out, inputs)
    return job


def unfinished(jobs: Sequence[Job]) -> list[Job]:
    """The jobs whose output does not exist yet: what an interrupted run has left to do."""
    return [job for job in jobs if not job.out.exists()]


def make_folders(jobs: Iterable[Job]) -> None:
    """Create the folders the outputs are in.

    Raises:
        GessoError: one cannot be created.
    """
    for folder in dict.fromkeys(job.out.parent for job in jobs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GessoError(os_error_line(folder, error, "cannot be created")) from error


def _listed(photos: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Every photo once, with its name below the output folder."""
    found: dict[str, tuple[Path, Path]] = {}
    for photo in photos:
        listed = [photo]
        if photo.is_dir():
            listed = [p for p in list_images(photo) if not _inside(p, out, photo)]
            if not listed:
                raise GessoError(f"{shown(photo)}: holds no pictures")
        for path in listed:
            name = path.relative_to(photo) if photo.is_dir() else Path(path.name)
            found.setdefault(os.path.abspath(path), (path, _writable(name)))
    return list(found.values())


def _inside(path: Path, out: Path, folder: Path) -> bool:
    """Whether `path` is a result of an earlier run: below `out`, itself a folder in `folder`."""
    home, results = folder.resolve(), out.resolve()
    return home in results.parents and results in path.resolve().parents


def _writable(name: Path) -> Path:
    return name if name.suffix.lower() in WRITE_SUFFIXES else name.with_suffix(SUFFIX)


def _distinct(names: Sequence[Path]) -> list[Path]:
    """The names, with a number where one repeats; the numbered ones are new names, too."""
    taken = {_folded(name) for name in names}
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        key = _folded(name)
        seen[key] += 1
        choice = name
        while seen[key] > 1 and _folded(choice) in taken:
            choice = name.with_name(f"{name.stem}-{seen[key]}{name.suffix}")
            seen[key] += _folded(choice) in taken
        taken.add(_folded(choice))
        distinct.append(choice)
    return distinct


def _folded(name: Path) -> str:
    """What file systems that ignore case or normalise Unicode take for one name."""
    return unicodedata.normalize("NFC", str(name)).casefold()


def _checked_file(out: Path) -> Path:
    """`out`, if a picture can be written there: better known before adapting than after."""
    if out.suffix.lower() not in WRITE_SUFFIXES:
        allowed = f"{', '.join(WRITE_SUFFIXES)}, or a folder that exists"
        raise GessoError(f"{shown(out)}: no picture format for {out.suffix!r}; allowed: {allowed}")
    if not out.parent.is_dir():
        raise GessoError(f"{shown(out)}: its folder does not exist; make it first")
    return out


def _refuse_inputs(jobs: Sequence[Job], inputs: Iterable[Path]) -> None:
    protected = {_identity(path) for path in [*(job.photo for job in jobs), *inputs]} - {None}
    for job in jobs:
        if _identity(job.out) in protected:
            raise GessoError(f"{shown(job.out)}: is an input, which is never overwritten")


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for two paths to one file, be it by a link or in other letters; None if none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
