"""More than the server can do is refused, not suffered."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from gesso.studio.addresses import Known
from gesso.studio.guard import Guard
from gesso.studio.limits import Limits
from studio_client import TOKEN, Answer, Client, serving
from tiny_files import TinyFiles

CROWD = 400


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=120)


def test_a_crowd_is_answered_or_told_to_come_again(
    tiny_environment: None, tmp_path: Path, files: TinyFiles
) -> None:
    limits = Limits(max_at_once=8, decode_timeout=120)
    data = files.photo.read_bytes()
    with serving(tmp_path, limits) as (server, client):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        head = (
            f"POST /api/pictures?name=a.png HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n"
            f"X-Gesso-Token: {TOKEN}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        ).encode()
        crowd = [connected(client.port) for _ in range(CROWD)]
        for one in crowd:
            one.sendall(head + data)
        answers = [b"".join(iter(lambda one=one: one.recv(65536), b"")) for one in crowd]  # type: ignore[misc]
        for one in crowd:
            one.close()
        statuses = Counter(answer.split(b" ", 2)[1] for answer in answers)
        assert statuses.keys() <= {b"201", b"503"} and statuses[b"201"] >= 1
        assert sum(statuses.values()) == CROWD and statuses[b"503"] >= CROWD // 2
        assert all(b"retry-after: " in answer for answer in answers if b" 503 " in answer[:16])
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kB
        assert client.ask("POST", "api/pictures", data).status == 201  # and all is as before
        assert len(server.studio.store.of("default")) == statuses[b"201"] + 1


def test_no_more_is_under_way_at_one_time_than_allowed() -> None:
    """Whatever is asked for; what is refused leaves no trace, and what ends makes room."""

    async def ask(guard: Guard) -> int:
        headers = [(b"host", b"127.0.0.1:80"), (b"x-gesso-token", TOKEN.encode())]
        scope = {"type": "http", "method": "GET", "path": "/api/jobs", "headers": headers}
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await guard(scope, Mock(), send)
        return int(sent[0]["status"])

    async def crowd() -> None:
        free = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await free.wait()
            await send({"type": "http.response.start", "status": 200})

        guard = Guard(slow, Known(80), TOKEN, Limits(max_at_once=8))
        asked = [asyncio.create_task(ask(guard)) for _ in range(12)]
        await asyncio.sleep(0)
        assert sorted(task.result() for task in asked if task.done()) == [503] * 4
        free.set()
        assert sorted(await asyncio.gather(*asked)) == [200] * 8 + [503] * 4
        assert await ask(guard) == 200

    asyncio.run(crowd())


def test_connections_that_say_nothing_keep_nobody_out(client: Client) -> None:
    silent = [connected(client.port) for _ in range(200)]
    for one in silent[::2]:
        one.sendall(b"GET /api/about HTTP/1.1\r\nHo")
    try:
        began = time.monotonic()
        assert client.get("api/about").status == 200
        assert time.monotonic() - began < 30
    finally:
        for one in silent:
            one.close()


def test_connections_that_say_nothing_are_closed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gesso.studio.protocol.HEAD_SECONDS", 0.2)
    with connected(client.port) as one:
        one.sendall(b"GET /api/about HTTP/1.1\r\n")
        assert one.recv(100) == b""


def test_nobody_gets_anothers_picture(client: Client, files: TinyFiles) -> None:
    """Pictures of many sessions at the same time are those that each would get by itself."""
    photos = [files.photo, files.photos / "a.jpg", files.photos / "sub" / "c.webp"]
    styles = ["neon", "mosaic"]

    def painted(number: int) -> bytes:
        own = client.another(f"crowd{number}")
        words = {"photo": own.send(photos[number % 3]), "method": "adain", "size": 32}
        made = own.made("picture", {**words, "styles": [{"bundled": styles[number % 2]}]})
        answer: Answer = own.get(f"api/pictures/{made['id']}/file")
        assert answer.status == 200
        return answer.body

    serial = [painted(number) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(painted, range(24)))
    assert len(set(serial)) == 6
    assert together == [serial[number % 6] for number in range(24)]
