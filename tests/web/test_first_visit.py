"""The page comes to its picture whatever becomes of the service worker, and of one file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browsing import SITE, Files, painted, served

Opened = Callable[..., Any]


@pytest.fixture
def copied(browser: Any, tmp_path: Path) -> Callable[..., Path]:
    """The site with another service worker."""

    def run(change: Callable[[str], str]) -> Path:
        site = tmp_path / "site"
        shutil.copytree(SITE, site, copy_function=_linked)
        text = (site / "sw.js").read_text("utf-8")
        (site / "sw.js").unlink()
        (site / "sw.js").write_text(change(text), "utf-8")
        return site

    return run


def _linked(source: str, target: str) -> None:
    Path(target).symlink_to(source)


def test_it_paints_where_it_is_loaded_past_the_service_worker(opened: Opened, address: str) -> None:
    """As Shift and reload does: the worker is there, and takes nothing over by itself."""
    page = opened(address, cores=2)
    painted(page)
    page.context.add_init_script("const now = Date.now; Date.now = () => now() + 3_600_000")
    with page.expect_event("framenavigated"):
        page.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
    page.wait_for_function("() => crossOriginIsolated")
    painted(page)


def _no_claim(text: str) -> str:
    assert text.count("clients.claim()") == 2
    return text.replace("self.clients.claim()", "Promise.resolve()")


def _no_isolation(text: str) -> str:
    assert text.count("headers.set(name, value)") == 1
    return text.replace("headers.set(name, value)", "")


def _no_install(text: str) -> str:
    return "self.addEventListener('install', (e) => e.waitUntil(Promise.reject(Error('no'))));"


def _no_script(text: str) -> str:
    return "no JavaScript ("


@pytest.mark.parametrize("change", [_no_claim, _no_isolation, _no_install, _no_script])
@pytest.mark.slow
def test_it_paints_without_the_service_worker(
    opened: Opened, copied: Callable[..., Path], change: Callable[[str], str]
) -> None:
    with served(copied(change)) as address:
        page = opened(address)
        painted(page)
        assert not page.evaluate("crossOriginIsolated")


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How often a static host is yet to fail for a file."""
    left: dict[str, int] = {}
    get = Files.do_GET

    def do_get(self: Files) -> None:
        path = self.path.partition("?")[0]
        if left.get(path, 0) > 0:
            left[path] -= 1
            self.send_error(503)
        else:
            get(self)

    monkeypatch.setattr(Files, "do_GET", do_get)
    yield left


@pytest.mark.parametrize("file", ["/paint/look.js", "/paint/worker.js", "/files.json"])
def test_it_paints_though_a_file_was_lost_once(
    opened: Opened, browser: Any, lost: dict[str, int], file: str
) -> None:
    with served(SITE) as address:
        lost[file] = 1
        page = opened(address)
        painted(page)
    assert lost[file] == 0
