"""The server: its address, its token, and uvicorn, which speaks HTTP."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gesso.errors import GessoError, OptionError
from gesso.studio.limits import Limits

TOKEN_VARIABLE = "GESSO_STUDIO_TOKEN"
LEAST_TOKEN = 16  # characters
LOCAL = "127.0.0.1"
HEAD_SECONDS = 20.0  # until a connection has sent a request's head
MOST_CONNECTIONS = 4000
SPARE_FILES = 200


@dataclass(frozen=True)
class Settings:
    """Where the server listens, and what it serves.

    Attributes:
        address: of this machine, in numbers; by default nobody else reaches it.
        port: 0: any that is free.
        names: by which it is known besides localhost and addresses in numbers.
        cards: the folder of the library; None: `library_folder()`.
        site: the folder of the page; None: where `make web` writes it.
        parent: of the run's folder; None: the system's for temporary files.
        workers: processes that paint.
    """

    address: str = LOCAL
    port: int = 0
    names: Sequence[str] = ()
    cards: Path | None = None
    site: Path | None = None
    parent: Path | None = None
    workers: int = 1
    limits: Limits = field(default_factory=Limits)


def chosen_token() -> str:
    """What the environment names as the token, else a random one. Raises GessoError for one that
    is too short."""
    given = os.environ.get(TOKEN_VARIABLE, "")
    if not given:
        return secrets.token_urlsafe(32)
    if len(given) < LEAST_TOKEN or not given.isascii() or not given.isprintable() or " " in given:
        allowed = f"at least {LEAST_TOKEN} letters and digits, or none for a random one"
        raise GessoError(f"{TOKEN_VARIABLE}: allowed are {allowed}")
    return given


def listening(address: str, port: int) -> socket.socket:
    """A socket that listens there. Raises OptionError where that cannot be."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        text = f"{address[:60]}: no address in numbers, such as {LOCAL} or 0.0.0.0"
        raise OptionError("address", text) from None
    family = socket.AF_INET6 if found.version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let another program listen there, too
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(2048)
    except OSError as error:
        made.close()
        reason = error.strerror or str(error)
        raise OptionError("port", f"{address} port {port}: {reason}; 0 is any free one") from error
    return made


class Server:
    """A server that listens from the moment it is made, and answers while it `run`s.

    Args:
        settings: see there.
        token: what requests have to show.

    Raises:
        GessoError: an address that cannot be listened on.
    """

    def __init__(self, settings: Settings, token: str) -> None:
        from gesso.studio.assembly import assembled

        self.settings, self.token = settings, token
        self.socket = listening(settings.address, settings.port)
        self.port: int = self.socket.getsockname()[1]
        try:
            self.studio, self.app = assembled(settings, self.port, token)
        except BaseException:
            self.socket.close()
            raise
        self._uvicorn: Any = None

    @property
    def url(self) -> str:
        """The page's address with the token, which the page takes out of it at once."""
        address = ipaddress.ip_address(self.settings.address)
        host = LOCAL if address == ipaddress.ip_address("0.0.0.0") else str(address)
        host = "[::1]" if address == ipaddress.ip_address("::") else host
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        name = self.settings.names[0] if self.settings.names else host
        return f"http://{name}:{self.port}/?token={self.token}"

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Answer requests until `stop`, Ctrl-C or SIGTERM; then end all processes and remove the
        run's folder.

        Args:
            started: is called once requests are answered.
        """
        import uvicorn

        from gesso.studio.protocol import Protocol

        allow_many_files()
        config = uvicorn.Config(
            self.app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
            limit_concurrency=None,
            backlog=2048,
        )
        self._uvicorn = _without_signals()(config)
        try:
            asyncio.run(self._serve(started))
        finally:
            self.close()

    async def _serve(self, started: Callable[[], None]) -> None:
        serving = asyncio.create_task(self._uvicorn.serve([self.socket]))
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not in the main thread
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.stop)
        while not self._uvicorn.started and not serving.done():
            await asyncio.sleep(0.01)
        if not serving.done():
            started()
        await serving

    def stop(self) -> None:
        """Let `run` come to its end; may be called from any thread."""
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True

    def close(self) -> None:
        """End all processes and remove the run's folder."""
        self.socket.close()
        self.studio.close()


def _without_signals() -> Any:
    """uvicorn's server, which leaves Ctrl-C to us."""
    import uvicorn

    class Quiet(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Quiet


def allow_many_files() -> None:
    """Let this process have as many files and connections as the system allows it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST_CONNECTIONS + SPARE_FILES
        wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
