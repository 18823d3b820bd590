"""Which photo becomes which file: one output a photo, never an input, never two of one name.

Needs no torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gesso.disk.atomic import StrPath, make_folder, shown
from gesso.errors import GessoError
from gesso.images.folders import find_images
from gesso.images.formats import SUFFIXES
from gesso.images.heif import require_heif
from gesso.images.write import HEIF_SUFFIXES, WRITE_SUFFIXES
from gesso.pipeline.names import Wish, distinct
from gesso.pipeline.sources import given_path

CARD_SUFFIX = ".safetensors"
_CONVERTED = ".png"  # added to the names of photos in formats that are only read, such as GIF


@dataclass(frozen=True)
class Job:
    """A picture to read and the file to write.

    Attributes:
        photo: the picture: a photo, or the style that a card is made of.
        out: the picture or card to write.
        style: the style of this job where jobs differ in it.
    """

    photo: Path
    out: Path
    style: Path | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: in the order given.
        failures: entries of folders that cannot be looked at: path → one line that names it.
        renamed: jobs whose output is not called as its photo is, because another one would be.
        many: whether several photos, or a folder, were given.
        sheet: where a picture of all results goes; None: nowhere.
    """

    jobs: list[Job]
    failures: dict[Path, str] = field(default_factory=dict)
    renamed: list[Job] = field(default_factory=list)
    many: bool = False
    sheet: Path | None = None


def plan(photos: Sequence[StrPath], out: StrPath, inputs: Iterable[Path] = ()) -> Plan:
    """One job for each photo, in the order given; folders stand for all pictures below them.

    One photo is written to the file `out`, or into the folder `out` if there is one. Several
    photos, or those of a folder, are written below the folder `out` under their own names, with
    their subfolders; ".png" is added to the name of a photo whose format is only read. Names that
    several photos contest are resolved by `names.distinct`. `inputs`: further files that must not
    be overwritten.

    Raises:
        GessoError: no photos, an output without a format or a folder to be in, or one that would
            overwrite an input.
    """
    given, target = _given("photo", photos), given_path("out", out)
    many = len(given) > 1 or os.path.isdir(given[0])
    if not many and not os.path.isdir(target):
        job = Job(given[0], _checked_file(target))
        refuse_inputs([job], inputs)
        return Plan([job])
    if many:
        _check_folder(target, f"{len(given)} photos" if len(given) > 1 else "a folder of photos")
    found, failures = _listed(given, target, SUFFIXES, "pictures")
    wishes = [(path, writable(name)) for path, name in found]
    return _planned(wishes, target, inputs, failures, many)


def plan_one(photo: StrPath, out: StrPath, inputs: Iterable[Path] = ()) -> Job:
    """The job of a command that makes one picture of one file. Raises GessoError as `plan` does,
    and for a folder."""
    if os.path.isdir(photo):
        raise GessoError(f"{shown(photo)}: a folder; one file is needed")
    return plan([photo], out, inputs).jobs[0]


def plan_styles(
    photo: StrPath, styles: Sequence[StrPath], out: StrPath, inputs: Iterable[Path] = ()
) -> Plan:
    """One photo in many styles: a job for each style, and a sheet of them all, below the folder
    `out`.

    The outputs are called as photo and style are, "photo-style.jpg", and the sheet
    "photo-styles.jpg"; folders among `styles` stand for all pictures and cards below them.

    Raises:
        GessoError: as `plan` does.
    """
    content, target = given_path("photo", photo), given_path("out", out)
    given = _given("style", styles)
    if os.path.isdir(content):
        raise GessoError(f"{shown(content)}: a folder; many styles need one photo")
    _check_folder(target, "one photo in many styles")
    found, failures = _listed(given, target, (*SUFFIXES, CARD_SUFFIX), "styles")
    own = writable(Path(content.name))
    ends = [*(name.stem for _, name in found), "styles"]
    sources = [*(path for path, _ in found), content]
    wishes = [
        (source, own.with_name(f"{own.stem}-{end}{own.suffix}"))
        for source, end in zip(sources, ends, strict=True)
    ]
    made = _planned(wishes, target, [content, *inputs], failures, True)
    *jobs, sheet = [Job(content, job.out, job.photo) for job in made.jobs]
    renamed = [job for job in jobs if job.out in {other.out for other in made.renamed}]
    return Plan(jobs, failures, renamed, True, sheet.out)


def plan_cards(styles: Sequence[StrPath], out: StrPath, inputs: Iterable[Path] = ()) -> Plan:
    """The cards of several styles, or of the pictures in folders: a job for each, which makes
    "style.safetensors" below the folder `out` of the picture "style.jpg".

    Raises:
        GessoError: as `plan` does.
    """
    given, target = _given("style", styles), given_path("out", out)
    _check_folder(target, f"{len(given)} styles" if len(given) > 1 else "a folder of styles")
    found, failures = _listed(given, target, SUFFIXES, "pictures")
    wishes = [(path, name.with_suffix(CARD_SUFFIX)) for path, name in found]
    return _planned(wishes, target, inputs, failures, True)


def without_missing(plan: Plan) -> Plan:
    """The plan without the jobs whose photo is not there, which are among its failures: better
    known before anything is loaded than after.

    Raises:
        GessoError: it is the only one.
    """
    gone = [job.photo for job in plan.jobs if not os.path.exists(job.photo)]
    failures = {photo: f"{shown(photo)}: no such file" for photo in gone}
    jobs = [job for job in plan.jobs if job.photo not in failures]
    if gone and not plan.many:
        raise GessoError(*failures.values())
    return replace(plan, jobs=jobs, failures=failures | plan.failures)


def unfinished(jobs: Sequence[Job]) -> list[Job]:
    """The jobs whose output does not exist yet: what an interrupted run has left to do."""
    return [job for job in jobs if not job.out.exists()]


def make_folders(jobs: Iterable[Job]) -> None:
    """Create the folders the outputs are in. Raises GessoError for one that cannot be."""
    for folder in dict.fromkeys(job.out.parent for job in jobs):
        make_folder(folder)


def _given(option: str, paths: Sequence[StrPath]) -> list[Path]:
    if not paths:
        raise GessoError(f"{option}: none given; at least one file or folder is needed")
    return [given_path(option, path) for path in paths]


def _planned(
    wishes: list[Wish], out: Path, inputs: Iterable[Path], failures: dict[Path, str], many: bool
) -> Plan:
    names = distinct(wishes)
    jobs = [Job(path, out / name) for (path, _), name in zip(wishes, names, strict=True)]
    refuse_inputs(jobs, inputs)
    own = [out / wished for _, wished in wishes]
    renamed = [job for job, wished in zip(jobs, own, strict=True) if job.out != wished]
    return Plan(jobs, failures, renamed, many)


def _listed(
    given: list[Path], out: Path, suffixes: Sequence[str], kind: str
) -> tuple[list[Wish], dict[Path, str]]:
    """As `listed`. Raises GessoError where there is nothing but one thing that is wrong."""
    found, failures = listed(given, out, suffixes, kind)
    if not found and len(failures) == 1:
        raise GessoError(*failures.values())
    return found, failures


def listed(
    given: Sequence[Path], out: Path, suffixes: Sequence[str], kind: str
) -> tuple[list[Wish], dict[Path, str]]:
    """Every file once, with its path below the folder given, and what cannot be looked at; what
    lies below `out` is left out."""
    found: dict[str, Wish] = {}
    failures: dict[Path, str] = {}
    for path in given:
        if not os.path.isdir(path):
            found.setdefault(os.path.abspath(path), (path, Path(path.name)))
            continue
        listed, unknown = find_images(path, suffixes)
        failures |= unknown
        inside = [file for file in listed if not _inside(file, out, path)]
        if not inside and not unknown:
            failures[path] = f"{shown(path)}: holds no {kind}"
        for file in inside:
            found.setdefault(os.path.abspath(file), (file, file.relative_to(path)))
    return list(found.values()), failures


def _inside(path: Path, out: Path, folder: Path) -> bool:
    """Whether `path` is a result of an earlier run: below `out`, itself a folder in `folder`."""
    home, results = folder.resolve(), out.resolve()
    return home in results.parents and results in path.resolve().parents


def writable(name: Path) -> Path:
    return name if name.suffix.lower() in WRITE_SUFFIXES else name.with_name(name.name + _CONVERTED)


def _check_folder(out: Path, what: str) -> None:
    """Raises GessoError unless `out` is a folder, or may become one."""
    if os.path.isdir(out):
        return
    if os.path.lexists(out):
        raise GessoError(f"{shown(out)}: a file; {what} need a folder to go to")
    if out.suffix.lower() in (*SUFFIXES, *WRITE_SUFFIXES, CARD_SUFFIX):
        raise GessoError(f"{shown(out)}: names one file; {what} need a folder to go to")


def _checked_file(out: Path) -> Path:
    """`out`, if a picture can be written there: better known before adapting than after."""
    if out.suffix.lower() not in WRITE_SUFFIXES:
        allowed = f"{', '.join(WRITE_SUFFIXES)}, or a folder that exists"
        raise GessoError(f"{shown(out)}: no picture format for {out.suffix!r}; allowed: {allowed}")
    if out.suffix.lower() in HEIF_SUFFIXES:
        require_heif(out)
    if not os.path.isdir(out.parent):
        raise GessoError(f"{shown(out)}: its folder does not exist; make it first")
    return out


def refuse_inputs(jobs: Sequence[Job], inputs: Iterable[Path] = ()) -> None:
    """Raises GessoError for an output that is one of the inputs, by whatever name."""
    protected = {identity(path) for path in [*(job.photo for job in jobs), *inputs]} - {None}
    for job in jobs:
        if identity(job.out) in protected:
            raise GessoError(f"{shown(job.out)}: is an input, which is never overwritten")


def identity(path: Path) -> tuple[int, int] | None:
    """Equal for two paths to one file, by a link or in other letters; None where no file is."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
