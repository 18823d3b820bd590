"""The site of the documentation: every page has its place, no link leads nowhere, nothing comes
from elsewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FROM_ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=\"?(?:https?:)?//", re.I
)


def test_the_site_is_built_without_a_complaint_and_complete(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("material", reason="needs mkdocs-material: pip install 'gesso[docs]'")
    site = runpy.run_path(str(ROOT / "docs/make_site.py"))
    assert site["build"](tmp_path) == 0, capfd.readouterr().err
    for page in site["pages"]():
        name = "index.html" if page.name == "README.md" else f"{page.stem}.html"
        html = (tmp_path / "site" / page.parent / name).read_text(encoding="utf-8")
        assert not FROM_ELSEWHERE.search(html), page


def test_every_method_has_its_page_in_the_site() -> None:
    methods = {p.name for p in (ROOT / "src/gesso/methods").iterdir() if (p / "about.py").exists()}
    nav = (ROOT / "docs/mkdocs.yml").read_text(encoding="utf-8")
    names = {"texture_nets": "texture-networks"}
    for name in methods:
        page = f"docs/{names.get(name, name.replace('_', '-'))}.md"
        assert (ROOT / page).is_file() and page in nav, name
