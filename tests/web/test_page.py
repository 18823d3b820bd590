"""The page, as whoever opens it sees it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from browsing import SITE, after, apart, far, painted, pixels, served
from command_line import python
from gesso import assets
from gesso.cli import run

MOST_BYTES = 12_000_000  # compressed, for the first picture
CONTRAST = 4.5  # of text, at least (WCAG AA)
COLORS = """(selector) => [...document.querySelectorAll(selector)].map((element) => {
  let ground = element;
  const color = (e) => getComputedStyle(e).backgroundColor;
  while (ground.parentElement && /, 0\\)$|transparent/.test(color(ground)))
    ground = ground.parentElement;
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  return [getComputedStyle(element).color, color(ground)].map((text) => {
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  });
})"""
TEXTS = "h1, h2, header p, #say, #chosen, .row > span, legend, output, .bar button"

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
    painted(page)
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
    first_tile, below = (page.locator(".tile").nth(n).bounding_box() for n in (0, 5))
    assert below["y"] >= first_tile["y"] + first_tile["height"]  # the pad takes room from them
    assert pad.get_attribute("aria-valuetext") == "0 % wheatfield, 100 % neon"
    assert min(far(first, both), far(both, moved), far(first, moved)) > 5
    page.get_by_role("button", name="Mix").press("Enter")
    alone = after(page, lambda: page.get_by_role("button", name="neon").press("Enter"))
    assert apart(alone, moved) == 0


@pytest.mark.parametrize("hand", ["rich", pytest.param("bold", marks=pytest.mark.slow)])
def test_a_saved_card_is_the_command_lines_and_the_pages(
    page: Any, hand: str, tmp_path: Path
) -> None:
    own_file = assets.STYLES / "ukiyo-e.jpg"
    own = after(page, lambda: page.locator("#style-file").set_input_files(own_file))
    if hand == "bold":
        own = after(page, lambda: page.get_by_label("bold").check())
    with page.expect_download() as download:
        page.get_by_role("button", name="Save style").click()
    card = tmp_path / "card.safetensors"
    download.value.save_as(card)
    photo, out = assets.CONTENTS / "town.jpg", tmp_path / "out.png"
    info = python("-m", "gesso", "info", str(card))
    assert info.returncode == 0 and "ukiyo-e.jpg" in info.stdout
    given = ["stylize", str(photo), "--style", str(card), "--size", "256", "-o", str(out), "-q"]
    assert run(given) == 0  # in this process, in float32 as the page
    with Image.open(out) as image:
        assert apart(np.asarray(image), own) <= 2
    page.get_by_role("button", name="impasto").click()
    again = after(page, lambda: page.locator("#style-file").set_input_files(card))
    assert apart(again, own) <= 1


def test_a_saved_picture_is_what_is_seen(page: Any, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    download.value.save_as(tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert apart(np.asarray(image.convert("RGB")), pixels(page)) == 0


def test_what_is_no_picture_is_refused_in_one_line(page: Any, tmp_path: Path) -> None:
    before = pixels(page)
    (tmp_path / "photo.jpg").write_bytes(b"no picture")
    (tmp_path / "card.safetensors").write_bytes(b"no card at all")
    page.locator("#photo-file").set_input_files(tmp_path / "photo.jpg")
    page.locator("#say", has_text="photo.jpg: not a picture").wait_for()
    page.locator("#style-file").set_input_files(tmp_path / "card.safetensors")
    page.locator("#say", has_text="card.safetensors: not a card").wait_for()
    assert apart(pixels(page), before) == 0


@pytest.mark.slow
def test_a_photo_that_exif_turns_is_upright(page: Any) -> None:
    tall = Image.new("RGB", (96, 48), "gray")
    exif = Image.Exif()
    exif[0x0112] = 6
    data = io.BytesIO()
    tall.save(data, "JPEG", exif=exif)
    photo = {"name": "turned.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}
    picture = after(page, lambda: page.locator("#photo-file").set_input_files(photo))
    assert picture.shape == (256, 128, 3)


@pytest.mark.slow
def test_it_works_without_a_network_after_the_first_visit(opened: Opened) -> None:
    with served(SITE) as address:
        page = opened(address)
        painted(page)
        page.locator("html[data-offline=ready]").wait_for(state="attached")
    page.reload()
    first = painted(page)
    page.locator("#style-file").set_input_files(assets.STYLES / "gilded.jpg")
    page.locator("#chosen", has_text="gilded").wait_for()
    second = after(page, lambda: page.get_by_label("bold").check())
    assert far(first, second) > 5


def test_everything_has_a_name_and_a_place_for_the_keyboard(page: Any) -> None:
    controls = page.locator("button, input:not([hidden]), select, [role=slider]").all()
    names = [
        one.evaluate("e => e.ariaLabel || e.innerText || e.labels?.[0]?.innerText || ''")
        for one in controls
    ]
    assert all(name.strip() for name in names)
    compare = page.get_by_label("Compare")
    compare.focus()
    page.keyboard.press("End")
    assert compare.get_attribute("aria-valuetext") == "100 % photo"


def test_all_can_be_done_by_the_keyboard(page: Any) -> None:
    seen: list[str] = []
    page.locator("#compare").focus()
    while len(seen) < 80 and (not seen or seen[-1] != "size"):
        name = page.evaluate("document.activeElement.id || document.activeElement.name || ''")
        shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        seen.append(name)
        hidden = page.evaluate("document.activeElement.matches('.choice input')")
        assert shown != "none" or hidden or len(seen) == 1, name
        page.keyboard.press("Tab")
    wanted = ["compare", "open-photo", "camera", "save-card", "save-picture", "mix", "open-style"]
    wanted += ["strength", "strokes", "color", "method", "size"]
    assert [name for name in seen if name in wanted] == wanted
    page.locator("input[name=strength]").focus()
    softer = after(page, lambda: page.keyboard.press("ArrowLeft"))
    assert page.locator("output[name=strength-shown]").inner_text().startswith("99")
    assert far(softer, pixels(page, "before")) > 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_by_day_and_by_night(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    pairs = np.array(page.evaluate(COLORS, TEXTS), np.float32) / 255
    page.emulate_media(color_scheme="light")
    linear = np.where(pairs <= 0.04045, pairs / 12.92, ((pairs + 0.055) / 1.055) ** 2.4)
    light = linear @ np.array([0.2126, 0.7152, 0.0722])
    assert (light[:, 1].mean() < 0.1) == (scheme == "dark")
    contrast = (light.max(1) + 0.05) / (light.min(1) + 0.05)
    assert len(contrast) > 15 and contrast.min() >= CONTRAST


@pytest.mark.parametrize("width", [390, 360, 320])
def test_a_phone_has_the_picture_on_its_screen_and_scrolls_downwards_only(
    page: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    try:
        box = page.locator("#after").bounding_box()
        assert box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= width
        assert box["width"] > width - 50 and box["y"] + box["height"] < 600
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        places = [button.bounding_box() for button in page.locator(".bar button").all()]
        assert len({place["y"] for place in places}) == 1  # in one row, below the picture
        for place in places:
            assert place["height"] >= 36 and place["y"] + place["height"] <= 844
        tiles = [tile.bounding_box() for tile in page.locator(".tile").all()[:4]]
        assert all(abs(tile["width"] - tile["height"]) < 1 < 844 - tile["y"] for tile in tiles)
        page.get_by_label("light only").scroll_into_view_if_needed()
        after(page, lambda: page.get_by_label("light only").check())
        after(page, lambda: page.get_by_label("style’s").check())
    finally:
        page.set_viewport_size({"width": 1360, "height": 850})
