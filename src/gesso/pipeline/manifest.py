"""What a batch has done, input by input, in a file of JSON lines that survives any end. Needs no
torch.

The first line says what makes the pictures; a run that would make others does not go on with it.
Each line after it is about one output; the last one counts. A line is written in one piece, and one
that a kill or a full disk cut short is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from os import fspath
from typing import Any, Literal

from gesso.disk.atomic import StrPath, shown
from gesso.errors import GessoError
from gesso.options import from_json
from gesso.pipeline.files import Journal, Stamp, files_at

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

    def of(self, photo: str) -> bool:
        """Whether the photo is as it was: by size and time, or else by its bytes."""
        files = files_at(photo)
        try:
            if files.stamp(photo) == Stamp(self.bytes, self.mtime_ns):
                return True
            return bool(self.sha256) and files.sha256(photo) == self.sha256
        except (OSError, GessoError):
            return self.state == "failed" and not self.sha256


@dataclass
class Manifest:
    """The rows of a batch, by output; entries without an output by input.

    Args:
        path: the file, or its URL.
        made_by: what makes the pictures, as JSON values; the file must say the same.
        anew: an older file counts for nothing.

    Raises:
        GessoError: the file cannot be read, is no manifest, or differs in what makes the pictures;
            the first such thing is named.
    """

    path: StrPath
    made_by: Mapping[str, Any]
    anew: bool = False
    rows: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.made_by = json.loads(json.dumps(dict(self.made_by)))
        lines = [] if self.anew else self.journal.read().split(b"\n")
        if any(lines):
            self._check_head(_json(lines[0]))
            for row in filter(None, map(_row, lines[1:])):
                self.rows[row.key] = row
            for key, row in self.rows.items():
                if row.state == "begun":  # whose end the command did not live to see
                    self.rows[key] = replace(row, state="died", lost=row.lost + 1)
            if lines[-1]:  # cut short: let what follows begin on a line of its own
                self.journal.append(b"\n")
        else:
            self._write_all([])

    def __getitem__(self, key: str) -> Row | None:
        return self.rows.get(key)

    @cached_property
    def journal(self) -> Journal:
        """Where the lines go."""
        return files_at(fspath(self.path)).journal(fspath(self.path))

    @property
    def ahead(self) -> int:
        """How many rows `begin` is best given."""
        return self.journal.ahead

    def begin(self, rows: Iterable[Row]) -> None:
        """Add rows of what is about to begin; they are written when this returns."""
        found = [self._known(row) for row in rows]
        self.journal.append(b"".join(_line(asdict(row)) for row in found))

    def note(self, row: Row) -> Row:
        """Add a row; returns it with what its output has gone through before."""
        found = self._known(row)
        self.journal.append(_line(asdict(found)), now=not found.ended)
        return found

    def flush(self) -> None:
        """Returns when all that was noted is written."""
        self.journal.flush()

    def _known(self, row: Row) -> Row:
        """A row with what its output has gone through, which it is known by from now on."""
        before = self.rows.get(row.key)
        if before is not None and not before.ended:
            deaths = before.deaths + (row.state == "died")
            row = replace(row, deaths=deaths, lost=before.lost)
        elif row.state == "died":
            row = replace(row, deaths=1)
        self.rows[row.key] = row
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
        theirs, ours = _single(made_by), _single(self.made_by)
        for name in sorted({*theirs, *ours}):
            before, now = theirs.get(name), ours.get(name)
            if before != now:
                was = f"{json.dumps(before)[:80]}, now {json.dumps(now)[:80]}"
                raise GessoError(
                    f"{shown(self.path)}: its pictures were made with {name} = {was}; "
                    "name another folder, or do all anew (--anew)"
                )

    def _write_all(self, rows: Iterable[Row]) -> None:
        head = {"gesso_manifest": FORMAT, "made_by": self.made_by}
        self.journal.replace(b"".join([_line(head), *(_line(asdict(row)) for row in rows)]))


def _single(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with those of a group of options in the group's place."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= value if isinstance(value, dict) else {name: value}
    return found


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
