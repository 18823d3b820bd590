"""Short forms of `make fuzz` and `make torture`."""

from __future__ import annotations

import sys
from pathlib import Path

import fuzz
import pytest
import torture


def test_damaged_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    assert fuzz.fuzz(tmp_path, 0, examples=60, first=3) == {
        **{"pictures": 60, "cards": 60},
        **{"manifests": 60, "headers": 60},
    }


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_a_training_that_is_killed_stopped_and_starved_is_that_of_one_run(tmp_path: Path) -> None:
    assert torture.torture(tmp_path / "run", 0, least=3) == ["kill", "full", "term"]
    assert torture.finish(tmp_path / "run", tmp_path / "whole") > torture.EVERY
