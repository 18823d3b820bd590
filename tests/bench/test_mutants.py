"""`make mutants`: what it breaks is there, and it knows who notices."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mutants
import pytest
from protections import ALL, Protection


def test_every_protection_stands_where_it_is_said_to() -> None:
    assert mutants.misplaced(ALL) == []
    assert len(ALL) >= 30 and max(Counter((one.file, one.text) for one in ALL).values()) == 1
    for one in ALL:
        assert one.broken != one.text
        for path in one.tests.split():
            assert (mutants.ROOT / path.partition("::")[0]).exists(), path


def test_a_text_that_is_gone_or_there_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "src/gesso/a.py"
    path.parent.mkdir(parents=True)
    path.write_text("LIMIT = 1\nLIMIT = 1\n")
    texts = [Protection("a.py", text, "", "") for text in ("LIMIT = 1", "LEAST = 1")]
    assert mutants.misplaced(texts, tmp_path) == [
        "a.py: 'LIMIT = 1' is there 2 times",
        "a.py: 'LEAST = 1' is there 0 times",
    ]


def test_survivors_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "src/gesso").mkdir(parents=True)
    (tmp_path / "src/gesso/a.py").write_text("LIMIT = 1\nLEAST = 1\n")
    (tmp_path / "test_a.py").write_text(
        "from pathlib import Path\n"
        "def test_limit(): assert 'LIMIT = 1' in Path('src/gesso/a.py').read_text()\n"
    )
    broken = [
        Protection("a.py", "LIMIT = 1", "LIMIT = 2", "test_a.py"),
        Protection("a.py", "LEAST = 1", "LEAST = 2", "test_a.py"),
    ]
    assert mutants.survivors(broken, tmp_path) == [(broken[1], "SURVIVED")]
    assert "1/2 a.py: 'LIMIT = 1': caught by test_a.py::test_limit" in capsys.readouterr().out
    assert (tmp_path / "src/gesso/a.py").read_text() == "LIMIT = 1\nLEAST = 1\n"
