"""Work that takes its time: begun, watched, given up."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from gesso.studio.app import Here, Maker, Session
from gesso.studio.jobs import OVER, Job
from gesso.studio.refusals import unknown
from gesso.studio.routes.pictures import saved_as
from gesso.studio.store import Entry
from gesso.studio.words import Adaptation, Film, Grid, Mixture, Picture

router = APIRouter(prefix="/api/jobs")
everything = APIRouter(prefix="/api")
WAIT_SECONDS = 60
TICK_SECONDS = 0.1
ALIVE_SECONDS = 15.0  # between comments that keep a connection open


@router.post("/picture", status_code=202)
async def picture(words: Picture, maker: Maker, studio: Here) -> dict[str, Any]:
    """Paint a photo in a style, or in several."""
    return studio.jobs.submit(maker.picture(words)).shown()


@router.post("/grid", status_code=202)
async def grid(words: Grid, maker: Maker, studio: Here) -> dict[str, Any]:
    """Paint every photo in every style."""
    return studio.jobs.submit(maker.grid(words)).shown()


@router.post("/clip", status_code=202)
async def clip(words: Film, maker: Maker, studio: Here) -> dict[str, Any]:
    """Paint every frame of a clip, as `gesso video` does."""
    return studio.jobs.submit(maker.film(words)).shown()


@router.post("/card", status_code=202)
async def card(words: Adaptation, maker: Maker, studio: Here) -> dict[str, Any]:
    """Make a card of a style; it goes into the library."""
    return studio.jobs.submit(maker.card(words)).shown()


@router.post("/mixture", status_code=202)
async def mixture(words: Mixture, maker: Maker, studio: Here) -> dict[str, Any]:
    """Mix cards of the library into another."""
    return studio.jobs.submit(maker.mixture(words)).shown()


@router.get("")
async def jobs(studio: Here, session: Session) -> list[dict[str, Any]]:
    """The session's jobs, the newest first."""
    return [job.shown() for job in studio.jobs.of(session)]


@router.get("/{key}")
async def job(
    key: str,
    studio: Here,
    session: Session,
    wait: Annotated[float, Query(ge=0, le=WAIT_SECONDS, description="Seconds to wait for.")] = 0,
) -> dict[str, Any]:
    """How far a job is; with `wait` the answer comes once it is over, or after that time."""
    found = studio.jobs.get(session, key)
    left = wait
    while found.state not in OVER and left > 0:
        await asyncio.sleep(TICK_SECONDS)
        left -= TICK_SECONDS
    return found.shown()


@router.get("/{key}/events")
async def events(request: Request, key: str, studio: Here, session: Session) -> Response:
    """How far a job is, as server-sent events, until it is over: `data:` is the job as JSON, of
    which only the newest state is sent."""
    found = studio.jobs.get(session, key)
    return StreamingResponse(_events(request, found), media_type="text/event-stream")


async def _events(request: Request, job: Job) -> AsyncIterator[str]:
    seen, quiet = -1, 0.0
    while True:
        if job.version != seen:
            seen, quiet = job.version, 0.0
            yield f"data: {json.dumps(job.shown())}\n\n"
            if job.state in OVER:
                return
        elif quiet >= ALIVE_SECONDS:
            quiet = 0.0
            yield ": still there\n\n"
        await asyncio.sleep(TICK_SECONDS)
        quiet += TICK_SECONDS
        if await request.is_disconnected():
            return


@router.get("/{key}/preview")
async def preview(key: str, studio: Here, session: Session) -> Response:
    """The newest of the pictures on the way to the result."""
    found = studio.jobs.get(session, key)
    if found.preview is None or not found.preview.is_file():
        raise unknown("preview")
    return FileResponse(found.preview, media_type="image/webp")


@router.post("/{key}/cancel", status_code=202)
async def cancel(key: str, studio: Here, session: Session) -> dict[str, Any]:
    """Give a job up."""
    found = studio.jobs.get(session, key)
    studio.jobs.cancel(found)
    return found.shown()


@router.get("/{key}/files")
async def files(key: str, studio: Here, session: Session) -> Response:
    """All pictures that a job has made so far, as one ZIP file."""
    found = studio.jobs.get(session, key)
    made = [studio.store.get(session, one["id"]) for one in found.results if "id" in one]
    headers = saved_as(f"gesso-{found.kind}.zip")
    return StreamingResponse(zipped(made), media_type="application/zip", headers=headers)


@everything.get("/files")
async def everything_made(studio: Here, session: Session) -> Response:
    """All pictures and clips that this session has made, as one ZIP file."""
    made = [entry for entry in studio.store.of(session) if entry.facts.get("made")]
    return StreamingResponse(
        zipped(made), media_type="application/zip", headers=saved_as("gesso.zip")
    )


def zipped(entries: Sequence[Entry]) -> Iterator[bytes]:
    """A ZIP file of pictures, one after the other; those of one name get a number."""
    sink, names = _Sink(), set[str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # pictures do not shrink
        for entry in entries:
            name, number = entry.name, 2
            while name.casefold() in names:
                path = Path(entry.name)
                name, number = f"{path.stem}-{number}{path.suffix}", number + 1
            names.add(name.casefold())
            with suppress(FileNotFoundError):  # it had to make room
                archive.write(entry.path, name)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Holds what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
