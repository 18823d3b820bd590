"""The page: files that were there when the server started, by the very paths they have."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from gesso.studio.app import Here
from gesso.studio.refusals import Refused

router = APIRouter()

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
FIRST = "index.html"


@router.get("/{path:path}", include_in_schema=False)
async def page(path: str, studio: Here) -> FileResponse:
    """A file of the page."""
    found = studio.site.get(path or FIRST)
    if found is None:
        raise Refused(404, "not found")
    kind = TYPES.get(found.suffix.lower(), "application/octet-stream")
    return FileResponse(found, media_type=kind, headers={"Cache-Control": "no-cache"})
