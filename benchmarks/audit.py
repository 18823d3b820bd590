"""Ask for known faults of what gesso is built from (`make audit`, by pip-audit):

    python benchmarks/audit.py

Asked about are the pinned releases of constraints.txt and the lowest ones that pyproject.toml
allows. Exits with 1 where one has a fault that EXPLAINED does not name, with 2 where nobody could
be asked. Needs a network, and only the standard library beside pip-audit.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EXPLAINED: dict[str, str] = {}
"""Advisory → why it does not concern gesso."""
_FLOOR = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\s*>=\s*([0-9.]+)")


def pins(text: str) -> dict[str, str]:
    """Name → release of the lines of a file of constraints."""
    pairs = (line.split("==", 1) for line in text.splitlines() if "==" in line)
    return {normal(name): release.strip() for name, release in pairs}


def floors(text: str) -> dict[str, str]:
    """Name → the lowest release that a pyproject.toml allows, extras and building included."""
    about = tomllib.loads(text)
    groups = [about["project"]["dependencies"], about["build-system"]["requires"]]
    groups += about["project"]["optional-dependencies"].values()
    found = (_FLOOR.match(one) for group in groups for one in group)
    return {normal(match[1]): match[2] for match in found if match}


def normal(name: str) -> str:
    """A name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def judged(answer: dict[str, Any]) -> tuple[list[str], list[str], int]:
    """Of pip-audit's answer: a line for each fault that is not explained, the names nobody knows
    of, and how many were asked about with success."""
    faults, unknown, known = [], [], 0
    for one in answer["dependencies"]:
        if "skip_reason" in one:
            unknown.append(one["name"])
            continue
        known += 1
        for fault in one["vulns"]:
            if not {fault["id"], *fault.get("aliases", ())} & EXPLAINED.keys():
                mended = ", ".join(fault.get("fix_versions", ())) or "no release yet"
                faults.append(f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}")
    return faults, unknown, known


def asked(releases: dict[str, str]) -> dict[str, Any]:
    """pip-audit's answer about releases. Raises OSError where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "releases.txt")
        path.write_text("".join(f"{name}=={release}\n" for name, release in releases.items()))
        command = [sys.executable, "-m", "pip_audit", "-r", str(path), "--no-deps", "--disable-pip"]
        done = subprocess.run(
            [*command, "-f", "json", "--progress-spinner", "off"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise OSError((done.stderr.strip().splitlines() or ["no answer"])[-1]) from None
    return found


def main() -> int:
    """Ask; returns the exit code."""
    code = 0
    for what, releases in (
        ("pinned", pins((ROOT / "constraints.txt").read_text())),
        ("lowest allowed", floors((ROOT / "pyproject.toml").read_text())),
    ):
        try:
            faults, unknown, known = judged(asked(releases))
        except OSError as error:
            faults, unknown, known = [], [], 0
            print(f"make audit: {error}"[:300])
        if not known:
            print(f"make audit: nobody could be asked about the {what} releases (no network?)")
            code = code or 2
            continue
        print(f"{known} {what} releases: {len(faults)} faults that are not explained")
        print("".join(f"{line}\n" for line in faults), end="")
        if unknown:
            print(f"not known there: {', '.join(unknown)}")
        code = 1 if faults else code
    return code


if __name__ == "__main__":
    sys.exit(main())
