"""How the command line writes pictures, and what it says of each to programs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from gesso.cli import options as opt
from gesso.cli.console import threads, words
from gesso.disk.atomic import sha256_file
from gesso.errors import OptionError

if TYPE_CHECKING:
    from gesso.cli.tally import Tally
    from gesso.pipeline.plan import Job
    from gesso.pipeline.records import Record


@dataclass(frozen=True)
class Saving:
    """How pictures are written."""

    quality: Annotated[
        int | None,
        opt.option(
            "Quality of JPEG, WebP, AVIF, HEIF; default: about 39 dB.",
            "N",
            under=opt.OUTPUT,
            min=1,
            max=100,
        ),
    ] = None
    keep_metadata: Annotated[
        bool,
        opt.option(
            "Copy EXIF data (place, camera, date).", flags="--keep-metadata", under=opt.OUTPUT
        ),
    ] = False


@dataclass(frozen=True)
class Writing(Saving):
    """How pictures are written, and what is said of them."""

    overwrite: opt.Overwrite = True
    format: Annotated[
        str | None,
        opt.option(
            "Format on standard output (-o -); default: png.", "png|jpg|…", under=opt.OUTPUT
        ),
    ] = None
    keep_settings: Annotated[
        bool,
        opt.option(
            "Keep the command and the hashes of its files in the picture (PNG), or beside it in a "
            "file of its name and .json; `gesso verify` makes it again.",
            flags="--keep-settings",
            under=opt.OUTPUT,
        ),
    ] = False
    json: Annotated[
        bool,
        opt.option(
            "Print a JSON object for each picture: its size, seconds, method, engine, hashes.",
            flags="--json",
            under=opt.OUTPUT,
        ),
    ] = False

    def check(self, to_stdout: bool) -> None:
        """Raises OptionError for what cannot go to standard output beside a picture."""
        if to_stdout and self.json:
            raise OptionError("json", "of no use with -o -: standard output is the picture")
        if to_stdout and self.keep_settings and (self.format or "png") != "png":
            trouble = f"{self.format} on standard output has no room for them; only png"
            raise OptionError("keep_settings", trouble)


class Lines:
    """Prints a JSON object for each picture of a tally that was written, and each that failed."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def written(self, job: Job, record: dict[str, Any]) -> None:
        """Print what is known of a picture."""
        seconds = round(time.monotonic() - self.tally.began, 3)
        known = {n: v for n, v in record.items() if n not in ("words", "result")}
        out = {"out": os.fspath(job.out), "sha256": sha256_file(job.out)}
        print(json.dumps({**out, "seconds": seconds, **known}), flush=True)

    def failed(self) -> None:
        """Print what went wrong."""
        for path, line in self.tally.failures.items():
            print(json.dumps({"out": os.fspath(path), "error": line}), flush=True)


def recorded(
    styles: Sequence[Any],
    files: Sequence[Path],
    out: Path | None,
    names: Mapping[Path, str],
    method: str,
    engine: str,
) -> Record:
    """How the command that is being done makes pictures by an engine."""
    from gesso.pipeline.records import Record

    typed = [word for word in words.get() if word not in ("--json", "--keep-settings")]
    module = "torch" if engine == "compile" else engine
    version = str(getattr(import_module(module), "__version__", "")).partition("-")[0]
    return Record(typed, styles, files, out, names, method, f"{engine} {version}", threads())
