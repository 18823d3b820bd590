"""Calling commands as a user does, and what a mistake of the user's has to look like."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

Result = tuple[int, str, str]  # exit code, stdout, stderr
Gesso = Callable[..., Result]


def refused(result: Result, *words: str) -> None:
    """Asserts that the result is that of a mistake: exit code 2, one short line with the words."""
    code, out, err = result
    assert code == 2 and out == "", (code, out)
    assert err.endswith("\n") and err.count("\n") == 1 and len(err) <= 320, err
    for word in words:
        assert word in err, (word, err)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python process of its own, run to its end."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def without_torch(*arguments: object) -> Result:
    """A command in a process that cannot import torch."""
    script = "import sys; sys.modules['torch'] = None; from gesso.cli import run; "
    done = python("-c", script + f"sys.exit(run({[str(a) for a in arguments]!r}))")
    return done.returncode, done.stdout, done.stderr
