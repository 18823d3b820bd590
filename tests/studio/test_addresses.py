"""Other sites cannot use the server, whatever they send."""

from __future__ import annotations

import asyncio
import http.client
from typing import Any
from unittest.mock import Mock

import pytest

from gesso.studio.addresses import Known
from gesso.studio.guard import Guard
from gesso.studio.limits import Limits
from studio_client import TOKEN, Client

HERE = Known(8000)
OPEN = Known(8000, ("studio.example.org",), local=False)

FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:{port}"},
    {"Host": "127.0.0.1.evil.example:{port}"},
    {"Host": "localhost:1"},
    {"Host": "127.0.0.1"},
    {"Host": "192.168.1.7:{port}"},
    {"Host": ""},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1:{port}.evil.example"},
    {"Origin": "http://localhost:{port}"},  # another origin than the host asked for
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "TEXT/PLAIN; charset=utf-8"},
]
CHANGING = [
    ("POST", "api/pictures"),
    ("POST", "api/clips"),
    ("POST", "api/cards"),
    ("POST", "api/jobs/picture"),
    ("POST", "api/jobs/grid"),
    ("POST", "api/jobs/card"),
    ("POST", "api/jobs/mixture"),
    ("POST", f"api/jobs/{'0' * 32}/cancel"),
    ("PATCH", "api/cards/a"),
    ("DELETE", "api/cards/a"),
    ("DELETE", f"api/pictures/{'0' * 32}"),
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_other_sites_are_refused_on_every_route_that_changes_something(
    client: Client, headers: dict[str, str]
) -> None:
    own = {name: value.format(port=client.port) for name, value in headers.items()}
    for method, path in CHANGING:
        answer = client.ask(method, path, b"x", own)
        assert answer.status == 403 and answer.error, (method, path)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("headers", FOREIGN[:15], ids=str)
def test_other_sites_read_nothing(client: Client, headers: dict[str, str]) -> None:
    own = {name: value.format(port=client.port) for name, value in headers.items()}
    for path in ("api/about", "api/cards", "api/openapi.json"):
        assert client.ask("GET", path, headers=own).status == 403


def test_asking_first_is_never_granted(client: Client) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.ask("OPTIONS", "api/pictures", headers=asked)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.ask("OPTIONS", "api/pictures").status == 405


def test_two_hosts_in_one_request_are_refused(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port)
    connection.putrequest("GET", "/api/about", skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{client.port}")
    connection.putheader("Host", "evil.example")
    connection.endheaders()
    assert connection.getresponse().status in (400, 403)
    connection.close()


def test_the_page_itself_may_be_followed_to_from_elsewhere_but_not_its_api() -> None:
    followed = {
        "host": "localhost:8000",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
    }
    assert HERE.refusal("GET", False, followed) is None
    assert HERE.refusal("GET", True, followed)
    assert HERE.refusal("GET", False, {**followed, "sec-fetch-mode": "no-cors"})


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"]
)
def test_names_of_this_machine_are_known(host: str) -> None:
    assert HERE.is_host(host) and OPEN.is_host(host)


@pytest.mark.parametrize("host", ["10.0.0.2:8000", "[fd00::1]:8000", "studio.example.org"])
def test_other_addresses_are_known_only_where_it_listens_on_them(host: str) -> None:
    assert OPEN.is_host(host) and not HERE.is_host(host)


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "a@127.0.0.1:8000", "127.0.0.1:8000:1", "[::1"]
)
def test_other_names_are_unknown(host: str) -> None:
    assert not OPEN.is_host(host) and not HERE.is_host(host)


@pytest.mark.parametrize("name", [b"origin", b"host"])
def test_of_two_names_none_counts(name: bytes) -> None:
    """Whichever of them a library would take, and even where both are ours."""
    ours = {b"origin": b"http://127.0.0.1:80", b"host": b"127.0.0.1:80"}
    pair = [(name, ours[name]), (name, ours[name])]
    others = [(n, value) for n, value in ours.items() if n != name]
    headers = [*pair, *others, (b"x-gesso-token", TOKEN.encode())]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("was passed on")

    scope = {"type": "http", "method": "GET", "path": "/api/jobs"}
    guard = Guard(app, Known(80), TOKEN, Limits())
    asyncio.run(guard({**scope, "headers": headers}, Mock(), send))
    assert sent[0]["status"] == 403 and b"more than one" in sent[1]["body"]
