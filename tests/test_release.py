"""What is released: the same bytes of the same source, and a bill of what is inside."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
