"""What --style may name."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from gesso.errors import GessoError, OptionError
from gesso.images.styles import bundled_styles
from gesso.pipeline.banks import Bank, BankStyle
from gesso.pipeline.sources import given_path, style_source


def stdin(data: bytes, terminal: bool = False) -> SimpleNamespace:
    return SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: terminal)


def test_a_bundled_style_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, path in bundled_styles().items():
        assert style_source(name) == path and path.is_file()
    for text in ("Stained-Glass", "stained_glass", "stained glass"):
        assert style_source(text) == bundled_styles()["stained-glass"]
    Path("impasto").touch()  # a file of the user's comes first
    assert style_source("impasto") == Path("impasto")


@pytest.mark.parametrize("text", ["impresto", "impasto.jpg", "styles/Impasto.png"])
def test_names_nearly_right_are_answered_with_the_right_one(text: str) -> None:
    with pytest.raises(OptionError, match=r"no such file.*names are impasto.*gesso styles lists"):
        style_source(text)


def test_a_word_that_names_nothing_is_answered_with_what_lists_all() -> None:
    with pytest.raises(GessoError, match="no such file, nor a bundled style") as refused:
        style_source("xyz")
    line = str(refused.value)
    assert "(gesso styles lists them)" in line and len(line) < 90


def test_names_of_a_bank_come_after_files_and_before_bundled_styles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bank = Bank("some", ("impasto", "My waves", "v1.5"), "own.safetensors", "gesso info own")
    for text, name in (("impasto", "impasto"), ("my_waves", "My waves"), ("v1.5", "v1.5")):
        assert style_source(text, bank) == BankStyle(name, "some")
    assert style_source("batik", bank) == bundled_styles()["batik"]
    assert style_source("sub/lost.png", bank) == Path("sub/lost.png")
    Path("impasto").touch()
    assert style_source("impasto", bank) == Path("impasto")
    with pytest.raises(OptionError, match=r"nor a style of own.safe.* are My waves"):
        style_source("my-wave", bank)


def test_files_are_themselves_and_missing_ones_are_refused_when_opened(tmp_path: Path) -> None:
    assert style_source(str(tmp_path)) == tmp_path
    assert style_source(str(tmp_path / "lost.jpg")) == tmp_path / "lost.jpg"


@pytest.mark.parametrize("text", ["https://example.org/a.jpg", "HTTP://x", "s3://b/a.png"])
def test_a_url_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(OptionError, match="which only gesso batch takes; download it") as refused:
        style_source(text)
    assert refused.value.option == "style" and text in str(refused.value)


def test_an_empty_path_is_refused_by_the_options_name() -> None:
    assert given_path("out", ".") == Path(".")
    with pytest.raises(OptionError, match="contents: empty") as refused:
        given_path("contents", "")
    assert refused.value.option == "contents"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", stdin(b"picture"))
    assert style_source("-") == b"picture"
    monkeypatch.setattr("sys.stdin", stdin(b"picture"))
    with pytest.raises(GessoError, match="standard input: larger than 6 bytes"):
        style_source("-", max_bytes=6)
    for nothing in (stdin(b""), stdin(b"typed", terminal=True), None):
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(OptionError, match="nothing on standard input"):
            style_source("-")
