"""The Dockerfile: its steps run with stand-ins of what they call, in the build's own context."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "integrations/docker"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def steps() -> list[tuple[str, str]]:
    """Instruction and words of every step."""
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if not line.startswith("#")]  # type: ignore[misc]


def ignored(path: str) -> bool:
    """Whether .dockerignore leaves a path at the top out: the last pattern that fits decides."""
    found = False
    for line in (FOLDER / "Dockerfile.dockerignore").read_text().split():
        if fnmatch(path, line.removeprefix("!")):
            found = not line.startswith("!")
    return found


def test_what_is_copied_is_there_and_all_that_a_build_needs() -> None:
    copied = {w for name, words in steps() if name == "COPY" for w in words.split()[:-1]}
    for path in copied:
        assert (ROOT / path).exists() and not ignored(path), path
    assert {"pyproject.toml", "setup.py", "src", "README.md"} <= copied
    assert set(PROJECT["license-files"]) <= copied
    assert ignored(".git") and ignored("tests")


@pytest.mark.skipif(shutil.which("sh") is None, reason="steps are lines of sh")
def test_steps_call_what_they_should(tmp_path: Path) -> None:
    said = tmp_path / "said"
    for name in ("pip", "useradd", "rm"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {said}\n')
        (tmp_path / name).chmod(0o755)
    for name, words in steps():
        if name == "RUN":
            pins = words.replace("/gesso/constraints.txt", str(ROOT / "constraints.txt"))
            path = f"{tmp_path}:/usr/bin:/bin"  # grep is the real one
            command = ["/bin/sh", "-c", pins]
            subprocess.run(command, env={"PATH": path}, check=True, cwd=tmp_path)
    calls = [shlex.split(line) for line in said.read_text().splitlines()]
    (extra,) = (
        m[1] for call in calls for word in call if (m := re.match(r"/gesso\[(\w+)\]", word))
    )
    assert extra in PROJECT["optional-dependencies"]
    # The very release that the second step asks for: another one would be replaced by the large
    # build for graphics cards.
    (torch,) = re.findall(r"^torch==.+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert torch in calls[0] and "https://download.pytorch.org/whl/cpu" in calls[0]
    assert ["useradd", "--create-home", "painter"] in calls


def test_it_runs_the_command_as_a_user_without_rights() -> None:
    found = dict(steps())
    assert found["USER"] == "painter" and found["FROM"].startswith("python:3.")
    (command,) = json.loads(found["ENTRYPOINT"])
    assert command in PROJECT["scripts"]
    order = [name for name, _ in steps()]
    assert order[0] == "FROM" and order.index("USER") > max(
        i for i, n in enumerate(order) if n == "RUN"
    )
