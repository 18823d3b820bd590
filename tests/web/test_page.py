"""The page, as whoever opens it sees it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from browsing import SITE, after, apart, far, painted, pixels
from gesso import assets

MOST_BYTES = 12_000_000  # compressed, for the first picture

Opened = Callable[..., Any]


@pytest.fixture(scope="module")
def kept(opened: Opened, address: str) -> Any:
    """One page for the tests that need no browser of their own: to start takes longest."""
    page = opened(address)
    painted(page)
    return page


@pytest.fixture
def page(kept: Any) -> Any:
    """The page with its example, painted in its first style."""
    if kept.get_by_role("button", name="Mix").get_attribute("aria-pressed") == "true":
        kept.get_by_role("button", name="Mix").click()
    kept.get_by_role("button", name="wheatfield").click()
    kept.get_by_label("rich").check()
    kept.get_by_label("Strength").fill("100")
    photo = assets.CONTENTS / "town.jpg"
    after(kept, lambda: kept.locator("#photo-file").set_input_files(photo))
    return kept


def test_it_paints_at_once_on_a_plain_static_host(opened: Opened, address: str) -> None:
    page, asked = opened(address, cores=2), set[str]()
    page.context.on("request", lambda request: asked.add(urlsplit(request.url).path[1:]))
    page.reload()
    picture = painted(page)
    loaded = [SITE / (path or "index.html") for path in asked]
    compressed = sum(len(gzip.compress(p.read_bytes(), 6)) for p in loaded if p.is_file())
    assert picture.std() > 20
    assert far(picture, pixels(page, "before")) > 10
    assert 4_000_000 < compressed < MOST_BYTES
    assert "2 cores" in page.locator("#say").inner_text()


def test_no_strength_is_the_photo_and_half_is_half_as_far(page: Any) -> None:
    whole, photo = pixels(page), pixels(page, "before")
    strength = page.get_by_label("Strength")
    half = after(page, lambda: strength.fill("50"))
    none = after(page, lambda: strength.fill("0"))
    assert apart(none, photo) == 0
    distances = [np.sqrt(((one - photo) ** 2).mean()) for one in (half, whole)]
    assert distances[0] / distances[1] == pytest.approx(0.5, abs=0.01)


def test_styles_are_mixed_by_the_keyboard(page: Any) -> None:
    first = pixels(page)
    page.get_by_role("button", name="Mix").press("Enter")
    both = after(page, lambda: page.get_by_role("button", name="neon").press("Enter"))
    pad = page.get_by_role("slider", name="Mixture")
    moved = after(page, lambda: [pad.press("ArrowRight") for _ in range(10)])
    assert pad.get_attribute("aria-valuetext") == "0 % wheatfield, 100 % neon"
    assert min(far(first, both), far(both, moved), far(first, moved)) > 5
    page.get_by_role("button", name="Mix").press("Enter")
    alone = after(page, lambda: page.get_by_role("button", name="neon").press("Enter"))
    assert apart(alone, moved) == 0
