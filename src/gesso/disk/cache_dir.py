"""Where gesso keeps what it can fetch or compute again. Needs no torch."""

from __future__ import annotations

import os
from pathlib import Path

from gesso.disk.atomic import make_folder
from gesso.errors import GessoError


def cache_dir() -> Path:
    """$GESSO_CACHE, else $XDG_CACHE_HOME/gesso, else ~/.cache/gesso; it may not exist yet.

    Raises:
        GessoError: GESSO_CACHE is a relative path, or there is no home folder.
    """
    chosen = os.environ.get("GESSO_CACHE", "")
    if chosen:
        path = Path(chosen)
        if not path.is_absolute():
            raise GessoError(f"GESSO_CACHE={chosen!r}: expected an absolute path")
        return path
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():  # the XDG specification has relative paths ignored
        return shared / "gesso"
    try:
        return Path.home() / ".cache" / "gesso"
    except RuntimeError:
        raise GessoError("no home folder for the cache; set GESSO_CACHE to a folder") from None


def cache_folder(name: str) -> Path:
    """The folder `name` of the cache, created if need be.

    Raises:
        GessoError: it cannot be created; one line that names it.
    """
    folder = cache_dir() / name
    make_folder(folder)
    return folder
