"""What a batch is to do: every photo in every style, below one folder. Needs no torch."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gesso.disk.atomic import StrPath, shown
from gesso.errors import GessoError, OptionError
from gesso.pipeline.files import Found, files_at
from gesso.pipeline.manifest import Row
from gesso.pipeline.names import distinct
from gesso.pipeline.plan import writable


@dataclass(frozen=True)
class Task:
    """A photo and the file to write, as paths or URLs; the file's name below the output folder;
    and the number and name of the style."""

    photo: str
    out: str
    output: str
    style: int = 0
    style_name: str = ""

    @property
    def row(self) -> Row:
        """As the manifest knows it, before anything was done."""
        return Row(self.output, self.photo, "begun", self.style_name)


@dataclass(frozen=True)
class Shard:
    """Part `number` of `count`, from 1: each output belongs to one part, whatever else there is."""

    number: int = 1
    count: int = 1

    @classmethod
    def read(cls, text: str) -> Shard:
        """Of a text such as "2/8". Raises OptionError."""
        number, slash, count = text.partition("/")
        if slash and number.isdecimal() and count.isdecimal():
            found = cls(int(number), int(count))
            if 1 <= found.number <= found.count:
                return found
        raise OptionError("shard", f"{text[:40]}; allowed is i/n, such as 2/8, i from 1 to n")

    def holds(self, output: str) -> bool:
        """Whether an output belongs to this part."""
        return zlib.crc32(os.fsencode(output)) % self.count == self.number - 1

    def named(self, name: str) -> str:
        """A file's name for this part."""
        path = Path(name)
        part = f"-{self.number}-of-{self.count}" if self.count > 1 else ""
        return f"{path.stem}{part}{path.suffix}"


@dataclass(frozen=True)
class Batch:
    """What is to be done.

    Attributes:
        out: the output folder.
        tasks: one for each photo and style, of this shard.
        failures: entries of the photos' folders that cannot be looked at: name → one line.
        shard: which part this is.
    """

    out: str
    tasks: list[Task]
    failures: dict[str, str]
    shard: Shard

    @property
    def manifest(self) -> str:
        """The file that says what became of each."""
        return files_at(self.out).below(self.out, self.shard.named("manifest.jsonl"))

    @property
    def report(self) -> str:
        """The file that lists failures, if there are any."""
        return files_at(self.out).below(self.out, self.shard.named("failures.txt"))


def plan_batch(
    photos: Sequence[StrPath],
    styles: Sequence[tuple[Path | None, str]],
    out: StrPath,
    shard: Shard,
    inputs: Iterable[StrPath] = (),
) -> Batch:
    """Every photo in every style (its file and its name), below the folder `out`: under the
    photo's name, and where there are several styles in a folder of the style's name.

    Raises:
        GessoError: no photos; an output that would overwrite one of them, a style, or one of the
            `inputs`; URLs that cannot be used.
    """
    folder = os.fspath(out)
    inputs = [*inputs, *(path for path, _ in styles if path is not None)]
    found, failures = _found(photos, folder)
    wishes = [(one.trace, writable(one.relative)) for one in found]
    names = [name.as_posix() for name in distinct(wishes)]
    files, tasks = files_at(folder), []
    for number, above in enumerate(_folders(styles)):
        prefix, style = (f"{above.as_posix()}/", styles[number][1]) if above.name else ("", "")
        for one, name in zip(found, names, strict=True):
            output = prefix + name
            if shard.holds(output):
                out = files.below(folder, output)
                tasks.append(Task(one.name, out, output, number, style))
    _refuse_inputs(tasks, [*(one.name for one in found), *(os.fspath(path) for path in inputs)])
    return Batch(folder, tasks, {p: x for p, x in failures.items() if shard.holds(p)}, shard)


def _found(photos: Sequence[StrPath], out: str) -> tuple[list[Found], dict[str, str]]:
    """Every photo once, and what cannot be looked at. Raises GessoError for the only input."""
    if not photos:
        raise GessoError("photo: none given; at least one file or folder is needed")
    found: dict[str, Found] = {}
    failures: dict[str, str] = {}
    for photo in photos:
        name = os.fspath(photo)
        here, unknown = files_at(name).find(name, out)
        failures |= unknown
        for one in here:
            found.setdefault(os.path.abspath(one.trace), one)
    if not found and len(failures) == 1:
        raise GessoError(*failures.values())
    return list(found.values()), failures


def _folders(styles: Sequence[tuple[Path | None, str]]) -> list[Path]:
    if len(styles) == 1:
        return [Path()]
    return distinct([(path or Path(name), Path(name)) for path, name in styles])


def _refuse_inputs(tasks: Iterable[Task], inputs: Iterable[str]) -> None:
    """Raises GessoError for an output that is one of the inputs, by whatever name."""
    protected = {files_at(name).identity(name) for name in inputs} - {None}
    for task in tasks:
        if files_at(task.out).identity(task.out) in protected:
            raise GessoError(f"{shown(task.out)}: is an input, which is never overwritten")
