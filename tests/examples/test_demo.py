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
    options = about("matching").options(steps=1, half_steps=0, final_steps=1, style_size=64)
    session = gesso.Session("matching", options, encoder=tiny_weights.encoder)
    rows = demo.stylized(session, tmp_path)
    assert rows == [[tmp_path / f"{name}-linocut.jpg"] for name in ("astronaut", "cat")]
    assert gesso.StyleCard.load(tmp_path / "linocut.safetensors").method == "matching"
    with Image.open(rows[0][0]) as picture, Image.open(demo.write_sheet(rows, tmp_path)) as sheet:
        assert picture.size == (64, 64) and sheet.width > 640
