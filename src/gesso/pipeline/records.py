"""How a picture was made: what it keeps of that itself, and what is reported of it. No torch.

A PNG keeps it in a text chunk of its own; beside a picture of another format it lies in a file of
the picture's name and ".json".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesso.disk.atomic import atomic_write, open_regular, sha256_file, shown
from gesso.disk.header import parse_json
from gesso.errors import GessoError
from gesso.images.png import text_of
from gesso.images.read import Levels, Photo, read_photo
from gesso.images.write import eight_bits
from gesso.pipeline.banks import BankStyle
from gesso.pipeline.plan import Job
from gesso.version import __version__

KEYWORD = "gesso"
MOST_BYTES = 2**20  # of what a file beside a picture may hold


@dataclass
class Record:
    """What all pictures of one command have in common.

    Attributes:
        words: the command as it was typed, from the command's name on.
        method: that of the styles.
        engine: what computes, with its version.
        styles: pictures and cards: files, bytes or styles of a bank.
        files: other files that decide the picture, such as masks.
        threads: that compute; None: not known.
        out: the folder of many results; None for one picture.
        names: what files are called that the user has given other names.
    """

    words: Sequence[str]
    styles: Sequence[Any]
    files: Sequence[Path] = ()
    out: Path | None = None
    names: Mapping[Path, str] = field(default_factory=dict)
    method: str = ""
    engine: str = ""
    threads: int | None = None

    def of(self, job: Job, picture: Photo | Levels) -> dict[str, Any]:
        """How a job's picture was made, as JSON values; hashes are SHA-256 of files, and of the
        picture's 8-bit pixels."""
        pixels = eight_bits(picture.rgb, picture.alpha)
        styles = self.styles if job.style is None else [job.style]
        return {
            "gesso": __version__,
            "method": self.method,
            "engine": self.engine,
            "threads": self.threads,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "words": list(self.words),
            "result": None if self.out is None else job.out.relative_to(self.out).as_posix(),
            "photo": self._source(job.photo),
            "styles": [self._source(style) for style in styles],
            "files": [self._source(path) for path in self.files],
            "pixels": digest(pixels),
        }

    def _source(self, source: Any) -> dict[str, str]:
        if isinstance(source, BankStyle):
            return {"name": source.name}
        if isinstance(source, bytes):
            return {"name": "-", "sha256": hashlib.sha256(source).hexdigest()}
        return {"name": self.names.get(source, source.name), "sha256": sha256_file(source)}


def digest(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of the shape and values of a picture, (H, W, C) uint8."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def pixels_of(picture: Path) -> NDArray[np.uint8]:
    """(H, W, 3), or (H, W, 4), of a picture's file. Raises GessoError."""
    found = read_photo(picture)
    return eight_bits(found.rgb, found.alpha)


def beside(picture: Path) -> Path:
    """The file beside a picture that says how it was made."""
    return picture.with_name(picture.name + ".json")


def keeps_texts(picture: Path) -> bool:
    """Whether a picture of this name keeps texts itself."""
    return picture.suffix.lower() == ".png"


def keep_beside(picture: Path, record: Mapping[str, Any]) -> None:
    """Write it beside a picture. Raises GessoError where that fails."""
    atomic_write(beside(picture), (json.dumps(record, indent=1) + "\n").encode())


def read_record(picture: Path) -> dict[str, Any]:
    """How a picture was made, by its own words.

    Raises:
        GessoError: it does not say, or what it says is damaged.
    """
    text = text_of(picture, KEYWORD) if keeps_texts(picture) else None
    if text is None and beside(picture).is_file():
        with open_regular(beside(picture)) as file:
            text = file.read(MOST_BYTES + 1).decode("utf-8", "replace")
    if text is None:
        where = "" if keeps_texts(picture) else f", and there is no {shown(beside(picture).name)}"
        hint = "--keep-settings keeps it"
        raise GessoError(f"{shown(picture)}: does not say how it was made{where}; {hint}")
    try:
        found = parse_json(text[: MOST_BYTES + 1])
        _check(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error!r:.80}"
        raise GessoError(
            f"{shown(picture)}: what it says of itself is damaged ({reason})"
        ) from error
    return dict(found)


def _check(found: Any) -> None:
    """Raises KeyError, TypeError or ValueError for what `Record.of` does not make."""
    texts = [*found["words"], found["pixels"], found["gesso"], found["method"], found["engine"]]
    texts += [found["result"]] if found["result"] is not None else []
    sources = [found["photo"], *found["styles"], *found["files"]]
    texts += [text for source in sources for text in source.values()]
    if not all(isinstance(text, str) for text in texts) or found["words"][:1] != ["stylize"]:
        raise ValueError("no command")
    if found["threads"] is not None and type(found["threads"]) is not int:
        raise ValueError("threads")
