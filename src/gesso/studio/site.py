"""The page's files: those that `make web` builds, and the weights and pictures of the package."""

from __future__ import annotations

from pathlib import Path

from gesso import assets
from gesso.errors import OptionError

FIRST = "index.html"
BUILT = assets.ROOT / "page"  # by `make web`; the wheel holds it


def site_files(folder: Path | None) -> dict[str, Path]:
    """Path → file, of all files of the page; none where it is not built.

    Raises:
        OptionError: a folder that holds no page.
    """
    if folder is not None and not (folder / FIRST).is_file():
        raise OptionError("site", f"{folder}: holds no {FIRST}; make web builds the page")
    root = BUILT if folder is None else folder
    if not (root / FIRST).is_file():
        return {}
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return _of_the_package() | {path.relative_to(root).as_posix(): path for path in files}


def _of_the_package() -> dict[str, Path]:
    """What the page needs and the package holds anyway."""
    named = {
        "weights": [
            assets.weights(path.stem) for path in assets.ROOT.glob("weights/*.safetensors")
        ],
        "styles": assets.STYLES.glob("*.jpg"),
        "contents": assets.CONTENTS.glob("*.jpg"),
    }
    return {f"{folder}/{path.name}": path for folder, files in named.items() for path in files}
