"""Packages that only the server needs."""

from __future__ import annotations

from importlib.util import find_spec

from gesso.errors import GessoError, require_torch


def check_installed() -> None:
    """Raises GessoError where the server's packages are not installed."""
    require_torch("gesso studio")
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        text = "gesso studio needs fastapi and uvicorn, which are not installed"
        raise GessoError(f"{text}: pip install 'gesso[studio]'")
