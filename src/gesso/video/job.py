"""One clip to be made: its segments, whoever makes them, and the file they become."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.reports import OnProgress
from gesso.video.frames import Look
from gesso.video.joining import put_together
from gesso.video.opening import open_clip
from gesso.video.parts import SEGMENT, VERSION, Parts, fingerprint, segments, share, together
from gesso.video.source import Source, Taken
from gesso.video.targets import Target
from gesso.video.work import make

if TYPE_CHECKING:
    from gesso.video.beside import Beside

SO_FAR = "so-far"  # the name of what an interrupted job leaves to be looked at


class Job:
    """A clip, a look and what they are to become.

    Args:
        source: the clip.
        taken: what is taken of it.
        target: what is written.
        identity: of the look: all that decides what it makes of a frame.
        shard: (i, n) for the i-th of n parts of the work; None: all of it.
    """

    def __init__(
        self,
        source: Source,
        taken: Taken,
        target: Target,
        identity: str,
        shard: tuple[int, int] | None = None,
    ) -> None:
        self.source, self.target, self.shard = source, target, shard
        self.parts = Parts.beside(target.path)
        self.mine = share(segments(source.count), shard)
        self.record: dict[str, Any] = {
            "version": VERSION,
            "clip": str(source.path.absolute()),
            "known by": fingerprint(source.path),
            "size": taken.size,
            "start": _text(taken.start),
            "end": _text(taken.end),
            "rate": _text(taken.rate),
            "codec": target.codec.name,
            "crf": target.codec.crf,
            "look": identity,
            "segment": SEGMENT,
            "segments": segments(source.count),
        }

    def make(
        self,
        look: Look,
        on_progress: OnProgress,
        resume: bool = False,
        beside: Beside | None = None,
    ) -> int:
        """Make the segments that are this job's; returns the number of frames stylized.

        Args:
            look: makes the pictures.
            resume: only those that are not there yet.
            beside: see `gesso.video.work.make`.

        Raises:
            GessoError: parts of another clip or look that are to be kept, a clip of which nothing
                can be shown, a folder that cannot be written to.
        """
        self.parts.begin(self.record, self.mine, resume, shared=self.shard is not None)
        done = self.parts.files() if resume else {}
        wanted = [number for number in self.mine if number not in done]
        if not wanted:
            return 0
        codec = self.target.codec
        return make(self.source, look, self.parts, codec, wanted, on_progress, beside)

    def finish(self) -> list[str]:
        """Put the segments together to the finished clip, and remove them. Returns lines about what
        it could not keep. Raises GessoError where it cannot be written."""
        _, files = together([self.parts])
        notes = put_together(list(files.values()), self.source, self.target)
        self.parts.remove()
        return notes

    def shorter(self) -> Path | None:
        """Write what there is so far into the folder of the segments, to be looked at; None where
        there is nothing."""
        out = self.parts.folder / f"{SO_FAR}{self.target.path.suffix}"
        files = self.parts.so_far()
        if not files:
            return None
        put_together(files, self.source, self.target, out, whole=False)
        return out


def join(paths: Sequence[Path], target: Target) -> tuple[Source, list[str]]:
    """Put together what several jobs have made; returns the clip it was made of, and lines about
    what could not be kept.

    Args:
        paths: the folders of parts; among them may be the clip, where it is no longer in its place.
        target: what is written.

    Raises:
        GessoError: parts that are missing or do not go together, another clip than theirs.
    """
    folders = [Parts(path) for path in paths if Parts(path).record() is not None]
    others = [path for path in paths if Parts(path).record() is None]
    if not folders or len(others) > 1:
        what = shown(others[-1]) if others else "clip"
        raise GessoError(f"{what}: no folder of parts that gesso video left")
    record, files = together(folders)
    if record["codec"] != target.codec.name:
        line = f"the parts are {record['codec']}, it would need {target.codec.name}"
        raise GessoError(f"{shown(target.path)}: {line}")
    clip = others[0] if others else Path(record["clip"])
    if not clip.exists():
        line = "the clip that the parts are of is gone; name it among them"
        raise GessoError(f"{shown(clip)}: {line}")
    if fingerprint(clip) != record["known by"]:
        raise GessoError(f"{shown(clip)}: not the clip that the parts are of")
    start, end, rate = (_number(record[name]) for name in ("start", "end", "rate"))
    taken = Taken(record["size"], start, end, rate)
    source = open_clip(clip, taken)
    return source, put_together(list(files.values()), source, target)


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
