"""Without the token nothing is answered, and every answer is a careful one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gesso.errors import GessoError, OptionError
from gesso.studio.server import LOCAL, Server, chosen_token, listening
from gesso.version import __version__
from studio_client import Client

ROUTES = ["api/styles", "api/pictures", "api/cards", "api/jobs", "api/openapi.json", "api/no-such"]


@pytest.mark.parametrize(
    "token", ["", "wrong", "a-token-for-tests-onlx", "a-token-for-tests-only2"]
)
def test_nothing_is_answered_without_the_token(client: Client, token: str) -> None:
    stranger = replace(client, token=token)
    for path in ROUTES:
        answer = stranger.get(path)
        assert answer.status == 401 and "X-Gesso-Token" in answer.error
    assert stranger.ask("POST", "api/pictures", b"x").status == 401


def test_the_page_learns_that_a_server_is_there_but_no_more_without_the_token(
    client: Client,
) -> None:
    stranger = replace(client, token="").get("api/about")
    assert stranger.status == 200
    assert stranger.json == {"gesso": __version__, "trusted": False}
    known = client.get("api/about").json
    assert known["trusted"] and known["limits"]["picture_bytes"] == 32_000_000
    assert {one["name"] for one in known["methods"]} >= {known["method"], "adain"}


def test_the_token_is_in_the_address(server: Server) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}/?token={server.token}"


def test_tokens_are_random_or_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GESSO_STUDIO_TOKEN", raising=False)
    assert len({chosen_token() for _ in range(10)}) == 10 and len(chosen_token()) >= 40
    monkeypatch.setenv("GESSO_STUDIO_TOKEN", "long-enough-token")
    assert chosen_token() == "long-enough-token"
    monkeypatch.setenv("GESSO_STUDIO_TOKEN", "short")
    with pytest.raises(GessoError, match="at least 16"):
        chosen_token()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system has no /proc/net")
def test_it_listens_on_this_machine_only(server: Server) -> None:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            found |= {row[1] for row in rows if row[3] == "0A"}  # listening
    mine = {place for place in found if int(place.rpartition(":")[2], 16) == server.port}
    assert mine == {f"0100007F:{server.port:04X}"}


def test_other_addresses_are_chosen_explicitly() -> None:
    with listening(LOCAL, 0) as made:
        assert made.getsockname()[0] == LOCAL
    with pytest.raises(OptionError, match="no address in numbers"):
        listening("example.org", 0)
    with pytest.raises(OptionError, match="port"):
        listening("192.0.2.1", 0)  # of documentation; no machine has it


@pytest.mark.parametrize("path", ["api/about", "api/no-such", "api/styles", "nothing.html"])
def test_every_answer_has_the_headers_that_keep_browsers_careful(client: Client, path: str) -> None:
    for sender in (client, replace(client, token="")):
        headers = sender.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "'unsafe-inline'" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers.get("cache-control") == ("no-store" if path.startswith("api") else None)


def test_what_is_unknown_or_not_http_is_answered_in_json(client: Client) -> None:
    assert client.get("api/no-such").error == "not found"
    assert client.ask("POST", "nothing.html").status == 405
    assert client.ask("POST", "api/jobs/picture", {"no": 1}).status == 422
    import socket

    with socket.create_connection((LOCAL, client.port)) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400") and b'{"error"' in answer
    assert b"nosniff" in answer
