"""Put the site of the documentation together: `python docs/make_site.py` (`make docs`).

The pages stay as they are in the repository, and so do their places in it, so that their links
hold. What they link to is copied with them; a folder is linked to as its README, or else as a page
that lists its files. MkDocs writes the site to build/docs/site, and ends with 1 where a link leads
nowhere or a page has no place in docs/mkdocs.yml.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONFIG, OUT = ROOT / "docs/mkdocs.yml", ROOT / "build/docs"
FOLDERS = (".", "docs", "benchmarks", "web", "integrations", "integrations/*", "src/gesso/assets/*")

BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")


def pages() -> list[Path]:
    """All pages, as paths below the repository's root."""
    found = (page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md"))
    return sorted(page.relative_to(ROOT) for page in found)


def targets(page: Path) -> Iterator[tuple[str, Path]]:
    """The links of a page to files and folders here, and where each leads."""
    text = BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for link, _ in LINK.findall(text):
        if "://" not in link:
            yield link, (ROOT / page.parent / link).resolve().relative_to(ROOT)


def put_together(source: Path) -> None:
    """Copy the pages and what they link to into an empty folder."""
    shutil.rmtree(source, ignore_errors=True)
    written = pages()
    for page in written:
        text = (ROOT / page).read_text(encoding="utf-8")
        for link, target in set(targets(page)):
            if (ROOT / target).is_dir():
                _listed(source, target)
                text = text.replace(f"]({link})", f"]({link.rstrip('/')}/README.md)")
            elif target not in written:
                _copied(source, target)
        _write(source / page, text)


def build(out: Path) -> int:
    """Build the site in `out`; MkDocs' exit code."""
    put_together(out / "source")
    places = {"INHERIT": CONFIG, "docs_dir": out / "source", "site_dir": out / "site"}
    config = out / "mkdocs.yml"
    _write(config, "".join(f"{key}: {json.dumps(str(path))}\n" for key, path in places.items()))
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(config)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # of the theme, about its successor
    return subprocess.run(command, check=False, env=quiet).returncode


def _copied(source: Path, path: Path) -> None:
    (source / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / path, source / path)


def _listed(source: Path, folder: Path) -> None:
    """A page for a folder without a README: its files, which are copied, too."""
    if (ROOT / folder / "README.md").exists():
        return
    files = sorted(p.relative_to(ROOT) for p in (ROOT / folder).iterdir() if _shown(p))
    for path in files:
        if path.suffix != ".md":
            _copied(source, path)
    lines = [f"- [{path.name}]({path.name})" for path in files]
    _write(source / folder / "README.md", "\n".join([f"# {folder.as_posix()}", "", *lines, ""]))


def _shown(path: Path) -> bool:
    return path.is_file() and path.suffix in (".md", ".py", ".sh", ".csv")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(build(OUT))
