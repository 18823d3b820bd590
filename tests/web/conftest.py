"""The built page in Chromium. Skipped where it is not built, or there is no browser:
`make test-web` builds it."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from browsing import SITE, served
from gesso import assets

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
CORES = "Object.defineProperty(navigator, 'hardwareConcurrency', { value: %d })"
SECONDS = 1000.0  # of Playwright, in ms
PATIENCE = float(os.environ.get("GESSO_WEB_SECONDS", "120")) * SECONDS


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, whose camera shows a photo that wanders, and which reaches this computer only."""
    if not (SITE / "index.html").is_file():
        pytest.skip("the page is not built; make web does it")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    camera = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    camera.write_bytes(b"".join(frames()))
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=path, args=flags)
        yield made
        made.close()


def frames() -> Iterator[bytes]:
    """JPEG files of 640 × 480 px, of what a moving camera sees."""
    with Image.open(assets.CONTENTS / "cat.jpg") as image:
        photo = image.convert("RGB").resize((800, 600))
    for step in range(0, 160, 4):
        sink = io.BytesIO()
        photo.crop((step, step // 2, step + 640, step // 2 + 480)).save(sink, "JPEG", quality=90)
        yield sink.getvalue()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """That of the page, on a plain static host."""
    with served(SITE) as found:
        yield found


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page at an address, in a browser that has never seen it, painting at 256 px on
    one core. All that it asks for has to be of this address, and no script may fail."""
    contexts, troubles = [], list[str]()

    def run(address: str, more: str = "", cores: int = 1, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 850}, **options})
        context.set_default_timeout(PATIENCE)
        context.add_init_script(CORES % cores)
        context.add_init_script("localStorage.setItem('size', localStorage.getItem('size') ?? 256)")
        context.on("request", lambda request: _check(request.url, address, troubles))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"failed: {error}"))
        page.goto(address + more)
        return page

    yield run
    for context in contexts:
        context.close()
    assert not troubles


def _check(url: str, address: str, troubles: list[str]) -> None:
    if not url.startswith((address, "blob:", "data:")):
        troubles.append(f"asked for {url}")
