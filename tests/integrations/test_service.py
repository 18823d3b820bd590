"""The FastAPI service, asked as an ASGI server asks it."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from tiny_files import TinyFiles

FOLDER = Path(__file__).parents[2] / "integrations/service"


@pytest.fixture
def service(
    monkeypatch: pytest.MonkeyPatch, tiny_weights: TinyFiles, own_cache: Path
) -> ModuleType:
    pytest.importorskip("fastapi")
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.delitem(sys.modules, "service", raising=False)
    return __import__("service")


def ask(app: Any, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer; the request's body comes in two pieces."""
    path, _, query = target.partition("?")
    half = len(body) // 2
    pieces = [body[:half], body[half:]]
    sent: list[Any] = []

    async def receive() -> Any:
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http"},
        **{"method": method, "path": path, "raw_path": path.encode(), "root_path": ""},
        **{"query_string": query.encode(), "headers": [(b"host", b"here")]},
        **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)},
    }
    asyncio.run(app(scope, receive, send))
    parts = [m.get("body", b"") for m in sent if m["type"] == "http.response.body"]
    return sent[0]["status"], b"".join(parts)


def test_a_photo_comes_back_painted(service: ModuleType, files: TinyFiles) -> None:
    status, data = ask(service.app, "GET", "/styles")
    assert status == 200 and "impasto" in json.loads(data)
    photo = files.photo.read_bytes()
    status, data = ask(service.app, "POST", "/stylize?style=impasto&size=40", photo)
    assert status == 200, data
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG" and max(picture.size) == 40


@pytest.mark.parametrize("query", ["", "?style=/etc/passwd", "?style=impasto&size=9999999"])
def test_what_makes_no_sense_is_refused(service: ModuleType, query: str) -> None:
    assert ask(service.app, "POST", f"/stylize{query}", b"x")[0] == 422


def test_a_bad_photo_is_one_line_and_a_large_one_is_not_read(
    service: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, data = ask(service.app, "POST", "/stylize?style=impasto", b"no picture")
    assert status == 422 and json.loads(data)["detail"].count("\n") == 0
    monkeypatch.setattr(service, "MOST_BYTES", 3)
    assert ask(service.app, "POST", "/stylize?style=impasto", b"four")[0] == 413


def test_it_has_forty_lines() -> None:
    assert len((FOLDER / "service.py").read_text().splitlines()) <= 42
