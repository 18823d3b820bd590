"""Where the page's files are: `make web` builds them."""

from __future__ import annotations

from pathlib import Path

from gesso.errors import OptionError

FIRST = "index.html"
PLACES = (Path(__file__).parent / "site", Path(__file__).parents[3] / "site")
"""In an installed package, and in a working copy."""


def site_files(folder: Path | None) -> dict[str, Path]:
    """Path → file, of all files of the page; none where it is not built.

    Raises:
        OptionError: a folder that holds no page.
    """
    if folder is not None and not (folder / FIRST).is_file():
        raise OptionError("site", f"{folder}: holds no {FIRST}; make web builds the page")
    places = PLACES if folder is None else (folder,)
    root = next((place for place in places if (place / FIRST).is_file()), None)
    if root is None:
        return {}
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix(): path for path in files}
