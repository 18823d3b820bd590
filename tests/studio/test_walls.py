"""A whole run under an audit hook, in all processes: nothing is written elsewhere, nobody called.

Paths and names from outside are sent to every route and into every field.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import gesso
from studio_client import TOKEN, Client
from tiny_files import TinyFiles

HAS_PROC = Path("/proc/self/fd").exists()
pytestmark = pytest.mark.skipif(not HAS_PROC, reason="the system has no /proc")

HOOK = """
import os, sys
_log = os.open(os.environ["AUDITED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink")
def _hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        written = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if isinstance(path, (str, bytes, os.PathLike)):
            name = os.path.abspath(os.fsdecode(path))
            os.write(_log, f"{'write' if written else 'read'} {name!r}\\n".encode())
    elif event in _CHANGES:
        names = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))]
        folders = [a for a in arguments if isinstance(a, int) and a >= 0 and event != "os.mkdir"]
        base = os.readlink(f"/proc/self/fd/{folders[0]}") if folders else os.getcwd()
        for name in names:
            os.write(_log, f"write {os.path.normpath(os.path.join(base, name))!r}\\n".encode())
    elif event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        os.write(_log, f"call {arguments[-1]!r} {arguments!r}\\n".encode())
sys.addaudithook(_hook)
"""

SECRET = "secret-of-nobody"
UP = (
    *("../", "..\\", "%2e%2e/", "%2e%2e%2f", "..%2f", "..%5c", "....//", "%252e%252e%252f"),
    *("..;/", "/", "//", "\\\\", "file:///", "C:\\", "~/", ".", "%00", "\0"),
)
ENDS = ("", "etc/", "./")
TAILS = ("", "%00.png", "::$DATA", "/.")
PAYLOADS = [
    f"{up * count}{end}{SECRET}{tail}"
    for up, count, end, tail in product(UP, (1, 2, 5), ENDS, TAILS)
]


@dataclass(frozen=True)
class Run:
    """A server in processes of its own, whose openings and calls are written down."""

    process: subprocess.Popen[str]
    client: Client
    log: Path
    runs: Path
    cards: Path

    def lines(self, kind: str) -> list[str]:
        text = self.log.read_text("utf-8")
        return [line.partition(" ")[2] for line in text.splitlines() if line.startswith(kind)]


@pytest.fixture(scope="module")
def run(tiny_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("walls")
    for name in ("hook", "runs", "home"):
        (folder / name).mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(HOOK)
    source = str(Path(gesso.__file__).parents[1])
    own = {
        "AUDITED": str(folder / "log"),
        "PYTHONPATH": os.pathsep.join([str(folder / "hook"), source]),
        "TMPDIR": str(folder / "runs"),
        "HOME": str(folder / "home"),
        "GESSO_STUDIO_TOKEN": TOKEN,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = ["studio", "--no-browser", "--cards", str(folder / "cards"), "--decode-timeout", "120"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gesso", *words],
        env={**os.environ, **own},
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder / "home",
    )
    assert process.stderr is not None
    found = re.search(r"127\.0\.0\.1:(\d+)", process.stderr.readline())
    assert found
    try:
        client = Client(int(found[1]))
        yield Run(process, client, folder / "log", folder / "runs", folder / "cards")
    finally:
        process.kill()
        process.communicate()


def test_a_whole_session_writes_into_its_folders_and_calls_nobody(
    run: Run, files: TinyFiles
) -> None:
    client = run.client
    assert len(PAYLOADS) * 3 > 1000
    photo = client.send(files.photo, name="../../photo.png")
    words: dict[str, Any] = {"photo": photo, "method": "adain", "size": 32}
    made = client.made("picture", {**words, "styles": [{"bundled": "neon"}]})
    assert client.get(f"api/pictures/{made['id']}/file").status == 200
    card = client.made("card", {"style": {"picture": photo}, "name": "mine", "method": "adain"})
    assert client.get(f"api/cards/{card['card']}/file").status == 200
    for payload in PAYLOADS:
        for place in (payload, f"api/styles/{payload}/picture", f"api/cards/{payload}/file"):
            answer = client.get(quote(place, safe="/%:;$~.\\"))
            assert answer.status in (400, 404, 405), (place, answer)
    for payload in PAYLOADS[:: len(PAYLOADS) // 40]:
        for styles in ([{"bundled": payload[:80]}], [{"card": payload[:80]}]):
            answer = client.ask("POST", "api/jobs/picture", {**words, "styles": styles})
            assert answer.status in (404, 422)
        mistakes: list[tuple[str, str, Any]] = [
            ("POST", "jobs/picture", {**words, "photo": payload, "styles": [{"bundled": "neon"}]}),
            ("POST", "jobs/card", {"style": {"bundled": "neon"}, "name": payload[:80]}),
            ("POST", "jobs/mixture", {"cards": {payload[:80]: 1}, "name": "x"}),
            ("PATCH", "cards/mine", {"name": payload[:80]}),
        ]
        for method, place, body in mistakes:
            assert client.ask(method, f"api/{place}", body).status in (404, 422)
        key = client.send(files.photo, name=payload)
        assert client.ask("DELETE", f"api/pictures/{key}").status == 204
    allowed = (str(run.runs), str(run.cards), "/dev/", "/proc/self/")
    written = {line.strip("'\"") for line in run.lines("write")}
    outside = {path for path in written if not path.startswith(allowed)}
    assert not {path for path in outside if path != str(run.log)}
    read = [line for line in run.lines("read") if SECRET in line]
    assert not [line for line in read if str(run.runs) not in line]
    assert not [line for line in run.lines("call") if "127.0.0.1" not in line]


def test_a_killed_servers_folder_goes_when_the_next_one_starts(run: Run) -> None:
    from gesso.studio.store import YOUNG_SECONDS, sweep

    (folder,) = [path for path in run.runs.iterdir() if path.name.startswith("gesso-studio-")]
    old = folder.stat().st_mtime - YOUNG_SECONDS - 1
    os.utime(folder, (old, old))
    assert sweep(run.runs) == []  # it still runs
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(30)
    assert sweep(run.runs) == [folder] and not folder.exists()
