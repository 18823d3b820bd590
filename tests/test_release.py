"""What is released: the same bytes of the same source, and a bill of what is inside."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from release import of_metadata, of_papers

ROOT = Path(__file__).parent.parent
SOURCE = "https://example.org/gesso"
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheels of two copies of the source of different dates, with little of what comes with it."""
    pytest.importorskip("setuptools.command.bdist_wheel", reason="needs setuptools from 77")
    found = []
    for name in ("one", "two"):
        source = tmp_path_factory.mktemp(name)
        for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
            shutil.copy(ROOT / file, source)
        with open(source / "pyproject.toml", "a", encoding="utf-8") as project:
            project.write(f'\n[project.urls]\nSource = "{SOURCE}"\n')
        small = shutil.ignore_patterns("*.safetensors", "__pycache__", "page", "graphs", "*.jpg")
        shutil.copytree(ROOT / "src/gesso", source / "src/gesso", ignore=small)
        (source / "src/gesso/assets/styles/waves.jpg").write_bytes(b"waves")
        for path in source.rglob("*.py"):
            os.utime(path, (time.time() - len(found) * 10**6,) * 2)
        command = [sys.executable, "-c", BUILD, str(source)]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found += source.glob("*.whl")
    return found


def test_the_same_source_gives_the_same_wheel(wheels: list[Path]) -> None:
    one, two = (path.read_bytes() for path in wheels)
    assert one == two


def test_the_wheel_says_what_is_inside_and_what_it_needs(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[0]) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/sboms/gesso.cdx.json"))
        bill = json.loads(wheel.read(name))
        record = wheel.read(name.split("/")[0] + "/RECORD").decode()
        assets = {n for n in wheel.namelist() if n.startswith("gesso/assets/")}
    assert bill["bomFormat"] == "CycloneDX" and name in record
    listed = {one["name"]: one for one in bill["components"]}
    assert {"numpy", "pillow", "onnxruntime"} <= listed.keys()
    assert {n for n in assets if not n.endswith(".py")} <= listed.keys()
    waves = listed["gesso/assets/styles/waves.jpg"]["hashes"][0]
    assert waves == {"alg": "SHA-256", "content": hashlib.sha256(b"waves").hexdigest()}


def test_links_of_the_long_description_are_absolute(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[0]) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        text = wheel.read(name)
    assert list(of_metadata(text, "wheel")) == []
    assert f"]({SOURCE}/blob/v0.1.0/docs/controls.md" in text.decode()
    assert f"]({SOURCE}/raw/v0.1.0/docs/pictures/demo.jpg)" in text.decode()
    relative = text.replace(f"{SOURCE}/raw/v0.1.0/".encode(), b"")
    assert "links of the long description are relative" in next(of_metadata(relative, "wheel"))
    short = re.sub(rb"\nSummary: .*", b"", text)
    assert list(of_metadata(short, "wheel")) == ["wheel: its metadata lack summary"]


def test_what_keeps_a_release_back_is_named_line_by_line(tmp_path: Path) -> None:
    project = {"version": "1.2.3", "urls": {"Source": SOURCE}}
    (tmp_path / "CITATION.cff").write_text("title: gesso\nversion: 1.2.3\n")
    page = tmp_path / "src/gesso/assets/page/index.html"
    page.parent.mkdir(parents=True)
    page.touch()
    for head, complete in (("2026-01-31", True), ("unreleased", False), ("2999-01-01", False)):
        (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## 1.2.3 ({head})\n")
        assert (list(of_papers(tmp_path, project)) == []) == complete, head
    page.unlink()
    found = list(of_papers(tmp_path, {"version": "1.2.4"}))
    starts = ["CHANGELOG.md: ", "CITATION.cff: ", "pyproject.toml: ", "src/gesso/assets/page: "]
    assert len(found) == 4
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True))
