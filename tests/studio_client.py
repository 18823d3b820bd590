"""A client of the studio's API, and a server of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gesso.studio.limits import Limits
from gesso.studio.server import Server, Settings

TOKEN = "a-token-for-tests-only"
PATIENT = Limits(decode_timeout=120)  # other processes take the cores
OVER = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The one line of an error."""
        found = self.json
        assert found.keys() == {"error"}, found
        text: str = found["error"]
        assert text and "\n" not in text and "Traceback" not in text
        return text


@dataclass(frozen=True)
class Client:
    """Talks to a server as a script does."""

    port: int
    session: str = "default"
    token: str = TOKEN
    headers: dict[str, str] = field(default_factory=dict)

    def another(self, session: str) -> Client:
        """The same in another session."""
        return replace(self, session=session)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """An answer. A body that is no bytes is sent as JSON."""
        own = {"X-Gesso-Token": self.token, "X-Gesso-Session": self.session, **self.headers}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            own["Content-Type"] = "application/json"
        elif body is not None:
            own["Content-Type"] = "application/octet-stream"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, f"/{path}", body, own | (headers or {}))
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, named, found.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def send(self, path: Path | bytes, kind: str = "pictures", name: str = "") -> str:
        """The id of a picture that is sent, or the name of a card."""
        data = path if isinstance(path, bytes) else path.read_bytes()
        called = name or (path.name if isinstance(path, Path) else "picture")
        answer = self.ask("POST", f"api/{kind}?name={quote(called, safe='')}", data)
        assert answer.status == 201, answer.body
        return str(answer.json.get("id") or answer.json["name"])

    def begin(self, kind: str, words: Any) -> str:
        """The id of a job."""
        answer = self.ask("POST", f"api/jobs/{kind}", words)
        assert answer.status == 202, answer.body
        return str(answer.json["id"])

    def over(self, job: str) -> Any:
        """A job once it is over."""
        while True:
            found = self.get(f"api/jobs/{job}?wait=60").json
            if found["state"] in OVER:
                return found

    def made(self, kind: str, words: Any) -> Any:
        """What a job has made first."""
        found = self.over(self.begin(kind, words))
        assert found["state"] == "done", found
        return found["results"][0]


@contextmanager
def serving(folder: Path, limits: Limits = PATIENT, **more: Any) -> Iterator[tuple[Server, Client]]:
    """A server with everything of its own below a folder, and a client of it."""
    parent = folder / "runs"
    parent.mkdir(parents=True, exist_ok=True)
    settings = Settings(cards=folder / "cards", parent=parent, limits=limits, **more)
    server, started = Server(settings, TOKEN), threading.Event()
    thread = threading.Thread(target=server.run, args=(started.set,), daemon=True)
    thread.start()
    try:
        assert started.wait(300)
        yield server, Client(server.port)
    finally:
        server.stop()
        thread.join(60)
