"""What lies below a folder of a file system of fsspec. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gesso.pipeline.files import Stamp

FILE, FOLDER = "file", "directory"  # as fsspec calls them
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
_WHOLE = ("LastModified", "last_modified")  # listings know them more exactly than one file's facts

Infos = Iterator[tuple[str, dict[str, Any] | str]]


def below(fs: Any, folder: str, at_once: bool) -> Infos:
    """The path and the facts of everything below a folder that is none itself; of what cannot be
    looked at, why. Where folders are no more than names, `at_once`, one request lists many."""
    if at_once:
        yield from fs.find(folder, detail=True).items()
        return
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            found = fs.ls(here, detail=True)
        except OSError as error:
            yield here, f"cannot be read ({error.strerror or error})"
            continue
        for info in found:
            path = info["name"].rstrip("/")
            if info["type"] == FOLDER:
                folders += [path] if path != here else []
            elif info.get("islink"):
                yield from _behind(fs, path)
            else:
                yield path, info


def _behind(fs: Any, link: str) -> Infos:
    """The file behind a link; folders behind links are not followed."""
    try:
        info = fs.info(link)
    except OSError as error:
        yield link, f"a link whose target cannot be read ({error.strerror or error})"
        return
    if info["type"] != FOLDER:
        yield link, info


def is_hidden(relative: str) -> bool:
    """Whether a name has a part that begins with a dot, and is passed over."""
    return any(part.startswith(".") for part in relative.split("/"))


def fits(relative: str) -> bool:
    """Whether a name can be that of a file below any folder, and of no other one: an object may be
    called "../a.jpg" or "a//b.jpg"."""
    parts = relative.replace("\\", "/").split("/")
    strange = "\\\0" + (":" if os.name == "nt" else "")
    return not {"", ".", ".."} & set(parts) and not set(strange) & set(relative)


def stamp(info: dict[str, Any]) -> Stamp:
    """Size and time of a file by its facts."""
    key = next((key for key in _TIMES if info.get(key)), "")
    time = info.get(key, 0)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if isinstance(time, datetime):
        time = time.timestamp()
    seconds = int(time) if key in _WHOLE else time
    return Stamp(int(info.get("size") or 0), int(seconds * 1e9))
