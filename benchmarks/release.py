"""Build what is published, and look for what keeps it from being so: `make release`.

The source distribution is built first, and the wheel from its contents, both into dist/. The source
then tests itself by the tests that need least time. One line for each fault; the exit code is 1 if
there is any.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from packaging.metadata import Metadata

ROOT = Path(__file__).parent.parent
MOST_WHEEL_BYTES = 40_000_000
TESTS = ("test_house.py", "disk", "cards", "cli/test_help.py", "pipeline/test_stylize.py")
HAS_TO_SAY = (
    *("summary", "description", "description_content_type", "keywords", "author", "classifiers"),
    *("license_expression", "license_files", "requires_python", "requires_dist"),
)
BUILD = (
    "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Failed(Exception):
    """A step that did not get through; its text is one line."""


def main() -> int:
    """Build and check; the exit code."""
    out = ROOT / "dist"
    found = list(faults(ROOT, out))
    for fault in found:
        print(fault)
    if not found:
        print(*sorted(path.name for path in out.iterdir()), sep="\n")
    return 1 if found else 0


def faults(root: Path, out: Path) -> Iterator[str]:
    """What is wrong with the project in a folder and with what it is built to, line by line."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from of_papers(root, project)
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = unpacked(built("build_sdist", root, out, "*.tar.gz"), Path(folder))
            wheel = built("build_wheel", source, out, "*.whl")
            yield from of_wheel(wheel, project, source)
            yield from of_tests(source)
    except Failed as error:
        yield str(error)


def of_papers(root: Path, project: dict[str, Any]) -> Iterator[str]:
    """What changelog, citation and addresses lack."""
    version = project["version"]
    log = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    head = re.search(rf"^## {re.escape(version)} \((.*)\)$", log, re.MULTILINE)
    try:
        if head is None or date.fromisoformat(head[1]) > date.today():
            raise ValueError
    except ValueError:
        yield f"CHANGELOG.md: no date for {version}, expected the heading ## {version} (YYYY-MM-DD)"
    if f"\nversion: {version}\n" not in (root / "CITATION.cff").read_text(encoding="utf-8"):
        yield f"CITATION.cff: another version than {version}"
    if not project.get("urls", {}).get("Source", "").startswith("https://"):
        yield "pyproject.toml: project.urls lacks Source, the https address of the repository"
    if not (root / "src/gesso/assets/page/index.html").is_file():
        yield "src/gesso/assets/page: the page was not built; make web does"


def built(kind: str, root: Path, out: Path, pattern: str) -> Path:
    """The only file of a pattern in `out`, built from a folder. Raises Failed."""
    out.mkdir(exist_ok=True)
    for old in out.glob(pattern):
        old.unlink()
    _run([sys.executable, "-c", BUILD, kind, str(out.resolve())], root, kind)
    (made,) = out.glob(pattern)
    return made


def unpacked(sdist: Path, folder: Path) -> Path:
    """The source in a distribution."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def of_wheel(wheel: Path, project: dict[str, Any], source: Path) -> Iterator[str]:
    """What a wheel lacks, or has too much of."""
    size = wheel.stat().st_size
    if size > MOST_WHEEL_BYTES:
        yield f"{wheel.name}: {size / 1e6:.1f} MB, allowed are {MOST_WHEEL_BYTES / 1e6:.0f}"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (file,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        text = archive.read(file)
    for path in sorted((source / "src").rglob("*")):
        name = path.relative_to(source / "src").as_posix()
        if path.is_file() and name.startswith("gesso/") and name not in names:
            yield f"{wheel.name}: lacks {name}"
    for name in sorted(names):
        if not name.startswith(("gesso/", f"gesso-{project['version']}.dist-info/")):
            yield f"{wheel.name}: {name} has no place in it"
    yield from of_metadata(text, wheel.name)
    yield from of_installation(wheel, project["version"])


def of_metadata(text: bytes, name: str) -> Iterator[str]:
    """What the metadata of a wheel lack, and links in the long description that lead nowhere."""
    try:
        found = Metadata.from_email(text)
    except ExceptionGroup as group:
        for error in group.exceptions:
            yield f"{name}: {error}"
        return
    for field in HAS_TO_SAY:
        if not getattr(found, field):
            yield f"{name}: its metadata lack {field}"
    relative = [x for x in LINK.findall(found.description or "") if "://" not in x and x[0] != "#"]
    if relative:
        yield f"{name}: {len(relative)} links of the long description are relative: {relative[0]} …"


def of_installation(wheel: Path, version: str) -> Iterator[str]:
    """Whether a wheel can be installed and says its version."""
    with tempfile.TemporaryDirectory() as folder:
        pip = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder]
        _run([sys.executable, "-m", *pip, str(wheel.resolve())], ROOT, "pip install")
        said = _run([sys.executable, "-m", "gesso", "--version"], Path(folder), "gesso --version")
        if said.strip() != f"gesso {version}":
            yield f"{wheel.name}: says {said.strip()!r}, expected gesso {version}"


def of_tests(source: Path) -> Iterator[str]:
    """Whether the source passes its own quick tests."""
    where = "import gesso, sys; sys.exit(not gesso.__file__.startswith(sys.argv[1]))"
    _run([sys.executable, "-c", where, str(source)], source, "import of the source")
    pytest = ["-m", "pytest", "-n", "0", "-p", "no:cacheprovider"]
    try:
        _run([sys.executable, *pytest, *(f"tests/{name}" for name in TESTS)], source, "its tests")
    except Failed as error:
        yield f"the source distribution: {error}"


def _run(command: list[str], folder: Path, what: str) -> str:
    """What a command prints; it imports what is in the folder, or in the folder's src. Raises
    Failed, with its last line, where it fails."""
    places = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder)])}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=places
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no word"]
        raise Failed(f"{what}: {lines[-1]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
