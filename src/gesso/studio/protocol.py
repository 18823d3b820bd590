"""HTTP as uvicorn speaks it, with an end to connections that send no request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gesso.studio.guard import HEADERS
from gesso.studio.server import HEAD_SECONDS, MOST_CONNECTIONS


class Protocol(H11Protocol):
    """One connection. Its errors are JSON like all others."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_SECONDS, self._check_begun)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def _check_begun(self) -> None:
        """Close a connection whose request is not there yet, and look again later."""
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and self.timeout_keep_alive_task is None:
            self.transport.close()
            return
        self._late = self.loop.call_later(HEAD_SECONDS, self._check_begun)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        body = json.dumps({"error": msg.rstrip(".").lower()}).encode()
        headers = [
            *HEADERS,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
