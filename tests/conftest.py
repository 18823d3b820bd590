"""What many tests share: one thread, tiny weights and pictures as files, a cache of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from gesso.environment import PRECISION
from tiny_files import TinyFiles, make_tiny_files

os.environ[PRECISION] = "float32"  # here and in the processes that tests start: whatever the CPU


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """One thread, as in the processes that some tests start: sums are added in an order that
    depends on the number of threads, and two test processes share two cores as it is."""
    torch.set_num_threads(1)  # again for every test: a command's --threads stays set


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> TinyFiles:
    """Tiny weights of every method, a style and photos; not to be changed."""
    return make_tiny_files(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny_weights(files: TinyFiles, monkeypatch: pytest.MonkeyPatch) -> TinyFiles:
    """The tiny weights in the place of the bundled ones."""
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    return files


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GESSO_CACHE", str(folder))
    return folder
