"""What a batch has done, input by input, in a file of JSON lines that survives any end. Needs no
torch.

The first line says what makes the pictures; a run that would make others does not go on with it.
Each line after it is about one output; the last one counts. A line is written in one piece, and one
that a kill or a full disk cut short is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gesso.disk.atomic import atomic_write, os_error_line, sha256_file, shown
from gesso.errors import GessoError
from gesso.options import from_json

State = Literal["begun", "died", "done", "failed"]
FORMAT = 1


@dataclass(frozen=True)
class Row:
    """What became of one output.

    Attributes:
        output: the file below the output folder, with "/"; "" for an entry that could not be
            looked at.
        input: the photo as the command names it.
        style: the style's name where there are several.
        state: done; failed, and `reason` says why; begun, and never ended, for the whole command
            was killed; died, as its worker did.
        seconds: that it took.
        sha256, bytes, mtime_ns: of the input as it was read.
        deaths: how many workers it has ended.
        lost: how many times it was under way when the whole command was killed.
    """

    output: str
    input: str
    state: State
    style: str = ""
    reason: str = ""
    seconds: float = 0.0
    sha256: str = ""
    bytes: int = 0
    mtime_ns: int = 0
    deaths: int = 0
    lost: int = 0

    @property
    def key(self) -> str:
        """What it is known by."""
        return self.output or self.input

    @property
    def ended(self) -> bool:
        """Whether it is done or failed."""
        return self.state in ("done", "failed")

    def of(self, photo: Path) -> bool:
        """Whether the photo is as it was: by size and time, or else by its bytes."""
        try:
            now = os.stat(photo)
            if (now.st_size, now.st_mtime_ns) == (self.bytes, self.mtime_ns):
                return True
            return bool(self.sha256) and sha256_file(photo) == self.sha256
        except (OSError, GessoError):
            return self.state == "failed" and not self.sha256


@dataclass
class Manifest:
    """The rows of a batch, by output; entries without an output by input.

    Args:
        path: the file.
        made_by: what makes the pictures, as JSON values; the file must say the same.
        anew: an older file counts for nothing.

    Raises:
        GessoError: the file cannot be read, is no manifest, or differs in what makes the pictures;
            the first such thing is named.
    """

    path: Path
    made_by: Mapping[str, Any]
    anew: bool = False
    rows: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.made_by = json.loads(json.dumps(dict(self.made_by)))
        try:
            lines = [] if self.anew else self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise GessoError(os_error_line(self.path, error, "cannot be read")) from error
        if any(lines):
            self._check_head(_json(lines[0]))
            for row in filter(None, map(_row, lines[1:])):
                self.rows[row.key] = row
            for key, row in self.rows.items():
                if row.state == "begun":  # whose end the command did not live to see
                    self.rows[key] = replace(row, state="died", lost=row.lost + 1)
            _end_line(self.path, lines)
        else:
            self._write_all([])

    def __getitem__(self, key: str) -> Row | None:
        return self.rows.get(key)

    def note(self, row: Row) -> Row:
        """Add a row; returns it with what its output has gone through before."""
        before = self.rows.get(row.key)
        if before is not None and not before.ended:
            deaths = before.deaths + (row.state == "died")
            row = replace(row, deaths=deaths, lost=before.lost)
        elif row.state == "died":
            row = replace(row, deaths=1)
        self.rows[row.key] = row
        _append(self.path, _line(asdict(row)))
        return row

    def finish(self, keys: Iterable[str]) -> list[Row]:
        """Write the file anew with the rows of these outputs only, in that order; returns them."""
        kept = [self.rows[key] for key in keys]
        self._write_all(kept)
        return kept

    def _check_head(self, head: Any) -> None:
        made_by = head.get("made_by") if isinstance(head, dict) else None
        if not isinstance(made_by, dict) or head.get("gesso_manifest") != FORMAT:
            raise GessoError(f"{shown(self.path)}: not a manifest of this version of gesso batch")
        for name in sorted({*made_by, *self.made_by}):
            before, now = made_by.get(name), self.made_by.get(name)
            if before != now:
                was = f"{json.dumps(before)[:80]}, now {json.dumps(now)[:80]}"
                raise GessoError(
                    f"{shown(self.path)}: its pictures were made with {name} = {was}; "
                    "name another folder, or do all anew (--anew)"
                )

    def _write_all(self, rows: Iterable[Row]) -> None:
        head = {"gesso_manifest": FORMAT, "made_by": self.made_by}
        atomic_write(self.path, b"".join([_line(head), *(_line(asdict(row)) for row in rows)]))


def _line(values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _row(line: bytes) -> Row | None:
    """The row that a line holds; None: there is none, or it was cut short."""
    try:
        return from_json(Row, _json(line))
    except GessoError:
        return None


def _append(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            written = os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise GessoError(os_error_line(path, error, "cannot be written")) from error
    if written < len(data):
        raise GessoError(f"{shown(path)}: cannot be written: the disk is full")


def _end_line(path: Path, lines: list[bytes]) -> None:
    """Let what follows begin on a line of its own, after one that was cut short."""
    if lines[-1]:
        _append(path, b"\n")
