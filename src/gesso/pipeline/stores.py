"""URL → a file system of fsspec, and what goes wrong with one in a line. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.source import problem

AT_ONCE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oci", "oss", "memory"}
"""Where one call writes a file whole or not at all, and folders are no more than names."""

READ = "cannot be read"
NEEDED = "needs fsspec, which is missing; pip install 'gesso[remote]' brings it"
ALLOWED = "allowed are s3://, gs://, file:// and what else fsspec can write to"
_PAGES = {"http", "https"}  # without folders


def scheme_of(url: str) -> str:
    """What stands before "://", in lower case."""
    return urlsplit(url).scheme.lower()


def store(url: str) -> Any:
    """The file system of fsspec that a URL is about.

    Raises:
        GessoError: none is; a package that it needs is missing, which is named; the URL holds a
            password, which the manifest would tell.
    """
    parts = urlsplit(url)
    if ":" in parts.netloc.rpartition("@")[0]:
        named = f"{parts.scheme}://…@{parts.netloc.rpartition('@')[2]}"
        raise GessoError(f"{shown(named)}: holds a password; fsspec's configuration takes it")
    if "::" in url or scheme_of(url) in _PAGES:
        raise GessoError(f"{shown(url)}: no place for many files; {ALLOWED}")
    try:
        return _store(f"{parts.scheme}://{parts.netloc}")
    except (ImportError, ValueError) as error:
        raise GessoError(f"{shown(url)}: {_missing(scheme_of(url))}") from error
    except Exception as error:  # of the store's library: no account, no such host
        raise problem(url, f"cannot be reached ({_reason(error)})") from error


@lru_cache(256)
def _store(root: str) -> Any:
    core: Any = import_module("fsspec.core")
    return core.url_to_fs(root)[0]


def _missing(scheme: str) -> str:
    """Why there is no file system for URLs of this kind, and what is to be installed."""
    try:
        registry: Any = import_module("fsspec.registry")
    except ImportError:
        return NEEDED
    known = registry.known_implementations.get(scheme)
    if known is None:
        return f"{shown(scheme)}:// is unknown; {ALLOWED}"
    package = known["class"].partition(".")[0]
    if package == "fsspec":
        return str(known.get("err", "cannot be reached"))
    return f"needs {package}, which is missing; pip install {package} brings it"


@contextmanager
def told(name: str, trouble: str) -> Iterator[None]:
    """What fsspec or the store's own library raises becomes a GessoError of one line."""
    try:
        yield
    except GessoError:
        raise
    except Exception as error:
        if trouble == READ and isinstance(error, FileNotFoundError):
            raise problem(name, "no such file") from error
        raise problem(name, f"{trouble} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
