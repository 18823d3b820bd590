"""The page on Python does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gesso.fitting.network import FitConfig
from gesso.images.write import write_image
from gesso.nn.pictures import read_image
from tiny import pictures
from tiny_files import TinyFiles, make_tiny_files

PAGE = Path(__file__).parent.parent / "docs/python-api.md"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyFiles:
    """Tiny weights in the place of the bundled ones, and the pictures the page speaks of."""
    files = make_tiny_files(tmp_path)
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    quick = FitConfig(steps=2, crop=48)
    monkeypatch.setattr("gesso.methods.metastyle.method.MetaStyle.default_fit", lambda self: quick)
    contents = tmp_path / "contents"
    contents.mkdir()
    monkeypatch.setattr("gesso.assets.CONTENTS", contents)
    for path, picture in zip(
        (tmp_path / f"{name}.jpg" for name in ("painting", "other", "photo", "contents/one")),
        pictures(4, 66),
        strict=True,
    ):
        write_image(path, picture)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    return files


def test_the_blocks_of_the_page_run(files: TinyFiles, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    for block in blocks:
        block = block.replace("steps=20", "steps=2").replace('"steps": 20', '"steps": 2')
        exec(compile(block.replace("size=512", "size=96"), str(PAGE), "exec"), names)
    assert "missing.jpg: no such file" in capsys.readouterr().out
    assert read_image("out.png").shape == (3, 66, 66)
    assert max(read_image("out/photo.jpg").shape) == 96
    assert names["failures"] == {} and names["from_cache"] is False
