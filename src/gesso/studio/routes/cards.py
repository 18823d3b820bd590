"""The library of cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from gesso.errors import GessoError
from gesso.studio.app import Here, Session, Studio
from gesso.studio.refusals import unknown
from gesso.studio.routes.pictures import BODY, FileName, saved_as
from gesso.studio.routes.sending import receive
from gesso.studio.words import Rename

router = APIRouter(prefix="/api")


@router.get("/cards")
async def cards(studio: Here) -> list[dict[str, Any]]:
    """The cards of the library, with what their headers say."""
    return [await _shown(studio, name, path) for name, path in studio.library.files().items()]


@router.post("/cards", status_code=201, openapi_extra=BODY)
async def send_card(
    request: Request, studio: Here, session: Session, name: FileName = "card"
) -> dict[str, Any]:
    """Send a card, as `gesso adapt` makes them: the file is the body."""
    sent = studio.store.new(session, "card", ".safetensors")
    await receive(request, studio, sent, studio.limits.picture_bytes)
    try:
        out = sent.path.with_name("checked.safetensors")
        await studio.read(studio.readers.card, sent.path, sent.preview, out)
        stem = name.removesuffix(".safetensors")
        kept = studio.library.put(stem, out)
    finally:
        studio.store.drop(sent)
    return await _shown(studio, kept, studio.library.file(kept))


@router.get("/cards/{name}")
async def card(name: str, studio: Here) -> dict[str, Any]:
    """What a card's header says."""
    return await _shown(studio, name, studio.library.file(name))


@router.get("/cards/{name}/file")
async def card_file(name: str, studio: Here) -> FileResponse:
    """A card's file, which the command line takes as a style."""
    path = studio.library.file(name)
    return FileResponse(path, media_type="application/octet-stream", headers=saved_as(path.name))


@router.get("/cards/{name}/thumbnail")
async def thumbnail(name: str, studio: Here) -> FileResponse:
    """A small picture of a card's style, in our own encoding."""
    facts, preview = await _facts(studio, studio.library.file(name))
    if not facts.get("thumbnail"):
        raise unknown("thumbnail")
    return FileResponse(preview, media_type="image/webp")


@router.patch("/cards/{name}")
async def rename(name: str, words: Rename, studio: Here) -> dict[str, Any]:
    """Give a card another name."""
    new = studio.library.rename(name, words.name)
    return await _shown(studio, new, studio.library.file(new))


@router.delete("/cards/{name}", status_code=204)
async def remove(name: str, studio: Here) -> Response:
    """Remove a card for good."""
    studio.library.remove(name)
    return Response(status_code=204)


async def _shown(studio: Studio, name: str, path: Path) -> dict[str, Any]:
    try:
        facts, _ = await _facts(studio, path)
    except GessoError:
        facts = {"damaged": True}
    return {"name": name, "bytes": path.stat().st_size if path.exists() else 0, **facts}


async def _facts(studio: Studio, path: Path) -> tuple[dict[str, Any], Path]:
    """What a card's header says, read once as long as the file stays the same; and its thumbnail.

    Raises:
        GessoError: a file that is no card.
    """
    status = path.stat()
    known = studio.known_cards
    key = (status.st_ino, status.st_mtime_ns, status.st_size)
    preview = studio.store.folder / "-".join(("thumbnail", *map(str, key)))
    if key not in known:
        known[key] = await studio.read(studio.readers.card, path, preview)
    return known[key], preview
