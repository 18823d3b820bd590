"""Standard input and output, what programs read of a picture, and pictures made again."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from command_line import Gesso, refused, without_torch
from gesso import assets
from gesso.cli import run
from gesso.disk.atomic import sha256_file
from gesso.images.read import read_photo

PHOTO = sorted(assets.CONTENTS.glob("*.jpg"))[0]
PAINT = ("--style", "impasto", "--engine", "onnxruntime", "--size", "48")


def opened(picture: Any) -> Any:
    return np.asarray(Image.open(picture))


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stream)


def photos_in(folder: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(PHOTO.read_bytes())
    return folder


def test_a_photo_comes_from_standard_input_and_a_picture_goes_to_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    out = tmp_path / "out.png"
    assert run(["stylize", str(PHOTO), *PAINT, "-o", str(out)]) == 0
    for more, kind in (((), "PNG"), (("--format", "JPG"), "JPEG")):
        stdin(monkeypatch, PHOTO.read_bytes())
        capfdbinary.readouterr()
        assert run(["stylize", "-", *PAINT, "-o", "-", *more]) == 0
        told = capfdbinary.readouterr()
        assert Image.open(io.BytesIO(told.out)).format == kind
        assert b"written" not in told.err and b"standard" not in told.err
        if kind == "PNG":
            assert np.array_equal(opened(io.BytesIO(told.out)), opened(out))


@pytest.mark.parametrize(
    ("data", "words", "line"),
    [
        (b"", "stylize - -o x.png", "photo: -: nothing on standard input"),
        (b"text", "stylize - -o x.png", "standard input: not a picture gesso can read"),
        (b"text", "stylize - -s - -o x.png", "--style: -: standard input is the photo"),
        (b"", "stylize x.jpg -o - --json", "--json: of no use with -o -"),
        (b"", "stylize x.jpg -o - --format gif", "--format: gif is unknown; allowed are jpg"),
        (b"", "stylize x.jpg -o x.png --format jpg", "--format: of no use with x.png"),
        (b"", "stylize x.jpg -o - --format jpg --keep-settings", "--keep-settings: jpg on"),
    ],
)
def test_what_cannot_be_on_standard_streams_is_said(
    cli: Gesso, monkeypatch: pytest.MonkeyPatch, data: bytes, words: str, line: str
) -> None:
    stdin(monkeypatch, data)
    refused(cli(*words.split(), *PAINT[:4], "-q"), line)


def test_a_photo_that_is_not_there_is_known_before_anything_is_loaded(
    cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gesso.cli.stylize.open_session", None)
    monkeypatch.setattr("gesso.cli.stylize.Light", None)
    gone = tmp_path / "gone.jpg"
    refused(cli("stylize", gone, "-s", "impasto", "-o", tmp_path / "x.png"), f"{gone}: no such")
    refused(cli("stylize", "https://a.b/c.jpg", "-s", "impasto", "-o", "x.png"), "a URL")


def test_others_are_painted_where_a_photo_is_not_there(cli: Gesso, tmp_path: Path) -> None:
    code, out, err = cli("stylize", PHOTO, "gone.jpg", *PAINT, "-o", tmp_path / "out", "--json")
    assert code == 1 and err.splitlines()[-1] == "gone.jpg: no such file"
    done, failed = map(json.loads, out.splitlines())
    assert failed == {"out": "gone.jpg", "error": "gone.jpg: no such file"}
    path = tmp_path / "out" / PHOTO.name
    assert (done["out"], done["sha256"]) == (str(path), sha256_file(path))
    assert (done["height"], done["width"]) == opened(path).shape[:2]
    assert done["method"] == "matching" and done["engine"].startswith("onnxruntime ")
    assert done["photo"] == {"name": PHOTO.name, "sha256": sha256_file(PHOTO)}
    assert done["styles"][0]["sha256"] == sha256_file(assets.STYLES / "impasto.jpg")
    assert 0 < done["seconds"] < 600


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_picture_is_made_again_and_compared(
    cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(PHOTO.read_bytes())
    out = tmp_path / f"out.{suffix}"
    words = ("stylize", "a.jpg", *PAINT, "-o", out)
    assert cli(*words)[0] == 0
    refused(cli("verify", out), "does not say how it was made", "--keep-settings keeps it")
    plain = opened(out)
    assert cli(*words, "--keep-settings")[0] == 0
    assert np.array_equal(opened(out), plain) and read_photo(out).rgb.shape[0] == 3
    assert (tmp_path / "out.jpg.json").exists() == (suffix == "jpg")
    before = out.read_bytes()
    assert cli("verify", out) == (0, "", f"{out}: the same picture, bit for bit\n")
    assert out.read_bytes() == before

    picture = Image.open(out)
    picture.load()
    picture.putpixel((3, 3), (0, 255, 0))
    picture.putpixel((4, 3), (255, 0, 255))
    info = PngInfo()
    info.add_itxt("gesso", picture.info.get("gesso", ""))
    picture.save(out, **({"pnginfo": info} if suffix == "png" else {"quality": 92}))
    code, _, err = cli("verify", out)
    line = "was changed after it was made" if suffix == "png" else "differs by up to "
    assert code == 1 and line in err

    Path("a.jpg").write_bytes(sorted(assets.CONTENTS.glob("*.jpg"))[1].read_bytes())
    code, _, err = cli("verify", out)
    assert code == 1 and "a.jpg is another file than it was made of" in err and "differs" in err


def test_one_picture_of_a_folder_is_made_again(
    cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photos_in(tmp_path / "in")
    assert cli("stylize", "in", "gone.jpg", *PAINT, "-o", "out", "--keep-settings")[0] == 1
    line = "out/b.jpg: the same picture, bit for bit\n"
    assert cli("verify", "out/b.jpg") == (0, "", line)
    assert cli("verify", "out/b.jpg", "out/a.jpg", "-q") == (0, "", "")


def test_pictures_are_made_again_without_torch(tmp_path: Path, own_cache: Path) -> None:
    out = tmp_path / "out.png"
    words = ("stylize", PHOTO, "-s", "impasto", "--size", 48, "-o", out, "--keep-settings")
    assert without_torch(*words)[0] == 0
    code, _, err = without_torch("verify", out)
    assert code == 0 and "bit for bit" in err


def test_settings_that_are_damaged_or_no_command_are_refused(cli: Gesso, tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    assert cli("stylize", PHOTO, *PAINT, "-o", out, "--keep-settings")[0] == 0
    path = tmp_path / "out.jpg.json"
    kept = json.loads(path.read_text())
    for text in (
        "no JSON",
        "{}",
        json.dumps(kept | {"words": ["cache", "clear"]}),
        json.dumps(kept | {"words": 3}),
        json.dumps(kept | {"photo": ["a"]}),
        json.dumps(kept | {"threads": "--out"}),
        json.dumps(kept | {"engine": None}),
    ):
        path.write_text(text)
        refused(cli("verify", out), "what it says of itself is damaged")
