"""Paths and styles as users name them. Needs no torch."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.images.source import MAX_BYTES
from gesso.images.styles import style_file
from gesso.pipeline.banks import Bank, BankStyle

STDIN = "-"
BUNDLED = "bundled"  # the name of the bundled contents

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def given_path(option: str, text: str | os.PathLike[str]) -> Path:
    """The path that `text` names. An empty one, which Python would take for the working folder,
    is refused, and so is a URL, which would lose a slash.

    Raises:
        OptionError: naming the `option`.
    """
    name = os.fspath(text)
    if not name:
        raise OptionError(option, "empty; allowed is the name of a file or folder (. is this one)")
    if is_url(name):
        trouble = "a URL, which only gesso batch takes; download it first and name the file"
        raise OptionError(option, f"{shown(name)}: {trouble}")
    return Path(name)


def is_url(name: str) -> bool:
    """Whether a name is a URL, and no file of this machine is called so."""
    return bool(_URL.match(name)) and not os.path.exists(name)


def style_source(
    text: str, bank: Bank | None = None, max_bytes: int = MAX_BYTES
) -> Path | bytes | BankStyle:
    """What `--style` names: a file or folder, "-" for the bytes on standard input, a style of the
    bank by its name, or a bundled one by its.

    Raises:
        GessoError: nothing of that name (`gesso.images.styles.style_file`); more than `max_bytes`
            on standard input, or none.
    """
    if text == STDIN:
        return read_stdin("style", max_bytes)
    path = given_path("style", text)
    return bank.find(path) if bank else style_file(path)


def read_stdin(option: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes on standard input. Raises GessoError for none, or for more than `max_bytes`."""
    typed = sys.stdin is None or sys.stdin.isatty()
    data = b"" if typed else sys.stdin.buffer.read(max_bytes + 1)
    if not data:
        raise OptionError(option, "-: nothing on standard input; allowed is a picture")
    if len(data) > max_bytes:
        raise GessoError(f"standard input: larger than {max_bytes} bytes, which are allowed")
    return data
