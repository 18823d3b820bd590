"""Make the pictures of docs/page.md: `make web && python docs/make_page_pictures.py`.

Needs playwright and Chromium, as `make test-web` does. The photographs are
src/gesso/assets/contents, the styles are drawn by examples/draw_styles.py; all of them may be
passed on freely.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).with_name("pictures")
sys.path.insert(0, str(ROOT / "tests"))

from browsing import SITE, after, painted, served  # noqa: E402

SCREEN = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
QUALITY = 84
SIZE = 768


def main() -> None:
    """Writes page.jpg (light), page-mix.jpg (dark) and page-phone.jpg."""
    with served(SITE) as address, sync_playwright() as running:
        path = shutil.which("chromium")
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])

        def opened(**options: Any) -> Any:
            context = browser.new_context(**options)
            context.set_default_timeout(900_000)
            context.add_init_script(f"localStorage.setItem('size', {SIZE})")
            page = context.new_page()
            page.goto(address)
            painted(page)
            return page

        page = opened(viewport=SCREEN)
        page.get_by_label("Compare").fill("38")
        page.screenshot(path=OUT / "page.jpg", quality=QUALITY)
        page.emulate_media(color_scheme="dark")
        mixed(page)
        page.screenshot(path=OUT / "page-mix.jpg", quality=QUALITY)
        page = opened(viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True)
        page.screenshot(path=OUT / "page-phone.jpg", quality=QUALITY)
        browser.close()


def mixed(page: Any) -> None:
    """Four styles in the square, the face of a cat."""
    photo = ROOT / "src" / "gesso" / "assets" / "contents" / "cat.jpg"
    after(page, lambda: page.locator("#photo-file").set_input_files(photo))
    page.get_by_label("Compare").fill("0")
    page.get_by_role("button", name="Mix").click()
    for name in ("impasto", "stained-glass"):
        page.get_by_role("button", name=name).click()
    after(page, lambda: page.get_by_role("button", name="ukiyo-e").click())


if __name__ == "__main__":
    main()
