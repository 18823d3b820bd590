"""Make the pictures of docs/page.md and docs/studio.md: `make web && python
docs/make_page_pictures.py`.

Needs playwright and Chromium, as `make test-web` does. The photographs are
src/gesso/assets/contents, the styles are drawn by examples/draw_styles.py; all of them may be
passed on freely.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from gesso import assets

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).with_name("pictures")
sys.path.insert(0, str(ROOT / "tests"))

from browsing import SITE, after, painted, served  # noqa: E402
from studio_client import TOKEN, serving  # noqa: E402

SCREEN = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
QUALITY = 80
SIZE, LARGE = 512, 768
PATIENCE = 900_000  # ms


def main() -> None:
    """Writes page.jpg, page-mix.jpg (dark), page-phone.jpg, studio.jpg and studio-queue.jpg
    (dark)."""
    with sync_playwright() as running:
        path = shutil.which("chromium")
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with served(SITE) as address:
            of_the_page(browser, address)
        with studio() as address:
            of_the_studio(browser, address)
        browser.close()


def opened(browser: Any, address: str, **options: Any) -> Any:
    """The page with its first picture."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(f"localStorage.setItem('size', {SIZE})")
    page = context.new_page()
    page.goto(address)
    painted(page)
    return page


def of_the_page(browser: Any, address: str) -> None:
    """A photo beside its picture; a mixture; the same on a phone."""
    page = opened(browser, address, viewport=SCREEN)
    page.get_by_label("Compare").fill("38")
    page.get_by_label("Compare").blur()
    shot(page, "page")
    page.emulate_media(color_scheme="dark")
    mixed(page)
    shot(page, "page-mix")
    phone = opened(browser, address, viewport=PHONE, device_scale_factor=2, is_mobile=True)
    shot(phone, "page-phone")


def mixed(page: Any) -> None:
    """Four styles in the square, a cat."""
    photo(page, "cat")
    page.get_by_label("Compare").fill("0")
    page.get_by_role("button", name="Mix").click()
    for name in ("impasto", "stained-glass"):
        page.get_by_role("button", name=name).click()
    after(page, lambda: page.get_by_role("button", name="ukiyo-e").click())


@contextmanager
def studio() -> Iterator[str]:
    """The address of a studio."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (_, client):
        yield f"http://127.0.0.1:{client.port}/?token={TOKEN}"


def of_the_studio(browser: Any, address: str) -> None:
    """Regions by brush; many photos in a queue, and cards."""
    page = opened(browser, address, viewport=SCREEN)
    page.get_by_role("button", name="Mix").click()
    after(page, lambda: page.get_by_role("button", name="ukiyo-e").click())
    page.get_by_role("button", name="Regions…").click()
    page.get_by_role("slider", name="Brush").fill("30")
    box = page.locator(".regions").bounding_box()
    for height in (0.1, 0.25):
        page.mouse.move(box["x"] + 4, box["y"] + height * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 4, box["y"] + height * box["height"], steps=9)
        page.mouse.up()
    page.mouse.move(2, 2)
    page.locator("aside").evaluate("e => e.scrollTo(0, 560)")
    shot(page, "studio")
    page.get_by_role("button", name="Regions…").click()
    page.emulate_media(color_scheme="dark")
    after(page, lambda: page.get_by_label(str(LARGE), exact=True).check())
    queued(page)
    shot(page, "studio-queue")


def queued(page: Any) -> None:
    """Three photos in two styles, and two cards."""
    for panel in page.locator("details.panel").all():
        panel.evaluate("e => { e.open = e.innerText.match(/Cards|Many|Queue/) !== null }")
    page.get_by_role("button", name="Keep this style").click()
    page.locator(".cards li").first.wait_for()
    names = ("cat", "cat-face", "town")
    many = page.locator("details.panel", has=page.get_by_role("heading", name="Many photos"))
    many.get_by_label("How").select_option("method:adain")
    files = [assets.CONTENTS / f"{name}.jpg" for name in names]
    page.locator("input[type=file][multiple][accept='image/*']").last.set_input_files(files)
    page.get_by_role("button", name="Paint all").click()
    page.locator(".queue li", has_text="6 pictures").wait_for()
    page.get_by_role("button", name="show cat-ukiyo-e.jpg").click()
    page.locator("#say", has_text="cat-ukiyo-e.jpg").wait_for()
    page.wait_for_timeout(1500)  # thumbnails
    page.locator("aside").evaluate("e => e.scrollTo(0, 9999)")


def photo(page: Any, name: str) -> None:
    """Chooses a photo."""
    file = assets.CONTENTS / f"{name}.jpg"
    after(page, lambda: page.locator("#photo-file").set_input_files(file))


def shot(page: Any, name: str) -> None:
    """Writes what is seen."""
    page.screenshot(path=OUT / f"{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
