"""What the tests of the studio share: one server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from gesso.studio.server import Server
from studio_client import Client, serving
from tiny_files import TinyFiles

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="session")
def tiny_environment(files: TinyFiles) -> Iterator[None]:
    """The tiny weights in the place of the bundled ones, in processes that are started, too."""
    before = os.environ.get("GESSO_WEIGHTS")
    os.environ["GESSO_WEIGHTS"] = str(files.folder)
    yield
    if before is None:
        del os.environ["GESSO_WEIGHTS"]
    else:
        os.environ["GESSO_WEIGHTS"] = before


@pytest.fixture(scope="session")
def both(
    tiny_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Client]]:
    """A server that most tests share, and a client."""
    with serving(tmp_path_factory.mktemp("studio")) as found:
        yield found


@pytest.fixture
def server(both: tuple[Server, Client]) -> Server:
    return both[0]


@pytest.fixture
def client(both: tuple[Server, Client], request: pytest.FixtureRequest) -> Client:
    """A client in a session of the test's own."""
    name = "".join(c for c in request.node.name if c.isalnum())
    return both[1].another(name[:64])
