"""Who may ask: the names under which the server is known, and the pages that may talk to it.

A page of another site can make the browser send requests here. It cannot choose the `Host`, which
is its own name where it has had that resolve to this machine (DNS rebinding), nor the `Origin`, nor
`Sec-Fetch-Site`. Nor can it send other content types than three without asking first, which is
never granted. Needs no torch.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""Content types that any page may send without asking."""
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True)
class Known:
    """Names of the server.

    Attributes:
        port: it listens on.
        names: hosts by name, beside localhost; addresses in numbers are always known, since a page
            that came from one came from here.
        local: whether it listens on this machine only, so that only loopback addresses count.
    """

    port: int
    names: tuple[str, ...] = ()
    local: bool = True

    def is_host(self, host: str) -> bool:
        """Whether a `Host` header names this server."""
        name, port = _split(host)
        if name.lower() in self.names:  # behind a proxy the port is the proxy's
            return port != -1
        if (80 if port is None else port) != self.port:
            return False
        if name.lower() == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or not self.local

    def refusal(self, method: str, api: bool, headers: Mapping[str, str]) -> str | None:
        """Why a request may not be answered; None: it may.

        Args:
            api: whether it goes to what does something, not to the page's files.
            headers: by name in lower case.
        """
        host = headers.get("host", "")
        if not self.is_host(host):
            return "Host: not a name of this server"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {
            f"{scheme}://{host}".lower() for scheme in ("http", "https")
        }:
            return "Origin: another site"
        site = headers.get("sec-fetch-site")
        followed = not api and method in _SAFE and headers.get("sec-fetch-mode") == "navigate"
        if site not in (None, "same-origin", "none") and not followed:
            return "Sec-Fetch-Site: another site"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method not in _SAFE and kind in FORMS:
            return f"Content-Type: {kind}, which any site's form may send"
        return None


def _split(host: str) -> tuple[str, int | None]:
    """A name and a port; the port is -1 where it is no number."""
    if host.startswith("["):
        name, bracket, rest = host.partition("]")
        name, port = name + bracket, rest.removeprefix(":") if rest else ""
    else:
        name, _, port = host.partition(":")
    if not port:
        return name, None
    return name, int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else -1
