"""Answers that refuse a request: a status and one line. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gesso.errors import GessoError

UNKNOWN, TOO_LARGE, UNUSABLE, TOO_MANY, BUSY = 404, 413, 422, 429, 503
_CUT = re.compile(r"^…[^:]*/")  # a long path, of which a message shows the end
_ID_FOLDER = re.compile(r"(?:\./)?\b[0-9a-f]{32}/")


class Refused(GessoError):
    """A request that is not done.

    Attributes:
        status: of the answer.
        retry_after: in seconds, where a later try may succeed.
    """

    def __init__(self, status: int, text: str, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status, self.retry_after = status, retry_after


def unknown(what: str) -> Refused:
    """There is no such thing, or it is another session's."""
    return Refused(UNKNOWN, f"{what}: unknown")


def without_folders(text: str, folders: Iterable[Path]) -> str:
    """A line of an error without the folders that lie above the files it names."""
    for folder in folders:
        text = text.replace(f"{folder}/", "").replace(str(folder), "the folder")
    return _ID_FOLDER.sub("", _CUT.sub("", text))
