"""Pictures and clips that are sent, and pictures that were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from gesso.errors import GessoError
from gesso.studio.app import Here, Session, Studio
from gesso.studio.refusals import UNUSABLE, Refused, unknown
from gesso.studio.routes.sending import receive
from gesso.studio.store import Entry

router = APIRouter(prefix="/api")

FileName = Annotated[str, Query(max_length=255, description="What it is called; only for people.")]
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tiff": "image/tiff",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".gif": "image/gif",
    ".safetensors": "application/octet-stream",
    ".zip": "application/zip",
}


@router.post("/pictures", status_code=201, openapi_extra=BODY)
async def send_picture(
    request: Request, studio: Here, session: Session, name: FileName = "picture"
) -> dict[str, Any]:
    """Send a photo, a style or a mask: the file is the body. JPEG, PNG, WebP, AVIF, HEIF, TIFF,
    BMP, GIF or JPEG 2000, known by its bytes."""
    read = studio.readers.picture
    return await _sent(request, studio, session, name, read, studio.limits.picture_bytes)


@router.post("/clips", status_code=201, openapi_extra=BODY)
async def send_clip(
    request: Request, studio: Here, session: Session, name: FileName = "clip"
) -> dict[str, Any]:
    """Send a video or an animated picture: the file is the body."""
    read = studio.readers.clip
    return await _sent(request, studio, session, name, read, studio.limits.clip_bytes)


async def _sent(
    request: Request,
    studio: Studio,
    session: str,
    name: str,
    read: Callable[..., dict[str, Any]],
    most: int,
) -> dict[str, Any]:
    entry = studio.store.new(session, name)
    await receive(request, studio, entry, most)
    try:
        entry.facts = await studio.read(read, entry.path, entry.preview)
    except GessoError as error:
        studio.store.drop(entry)
        if isinstance(error, Refused):
            raise
        # A limit that the file itself is over is one of what may be sent.
        status = 413 if "over the limit of" in str(error) else UNUSABLE
        raise Refused(status, str(error)) from error
    except BaseException:
        studio.store.drop(entry)
        raise
    return studio.store.add(entry).shown()


@router.get("/pictures")
async def pictures(studio: Here, session: Session) -> list[dict[str, Any]]:
    """What this session has sent and made."""
    return [entry.shown() for entry in studio.store.of(session)]


@router.get("/pictures/{key}")
async def picture(key: str, studio: Here, session: Session) -> dict[str, Any]:
    """What is known of a picture."""
    return studio.store.get(session, key).shown()


@router.get("/pictures/{key}/preview")
async def preview(key: str, studio: Here, session: Session) -> Response:
    """What is shown of a picture: at most 1600 px, in our own encoding, without metadata."""
    entry = studio.store.get(session, key)
    if not entry.preview.is_file():
        raise unknown("preview")
    return FileResponse(entry.preview, media_type="image/webp")


@router.get("/pictures/{key}/file")
async def file(key: str, studio: Here, session: Session) -> Response:
    """The file of a picture that was made. What was sent is never given back."""
    entry = studio.store.get(session, key)
    if not entry.facts.get("made"):
        raise Refused(UNUSABLE, f"{entry.name}: was sent, and is not given back; see its preview")
    return sent_file(entry)


@router.delete("/pictures/{key}", status_code=204)
async def remove(key: str, studio: Here, session: Session) -> Response:
    """Remove a picture from the server."""
    entry = studio.store.get(session, key)
    if entry.pins:
        raise Refused(409, f"{entry.name}: a job needs it; cancel that first")
    studio.store.drop(entry)
    return Response(status_code=204)


def sent_file(entry: Entry) -> FileResponse:
    """An answer that browsers save, and never show."""
    kind = TYPES.get(entry.path.suffix, "application/octet-stream")
    return FileResponse(entry.path, media_type=kind, headers=saved_as(entry.name))


def saved_as(name: str) -> dict[str, str]:
    """The header that has a browser save an answer under that name."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
