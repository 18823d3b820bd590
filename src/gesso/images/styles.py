"""The styles that come with gesso, by name. Needs no torch."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from gesso import assets
from gesso.disk.atomic import shown
from gesso.errors import OptionError


def bundled_styles() -> dict[str, Path]:
    """The styles that come with gesso: name → picture."""
    return {path.stem: path for path in sorted(assets.STYLES.glob("*.jpg"))}


def style_file(style: str | os.PathLike[str]) -> Path:
    """The file or folder that a style's path or name names: a file of that name comes first, then
    the bundled style. Case does not matter in names, and "_" and " " are "-".

    Raises:
        OptionError: there is neither, with the bundled styles of a similar name, or all of them;
            a missing file with an ending unlike them says so when it is opened.
    """
    path, styles = Path(style), bundled_styles()
    if os.path.lexists(path):
        return path
    name = path.stem.casefold().replace("_", "-").replace(" ", "-")
    plain = path.name == os.fspath(style) and not path.suffix
    if plain and name in styles:
        return styles[name]
    close = get_close_matches(name, styles, n=3, cutoff=0.6)
    if plain or close:
        raise OptionError("style", f"{shown(path)}: {_no_such(close, list(styles))}")
    return path


def _no_such(close: list[str], styles: list[str]) -> str:
    if close:
        return f"no such file; bundled styles of a similar name: {', '.join(close)}"
    return f"no such file, nor a bundled style; these are {', '.join(styles)}"
