"""Standard input and output in the place of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.pipeline.sources import STDIN, read_stdin

STANDARD = Path(STDIN)


@dataclass(frozen=True)
class Files:
    """The photos and the output of a command as files.

    Attributes:
        photos, out: the paths to use.
        names: what the user calls those that stand for standard input and output.
    """

    photos: list[Path]
    out: Path
    names: dict[Path, str]


@contextmanager
def as_files(photos: Sequence[Path], out: Path, format: str | None) -> Iterator[Files]:
    """Yield files in the place of "-": a photo on standard input, and an output that goes to
    standard output in this format (PNG by default) when the body ends, as nothing else does.

    Raises:
        OptionError: a format for an output that is a file, or one that is none.
        GessoError: what the body raises, with names as the user gave them.
    """
    from gesso.images.write import WRITE_SUFFIXES

    suffix = f".{(format or 'png').lstrip('.').lower()}"
    if suffix not in WRITE_SUFFIXES:
        allowed = ", ".join(one[1:] for one in WRITE_SUFFIXES)
        raise OptionError("format", f"{format} is unknown; allowed are {allowed}")
    if format is not None and out != STANDARD:
        raise OptionError("format", f"of no use with {shown(out)}, whose ending says it; only -o -")
    if STANDARD not in (*photos, out):
        yield Files(list(photos), out, {})
        return
    with TemporaryDirectory(prefix="gesso-") as folder:
        source, target = (Path(folder, f"standard {name}") for name in ("input", f"output{suffix}"))
        if STANDARD in photos:
            source.write_bytes(read_stdin("photo"))
        given = [source if path == STANDARD else path for path in photos]
        files = Files(given, target if out == STANDARD else out, {source: "-", target: "-"})
        with _own_names(folder):
            if out != STANDARD:
                yield files
                return
            with only_ours() as stdout:
                yield files
                if target.is_file():
                    left = memoryview(target.read_bytes())
                    while left:  # a pipe takes some at a time
                        left = left[stdout.write(left) or 0 :]


@contextmanager
def _own_names(folder: str) -> Iterator[None]:
    """Errors of the body without the name of this folder."""
    try:
        yield
    except GessoError as error:
        if folder not in str(error):
            raise
        raise GessoError(str(error).replace(folder + os.sep, "")) from error


@contextmanager
def only_ours() -> Iterator[BinaryIO]:
    """Standard output, on which nothing else appears: what libraries print there goes to standard
    error."""
    sys.stdout.flush()
    own = os.dup(1)
    try:
        os.dup2(2, 1)
        with open(own, "wb", buffering=0, closefd=False) as out:
            yield out
    finally:
        os.dup2(own, 1)
        os.close(own)
