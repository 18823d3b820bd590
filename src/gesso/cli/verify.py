"""`gesso verify`: a picture made again by the settings that it keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from gesso.cli import options as opt
from gesso.cli.console import complain, say, words
from gesso.cli.tally import SOME_FAILED
from gesso.disk.atomic import sha256_file, shown
from gesso.errors import GessoError

NEAR = 2  # of 255


def verify(
    pictures: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURE...", help="Pictures of `gesso stylize --keep-settings`."),
    ],
    *,
    talk: opt.Talk,
) -> int:
    """Make pictures again by the settings that they keep, and compare.

    Run it in the folder that the command was run in: files are looked for under the names that
    were typed then. A photo or style that came from standard input is read from there again. The
    picture itself is left as it is. The exit code is 1 if one differs by more than 2 of 255.
    """
    differing = 0
    for path in pictures:
        same, line = _compared(path, talk)
        say(f"{shown(path)}: {line}", talk.quiet and same)
        differing += not same
    return SOME_FAILED if differing else 0


def _compared(path: Path, talk: opt.Talk) -> tuple[bool, str]:
    """Whether a picture made again is the same, and a line about it."""
    import numpy as np

    from gesso.pipeline.records import digest, pixels_of, read_record

    record = read_record(path)
    for line in _changed(record):
        complain(f"{shown(path)}: {line}")
    found = pixels_of(path)
    with TemporaryDirectory(prefix="gesso-") as folder:
        made = pixels_of(_made_again(record, path, Path(folder), talk))
    if np.array_equal(found, made):
        return True, "the same picture, bit for bit"
    versions = f"made by gesso {record['gesso']} with {record['engine']}"
    if found.shape != made.shape:
        sizes = (f"{p.shape[1]} × {p.shape[0]} px" for p in (made, found))
        return False, f"differs: {' made again, '.join(sizes)} here; {versions}"
    if digest(made) == record["pixels"]:
        return False, "was changed after it was made; made again it is what it was"
    apart = np.abs(found.astype(np.int16) - made)
    largest, mean = int(apart.max()), float(apart.mean())
    if largest <= NEAR:
        return True, f"the same picture within {largest} of 255; {versions}"
    return False, f"differs by up to {largest} of 255, {mean:.2f} on average; {versions}"


def _changed(record: Mapping[str, Any]) -> Iterator[str]:
    """A line for each file that is another one than the picture was made of."""
    typed = {Path(word).name: word for word in record["words"]}
    for source in (record["photo"], *record["styles"], *record["files"]):
        word, known = typed.get(source["name"], ""), source.get("sha256")
        if known and os.path.isfile(word) and sha256_file(word) != known:
            yield f"{shown(word)} is another file than it was made of"


def _made_again(record: Mapping[str, Any], path: Path, folder: Path, talk: opt.Talk) -> Path:
    """The file of the picture, made again below a folder."""
    from gesso.cli import app

    if record["result"] is None:
        out = folder / f"made{path.suffix}"
        more = ["--out", str(out)]
    else:
        out = folder / record["result"]
        more = ["--out", str(folder), "--only", record["result"]]
    if record["threads"] is not None and talk.threads is None:
        more += ["--threads", str(record["threads"])]
    more += ["--engine", record["engine"].partition(" ")[0], "-q"]
    command = _without_format(record["words"])
    end = command.index("--") if "--" in command else len(command)
    command[end:end] = more
    words.set(command)
    app(command)(command, prog_name="gesso", standalone_mode=False)
    if not out.is_file():
        raise GessoError(f"{shown(path)}: its picture cannot be made again")
    return out


def _without_format(typed: Sequence[str]) -> list[str]:
    """The words without the format on standard output, which a file's ending says."""
    pairs = zip(["", *typed], typed, strict=False)
    return [w for before, w in pairs if not w.startswith("--format") and before != "--format"]
