"""HEIF, the HEIC of telephones: read and written by pillow-heif, which is an extra."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gesso.images.source import problem

MISSING = "HEIF (HEIC) needs pillow-heif, which is not installed: pip install 'gesso[heif]'"


def require_heif(source: object) -> None:
    """Raises GessoError, which names `source`, where pillow-heif is not installed."""
    if find_spec("pillow_heif") is None:
        raise problem(source, MISSING)


def pillow_heif(source: object, module: str = "pillow_heif") -> Any:
    """The package or one of its modules, imported when it is needed: it loads a library of its own.
    Raises GessoError as `require_heif` does."""
    require_heif(source)
    return import_module(module)
