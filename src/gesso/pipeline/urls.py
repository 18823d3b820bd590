"""Styles behind URLs: fetched into the cache, and then files like others. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from gesso.disk.atomic import atomic_write, make_folder, shown
from gesso.disk.cache_dir import cache_folder
from gesso.errors import GessoError
from gesso.images.formats import SUFFIXES
from gesso.pipeline.plan import CARD_SUFFIX
from gesso.pipeline.remote import remote
from gesso.pipeline.searching import fits


def fetched(url: str) -> list[Path]:
    """The picture, card or exported network behind a URL, or all pictures and cards of a folder,
    as files of this machine. They are fetched every time, since they may have changed, into
    folders called as their own are.

    Raises:
        GessoError: nothing is there, or it cannot be fetched.
    """
    files = remote(url)
    found, failures = files.search(url, (*SUFFIXES, CARD_SUFFIX))
    if failures or not found:
        raise GessoError(next(iter(failures.values()), f"{shown(url)}: holds no styles"))
    return [_kept(one.name, files.data(one.name)) for one in found]


def _kept(url: str, data: bytes) -> Path:
    scheme, _, rest = url.partition("://")
    below = f"{scheme.lower()}/{rest.lstrip('/')}"
    if not fits(below):
        raise GessoError(f"{shown(url)}: called as no file can be called")
    path = cache_folder("urls") / below
    if not path.is_file() or path.read_bytes() != data:
        make_folder(path.parent)
        atomic_write(path, data)
    return path
