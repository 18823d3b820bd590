"""What every request passes first, and every answer last. Needs no torch."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from gesso.studio.addresses import Known
from gesso.studio.limits import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_HEADER, TOKEN = b"x-gesso-token", "X-Gesso-Token"
API = "/api"
FILES = tuple(f"{API}/{name}" for name in ("pictures", "clips", "cards"))  # are streamed
MOST_JSON = 1_000_000  # bytes
OPEN = (f"{API}/about",)  # says less to those without the token

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self' blob: data:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), interest-cohort=()",
}
HEADERS = [(name.encode(), value.encode()) for name, value in _ALWAYS.items()]


class Guard:
    """Refuses what comes from elsewhere, has no token, or comes while too much is under way; gives
    every answer the headers that keep browsers careful.

    Args:
        app: what answers the rest.
        known: the server's names.
        token: what the header X-Gesso-Token has to hold.
    """

    def __init__(self, app: App, known: Known, token: str, limits: Limits) -> None:
        self.app, self.known, self.token, self.limits = app, known, token.encode(), limits
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, _careful(scope, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = [name for name, _ in scope["headers"]]
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        api = scope["path"] == API or scope["path"].startswith(f"{API}/")
        refusal = self.known.refusal(scope["method"], api, headers)
        if refusal is None and any(names.count(name) > 1 for name in (b"host", b"origin")):
            refusal = "Host, Origin: more than one"
        scope["gesso_trusted"] = self._has_token(scope)
        if refusal is not None:
            await refuse(send, 403, refusal)
        elif api and not scope["gesso_trusted"] and scope["path"] not in OPEN:
            await refuse(send, 401, f"{TOKEN}: missing or wrong; it is in the address of the page")
        elif self.under_way >= self.limits.max_at_once:
            await refuse(send, 503, "too many requests at one time; try again", retry_after=1)
        elif api and (trouble := _body_trouble(scope, headers)):
            await refuse(send, *trouble)
        else:
            await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self.under_way += 1
        try:
            await self.app(scope, self._in_time(receive), noted)
        except Exception as error:
            if os.environ.get("GESSO_DEBUG"):
                traceback.print_exc()
            if not begun:
                text = f"unexpected error, please report it ({type(error).__name__})"
                await refuse(send, 500, text)
        finally:
            self.under_way -= 1

    def _in_time(self, receive: Receive) -> Receive:
        """`receive`, which raises TimeoutError where the body is not there in time."""
        end = asyncio.get_running_loop().time() + self.limits.upload_timeout
        complete = False

        async def received() -> Message:
            nonlocal complete
            async with asyncio.timeout_at(None if complete else end):
                message = await receive()
            complete = complete or not message.get("more_body", False)
            return message

        return received

    def _has_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == TOKEN_HEADER]
        return len(given) == 1 and hmac.compare_digest(given[0], self.token)


def _body_trouble(scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
    """Status and line where a body that would be read into memory is too long, or does not say how
    long it is; None: it is fine."""
    if scope["path"] in FILES and scope["method"] == "POST":
        return None
    if "transfer-encoding" in headers:
        return 411, "Content-Length: missing"
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 12 or int(length) > MOST_JSON:
        return 413, f"body: {length[:20]} bytes, over the limit of {MOST_JSON} bytes"
    return None


def _careful(scope: Scope, send: Send) -> Send:
    """`send`, with the headers of every answer; those of the API are not to be kept."""
    more = list(HEADERS)
    if scope["path"].startswith(API):
        more.append((b"cache-control", b"no-store"))

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", [])}
            kept = [(name, value) for name, value in more if name not in own]
            message = {**message, "headers": [*message.get("headers", []), *kept]}
        await send(message)

    return sent


async def refuse(send: Send, status: int, text: str, retry_after: int | None = None) -> None:
    """Answer with an error; what the request may still send is not waited for."""
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
