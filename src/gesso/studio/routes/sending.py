"""Bodies of requests, received into files within limits of size and time."""

from __future__ import annotations

import asyncio

from fastapi import Request

from gesso.studio.app import Studio
from gesso.studio.refusals import TOO_LARGE, Refused
from gesso.studio.store import Entry

DRAINED = 4  # times the limit is still read, so that the answer reaches whoever sends too much


async def receive(request: Request, studio: Studio, entry: Entry, most: int) -> None:
    """Write the body into the entry's file. Raises Refused for one that is too large, empty, late
    or of a content type that is no file's."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/octet-stream") and not kind.startswith(("image/", "video/")):
        allowed = "application/octet-stream, image/… or video/…"
        raise Refused(415, f"Content-Type: {kind[:60]}; allowed are {allowed}")
    with studio.store.writing(entry) as file:
        try:
            async with asyncio.timeout(studio.limits.upload_timeout):
                size = await _received(request, file.write, entry.name, most)
        except TimeoutError:
            seconds = studio.limits.upload_timeout
            raise Refused(408, f"{entry.name}: took longer than {seconds:g} s to send") from None
        if size == 0:
            raise Refused(422, f"{entry.name}: is empty (0 bytes)")


async def _received(request: Request, write: object, name: str, most: int) -> int:
    assert callable(write)
    declared, size = _length(request), 0
    if declared <= DRAINED * most:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= most and declared <= most:
                write(chunk)
            elif size > DRAINED * most:
                break
    if max(size, declared) > most:
        found = f"{declared} bytes" if declared > most else "more"
        raise Refused(TOO_LARGE, f"{name}: {found}, over the limit of {most} bytes")
    return size


def _length(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
