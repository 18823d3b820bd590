"""What the tests of commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Gesso
from gesso.cli import run
from tiny_files import TinyFiles


@pytest.fixture(autouse=True)
def a_cache_of_its_own(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GESSO_DEBUG", raising=False)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Gesso:
    """gesso(*arguments) -> exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture(scope="session")
def card(files: TinyFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card of the tiny start; not to be changed."""
    path = tmp_path_factory.mktemp("card") / "card.safetensors"
    assert run(["adapt", str(files.style), "-o", str(path), "-q", *files.options]) == 0
    return path
