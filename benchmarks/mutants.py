"""Break each protection of `protections.py`, one at a time, and see whether its tests notice:

    python benchmarks/mutants.py                 # all of them
    python benchmarks/mutants.py studio names    # those of files with such a name

The breaks happen in a copy of the tree. Before, the tests have to pass there as they are. A test
that does not come to its end counts as failed. Prints a line for each, those that survive at the
end, and exits with 1 if there are any, or if a text is no longer found exactly once.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from protections import ALL, Protection

ROOT = Path(__file__).parent.parent
COPIED = ("src", "tests", "benchmarks", "examples", "pyproject.toml")
SECONDS = 300  # for the tests of one protection
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def misplaced(protections: Sequence[Protection], root: Path = ROOT) -> list[str]:
    """A line for each text that does not stand in its file exactly once."""
    lines = []
    for one in protections:
        count = (root / "src/gesso" / one.file).read_text(encoding="utf-8").count(one.text)
        if count != 1:
            lines.append(f"{one.file}: {one.text.strip()!r} is there {count} times")
    return lines


def copy_of(root: Path, folder: Path) -> Path:
    """A copy of what the tests need; large files are linked, for nothing of them is changed."""
    for name in COPIED:
        source = root / name
        if source.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=unwanted, copy_function=_copied)
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def _copied(source: str, target: str) -> None:
    if source.endswith((".safetensors", ".onnx", ".jpg", ".webp", ".wasm")):
        os.symlink(os.path.abspath(source), target)
    else:
        shutil.copyfile(source, target)


def failure(tree: Path, tests: str) -> str:
    """The first test that fails in a tree; "" if all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    paths = os.pathsep.join([str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    plain = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = {**os.environ, "PYTHONPATH": paths, **plain}
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            [*command, *tests.split()], cwd=tree, env=environment, stdout=said, stderr=said,
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                code = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                _end(process)
                return f"no end after {SECONDS} s"
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    if code == 0:
        return ""
    found = _FAILED.search(text)
    return found[1] if found else f"exit code {code}: {text.strip()[-300:]}"


def _end(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, 9)
    process.kill()


def survivors(protections: Sequence[Protection], tree: Path) -> list[tuple[Protection, str]]:
    """Those whose tests do not notice that they are broken, and why; prints what becomes of each.
    The tree is as before in the end."""
    sound: dict[str, str] = {}
    found = []
    for number, one in enumerate(protections, 1):
        start, path = time.monotonic(), tree / "src/gesso" / one.file
        if one.tests not in sound:
            sound[one.tests] = failure(tree, one.tests)
        why, before = "", path.read_text(encoding="utf-8")
        if sound[one.tests]:
            why = f"fails as it is: {sound[one.tests]}"
        else:
            path.write_text(before.replace(one.text, one.broken), encoding="utf-8")
            caught = failure(tree, one.tests)
            path.write_text(before, encoding="utf-8")
            why = "" if caught else "SURVIVED"
        said = why or f"caught by {caught}"
        seconds = f"{time.monotonic() - start:.0f} s"
        place = f"{number}/{len(protections)} {one.file}: {one.text.strip()[:60]!r}"
        print(f"{place}: {said} ({seconds})", flush=True)
        if why:
            found.append((one, why))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Break them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of files' names; default: all")
    given = parser.parse_args(arguments)
    chosen = [one for one in ALL if not given.names or any(n in one.file for n in given.names)]
    wrong = misplaced(chosen)
    if wrong:
        print("\n".join(wrong))
        return 1
    with tempfile.TemporaryDirectory(prefix="gesso-mutants-") as folder:
        left = survivors(chosen, copy_of(ROOT, Path(folder)))
    print(f"{len(chosen) - len(left)} of {len(chosen)} caught")
    for one, why in left:
        print(f"{one.file}: {one.text.strip()!r}: {why}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
