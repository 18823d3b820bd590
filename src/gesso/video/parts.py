"""A clip in the making: a folder beside the output that holds what is done of it, segment by
segment. Going on after an interruption, sharing the work out and doing it in one piece are the same
thing: segments are made wherever and whenever, and put together once all are there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from gesso.disk.atomic import atomic_write, is_temporary, make_folder, open_regular, shown
from gesso.errors import GessoError, OptionError

SEGMENT = 120  # frames: some seconds of video, and the most that an interruption costs
RECORD = "clip.json"
SUFFIX = ".nut"
VERSION = 1
ENDS = 2**20  # bytes at either end of a file that stand for it


class Parts:
    """The segments of one clip in a folder.

    Args:
        folder: theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def beside(cls, out: Path) -> Parts:
        """Those of the clip that is to be written to `out`."""
        named = out.resolve() if out.name in ("", "..") else out
        return cls(named.with_name(f"{named.name}.parts"))

    def begin(
        self, record: dict[str, Any], mine: Iterable[int], resume: bool, shared: bool
    ) -> None:
        """Make the folder ready for segments of a clip with this record.

        Args:
            record: all that decides what the segments hold.
            mine: the segments that are to be made now.
            resume: keep those of them that are there.
            shared: keep those of others.

        Raises:
            GessoError: a folder with something else in it.
            OptionError: segments that are to be kept, of another clip, style or options.
        """
        known = self.record()
        if known is None and self.folder.exists() and not self._is_empty():
            raise GessoError(f"{shown(self.folder)}: is in the way, and no work of gesso's")
        differing = _differing(known, record) if known else []
        if differing and (resume or shared):
            what = ", ".join(differing)
            trouble = f"{shown(self.folder)} holds parts of another clip or look ({what} differ)"
            raise OptionError("resume" if resume else "shard", trouble)
        if known is not None and not shared and not resume:
            self.remove()
        make_folder(self.folder)
        if not resume:
            for number in mine:
                self.path(number).unlink(missing_ok=True)
        if known != record:
            atomic_write(self.folder / RECORD, json.dumps(record, indent=1).encode())

    def record(self) -> dict[str, Any] | None:
        """What the segments are of; None: no folder of segments."""
        try:
            with open_regular(self.folder / RECORD) as file:
                found = json.loads(file.read())
        except (GessoError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("version") == VERSION else None

    def path(self, number: int) -> Path:
        """The file of a segment."""
        return self.folder / f"{number:06d}{SUFFIX}"

    def unfinished(self, number: int) -> Path:
        """The file of a segment that is being written, or was when its writer was stopped."""
        return self.folder / f"{number:06d}.unfinished{SUFFIX}"

    def so_far(self) -> list[Path]:
        """The files of the first segments one after the other, the last of them perhaps unfinished:
        all that can be shown of a clip that is in the making."""
        done = list(self.files().items())
        files = [file for place, (n, file) in enumerate(done) if n == done[0][0] + place]
        following = done[0][0] + len(files) if done else 0
        begun = sorted(self.folder.glob(f"*.unfinished{SUFFIX}"))
        if begun and (not done or begun[0] == self.unfinished(following)):
            files.append(begun[0])
        return [file for file in files if file.stat().st_size]

    def files(self) -> dict[int, Path]:
        """Number → file of the segments that are done; empty files are those without a frame."""
        found = sorted(self.folder.glob(f"[0-9]*{SUFFIX}"))
        return {int(path.stem): path for path in found if path.stem.isdecimal()}

    def remove(self) -> None:
        """Remove the folder with all that is in it, if it is one of segments. The record goes last:
        whatever stops the removal, what is left is a folder of segments or an empty one."""
        if self.record() is None:
            return
        for path in self.folder.iterdir():
            if path.name != RECORD:
                with suppress(OSError):
                    path.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_empty(self) -> bool:
        """Whether it holds at most what killed writers of a record left."""
        return all(is_temporary(path) for path in self.folder.iterdir())


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """In what two records differ; the clip's place does not count."""
    names = sorted({*one, *other} - {"clip"})
    return [name for name in names if one.get(name) != other.get(name)]


def segments(count: int) -> int:
    """How many a clip of so many frames has."""
    return max(1, -(-count // SEGMENT))


def share(total: int, shard: tuple[int, int] | None) -> range:
    """The segments of one part of several, (1, n) to (n, n); None: all."""
    if shard is None:
        return range(total)
    part, parts = shard
    return range(total * (part - 1) // parts, total * part // parts)


def shard_of(text: str | None) -> tuple[int, int] | None:
    """(i, n) of a text such as "2/8"; None for None. Raises OptionError."""
    if text is None:
        return None
    part, slash, parts = text.partition("/")
    if slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise OptionError("shard", f"{text!r}; allowed are parts of a whole, such as 1/8 to 8/8")


def together(folders: Sequence[Parts]) -> tuple[dict[str, Any], dict[int, Path]]:
    """The record of a clip and all its segments, of one folder or several.

    Raises:
        GessoError: folders of different clips, or segments that are missing.
    """
    record, files = folders[0].record(), dict[int, Path]()
    for one in folders:
        if one.record() is None:
            raise GessoError(f"{shown(one.folder)}: no folder of parts that gesso video left")
        if _differing(one.record() or {}, record or {}):
            line = "parts of another clip, style or options"
            raise GessoError(f"{shown(one.folder)}: {line} than {shown(folders[0].folder)}")
        files |= one.files()
    assert record is not None
    missing = [n for n in range(record["segments"]) if n not in files]
    if missing:
        first, last = missing[0] * SEGMENT, (missing[-1] + 1) * SEGMENT - 1
        line = (
            f"{len(missing)} of {record['segments']} parts are missing, in frames {first} to {last}"
        )
        raise GessoError(f"{shown(folders[0].folder)}: {line}")
    return record, dict(sorted(files.items()))


def fingerprint(path: Path) -> list[Any]:
    """What a clip is known by: its size and the SHA-256 of its first and last megabyte; of a folder
    its files' names."""
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.is_file())
        return [len(names), sha256("\n".join(names).encode()).hexdigest()]
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        seen = sha256(file.read(ENDS))
        file.seek(max(0, size - ENDS))
        seen.update(file.read(ENDS))
    return [size, seen.hexdigest()]
