"""The built page on a static host, and what is seen on it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

SITE = Path(__file__).parents[1] / "site"
PIXELS = """(id) => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let i = 0; i < data.length; i += 32768)
    text += String.fromCharCode(...data.subarray(i, i + 32768));
  return [canvas.height, canvas.width, btoa(text)];
}"""
ASKED = "Number(document.documentElement.dataset.asked ?? 0)"
PAINTED = """(before) => {
  const { asked, painted } = document.documentElement.dataset;
  return painted === asked && Number(asked) > before;
}"""


class Files(SimpleHTTPRequestHandler):
    """A plain static host."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".webmanifest": "application/manifest+json",
    }

    def log_message(self, *parts: Any) -> None:
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder's files, until the server stops."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pixels(page: Any, name: str = "after") -> NDArray[np.float32]:
    """(H, W, 3) in 0 to 255 of the picture, or of the photo ("before")."""
    return picture_of(page.evaluate(PIXELS, name))


def picture_of(found: tuple[int, int, str]) -> NDArray[np.float32]:
    """(H, W, 3) of a height, a width and base64 of RGBA."""
    height, width, text = found
    flat = np.frombuffer(base64.b64decode(text), np.uint8)
    return flat.reshape(height, width, 4)[..., :3].astype(np.float32)


def painted(page: Any) -> NDArray[np.float32]:
    """The picture, once it is that of all that was chosen."""
    return after(page, since=0)


def after(
    page: Any, act: Callable[[], Any] | None = None, since: int | None = None
) -> NDArray[np.float32]:
    """The picture of what is chosen by something that is done; the page numbers its changes."""
    before = page.evaluate(ASKED) if since is None else since
    if act is not None:
        act()
    page.wait_for_function(PAINTED, arg=before)
    return pixels(page)


def apart(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest difference of two pictures' values."""
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).max())


def far(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The mean difference."""
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean())
