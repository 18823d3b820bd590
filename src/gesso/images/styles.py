"""The styles that come with gesso, by name. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from gesso import assets
from gesso.disk.atomic import shown
from gesso.disk.hub import USUAL_CARD, fetched, on_hub
from gesso.errors import OptionError


def bundled_styles() -> dict[str, Path]:
    """The styles that come with gesso: name → picture."""
    return {path.stem: path for path in sorted(assets.STYLES.glob("*.jpg"))}


def style_file(style: str | os.PathLike[str]) -> Path:
    """The file or folder that a style's path or name names: a file of that name comes first, then
    a pinned card of the Hugging Face Hub, then the bundled style, as `meant`.

    Raises:
        GessoError: a file of the hub, as `gesso.disk.hub.fetched` does.
        OptionError: there is neither, with the bundled styles of a similar name; a missing file
            with an ending unlike them says so when it is opened.
    """
    path, styles = Path(style), bundled_styles()
    if os.path.lexists(path):
        return path
    if on_hub(style):
        return fetched(path, USUAL_CARD)
    name = meant(os.fspath(style), styles)
    if name is not None:
        return styles[name]
    plain = path.name == os.fspath(style) and not path.suffix
    if plain or similar(style, styles):
        raise OptionError("style", no_such_style(style, styles, "bundled style", "gesso styles"))
    return path


def meant(text: str, names: Iterable[str]) -> str | None:
    """The one of the names that a text means: itself, or one that differs by case, or by "_" or
    " " for "-"; None: none of them."""
    names = list(names)
    if text in names:
        return text
    return {_plain(name): name for name in reversed(names)}.get(_plain(text))


def similar(style: str | os.PathLike[str], names: Iterable[str]) -> list[str]:
    """Up to three of the names that are much like a style's, or like that of its file; the nearest
    first."""
    plain = {_plain(name): name for name in names}
    close = get_close_matches(_plain(Path(style).stem), plain, n=3, cutoff=0.6)
    return [plain[name] for name in close]


def no_such_style(
    style: str | os.PathLike[str], names: Iterable[str], kind: str, listing: str
) -> str:
    """The line for a style that names neither a file nor one of these, a `kind` such as "bundled
    style": those of a similar name, and the command that lists all."""
    line = f"{shown(style)}: no such file, nor a {kind}"
    close = similar(style, names)
    if close:
        return f"{line}; similar names are {', '.join(close)} ({listing} lists all)"
    return f"{line} ({listing} lists them)"


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
