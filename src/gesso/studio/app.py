"""The API: `api/…`, JSON in and out, documented by `api/openapi.json`; all else is the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from gesso import assets
from gesso.errors import GessoError
from gesso.studio.apart import Answer
from gesso.studio.jobs import Jobs
from gesso.studio.library import Library
from gesso.studio.limits import Limits
from gesso.studio.readers import Readers
from gesso.studio.refusals import UNUSABLE, Refused, without_folders
from gesso.studio.store import Store
from gesso.studio.tasks import Made
from gesso.version import __version__

DEFAULT_SESSION = "default"
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TELEMETRY = ("tracing", "metrics", "logs", "operation_spans", "auto_configure")
_NO_TELEMETRY: Any = {"telemetry": dict.fromkeys(_TELEMETRY, False)}


@dataclass
class Studio:
    """What the routes share.

    Attributes:
        store, library, limits, jobs: see their classes.
        readers: what reads files that were sent.
        site: the page's files, by path.
    """

    store: Store
    library: Library
    limits: Limits
    jobs: Jobs
    readers: Readers
    site: dict[str, Path]

    def __post_init__(self) -> None:
        self.known_cards: dict[tuple[int, ...], Answer] = {}

    @property
    def folders(self) -> list[Path]:
        """Those that no answer names."""
        return [self.store.folder, self.library.folder, assets.STYLES, assets.CONTENTS]

    async def read(self, read: Callable[..., Answer], *files: Path) -> Answer:
        """What one of the readers says of files. Raises GessoError, and Refused where too many are
        being read."""
        self.readers.enter()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.readers.threads, read, *files)
        finally:
            self.readers.leave()

    def close(self) -> None:
        """End the processes and remove the run's folder."""
        self.jobs.close()
        self.readers.close()
        self.store.close()


def studio_of(request: Request) -> Studio:
    """The studio that a request came to."""
    found: Studio = request.app.state.studio
    return found


def session_of(
    x_gesso_session: Annotated[
        str, Header(description="Whose pictures and jobs; any word, one for each page.")
    ] = DEFAULT_SESSION,
) -> str:
    """The session that a request names. Raises Refused for a name that cannot be."""
    if not _SESSION.fullmatch(x_gesso_session):
        allowed = "letters, digits, _ and -, at most 64"
        raise Refused(UNUSABLE, f"X-Gesso-Session: allowed are {allowed}")
    return x_gesso_session


Here = Annotated[Studio, Depends(studio_of)]
Session = Annotated[str, Depends(session_of)]


def made_of(studio: Here, session: Session) -> Made:
    """What makes jobs of a session's requests."""
    return Made(studio.store, studio.library, studio.limits, session)


Maker = Annotated[Made, Depends(made_of)]


def make_app(studio: Studio) -> FastAPI:
    """The application, without its guard."""
    from gesso.studio.routes import ROUTERS

    app = FastAPI(
        title="gesso studio",
        version=__version__,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        **_NO_TELEMETRY,
    )
    app.state.studio = studio
    handlers: dict[Any, Callable[..., Any]] = {
        Refused: _refused,
        GessoError: _unusable,
        RequestValidationError: _misunderstood,
        HTTPException: _other,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": text}, status, headers)


async def _refused(request: Request, error: Refused) -> Response:
    later = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    text = without_folders(str(error), studio_of(request).folders)
    return _error(error.status, text, {**later, "Connection": "close"})


async def _unusable(request: Request, error: GessoError) -> Response:
    return _error(UNUSABLE, without_folders(str(error), studio_of(request).folders))


async def _misunderstood(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    text = str(first["msg"]).removeprefix("Value error, ")
    return _error(UNUSABLE, str(GessoError(f"{where or 'body'}: {text}"[:300])))


async def _other(request: Request, error: HTTPException) -> Response:
    return _error(error.status_code, str(error.detail).lower(), dict(error.headers or {}))
