"""`make demo`, on tiny weights and one style."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from PIL import Image

import gesso
from gesso.methods.registry import about
from tiny_files import TinyFiles

demo = importlib.import_module("demo")


def test_photographs_in_styles_lie_on_one_sheet(
    tiny_weights: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "STYLES", ("linocut",))
    monkeypatch.setattr(demo, "SIZE_PX", 64)
    options = about("metastyle").options(steps=1, crop=16, style_size=64)
    session = gesso.Session("metastyle", options, encoder=tiny_weights.encoder)
    rows, seconds = demo.stylized(session, tmp_path)
    assert rows == [[tmp_path / f"{name}-linocut.jpg"] for name in ("astronaut", "cat")]
    assert seconds > 0 and gesso.StyleCard.load(tmp_path / "linocut.safetensors").grams
    with Image.open(rows[0][0]) as picture, Image.open(demo.write_sheet(rows, tmp_path)) as sheet:
        assert picture.size == (64, 64) and sheet.width > 640
